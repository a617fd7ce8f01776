"""`analyse intents`: somebody's own examples in, intents with confidence out."""

import csv
import json

import pytest
from django.core.management import CommandError, call_command

SAYINGS = {
    "buy": ["i want to buy {}", "please sell me {}", "i would like to purchase {}", "buy {} now"],
    "track": ["where is {}", "track the parcel of {}", "has {} been sent", "when comes {}"],
    "退货": ["我要退掉{}", "{}怎么退货", "把{}退了吧", "退货{}可以吗"],
}
GOODS = ["the lamp", "the bike", "台灯", "单车", "a phone"]
STRANGERS = ["who wrote hamlet", "今天天气怎么样", "sing a song", "what is pi", "讲个笑话"]
HEADER = "text,intent\n"


def rows(*goods):
    return "".join(
        f"{saying.format(thing)},{intent}\n"
        for intent, sayings in SAYINGS.items()
        for saying in sayings
        for thing in goods
    )


TRAIN, TEST = HEADER + rows(*GOODS[:4]), HEADER + rows(GOODS[4])


@pytest.fixture(autouse=True)
def _without_the_encoder(monkeypatch):
    """Words alone: what the encoder adds is measured in bench/."""
    monkeypatch.setattr("crm.encoder._encoder", lambda: None)


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(train, test, *args):
        for name, text in (("train", train), ("test", test)):
            if text is not None:
                content = text if isinstance(text, bytes) else text.encode()
                (tmp_path / f"{name}.csv").write_bytes(content)
        output = tmp_path / "output.csv"
        files = [f"--{name}={tmp_path / name}.csv" for name in ("train", "test")]
        call_command("analyse", "intents", *files, f"--output={output}", *args)
        report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return report, list(csv.DictReader(output.open(encoding="utf-8")))

    return run


def test_every_message_has_an_intent_and_how_sure_it_is(analyse):
    report, said = analyse(TRAIN, TEST)
    assert [list(row) for row in said] == [["text", "intent", "confidence"]] * 12
    assert [row["text"] for row in said] == [line.split(",")[0] for line in TEST.split("\n")[1:-1]]
    assert {row["intent"] for row in said} <= set(SAYINGS)
    assert all(0 <= float(row["confidence"]) <= 1 for row in said)
    right = [row["intent"] for row in said] == [x.split(",")[1] for x in TEST.split("\n")[1:-1]]
    assert (report["accuracy"] == 1) == right
    assert report["accuracy"] > 0.8


def test_the_figures_have_the_promised_names(analyse):
    report, _ = analyse(TRAIN, TEST)
    promised = {"accuracy", "oos_recall", "ece", "train_seconds", "p50_ms", "p95_ms"}
    assert promised <= set(report)
    assert report["oos_recall"] is None, "nothing out of scope was asked"
    assert 0 <= report["ece"] <= 1
    assert 0 < report["p50_ms"] <= report["p95_ms"]


def test_an_intent_may_have_any_name(analyse):
    named = [
        text.replace(",buy", ",shop/buy").replace(",track", ",shop/track") for text in (TRAIN, TEST)
    ]
    report, said = analyse(*named)
    assert {row["intent"] for row in said} == {"shop/buy", "shop/track", "退货"}
    assert report["accuracy"] > 0.8


def test_typing_errors_are_read_past(analyse):
    report, _ = analyse(
        TRAIN, HEADER + "i wnat to prchase teh bike,buy\nwehre is teh parcle,track\n"
    )
    assert report["accuracy"] == 1


@pytest.mark.parametrize("name", ["oos", "out_of_scope"])
def test_strangers_are_told_as_oos_whatever_they_are_called(analyse, name):
    asked = TEST + "".join(f"{text},{name}\n" for text in STRANGERS)
    report, said = analyse(TRAIN, asked)
    assert {row["intent"] for row in said} <= {*SAYINGS, "oos"}
    assert report["oos_recall"] == sum(row["intent"] == "oos" for row in said[12:]) / 5
    assert report["oos_recall"] >= 0.6
    kept = [
        row["intent"] == wanted
        for row, wanted in zip(said, [n for n in SAYINGS for _ in range(4)], strict=False)
    ]
    assert report["accuracy"] == pytest.approx(
        (sum(kept) + 5 * report["oos_recall"]) / 17, abs=1e-4
    )


def test_strangers_in_training_teach_and_are_no_intent(analyse):
    taught = TRAIN + "".join(f"{text} please,oos\n" for text in STRANGERS)
    report, said = analyse(taught, HEADER + "".join(f"{text},oos\n" for text in STRANGERS))
    assert {row["intent"] for row in said} <= {*SAYINGS, "oos"}
    assert report["oos_recall"] == 1
    assert report["in_scope_accuracy"] is report["ece"] is None


def test_columns_may_come_in_any_order_among_others(analyse):
    turned = "".join(f"{b},x,{a}\n" for a, b in (x.split(",") for x in TRAIN.split("\n")[1:-1]))
    assert analyse("intent,note,text\n" + turned, TEST)[1] == analyse(TRAIN, TEST)[1]


def test_the_same_seed_says_the_same(analyse):
    one, two = (analyse(TRAIN, TEST, "--seed=7") for _ in range(2))
    assert one[1] == two[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" ", "blank"),
        ("😀😀😀", "emoji"),
        ("<script>alert(1)</script>", "html"),
        ("x" * 2_000, "long"),
        ("مرحبا كيف حالك", "right to left"),
        ("\x01\x02 null", "control characters"),
    ],
)
def test_odd_messages_have_an_answer_too(analyse, text, said):
    _, found = analyse(TRAIN, HEADER + f'"{text}",buy\n')
    assert len(found) == 1, said
    assert found[0]["text"] == text


class TestRefused:
    """Each refusal names the file and what is wrong with which column."""

    @pytest.mark.parametrize(
        ("train", "test", "complaint"),
        [
            ("text,label\na,b\n", TEST, r"train\.csv: column intent is missing"),
            (TRAIN, "message,intent\na,buy\n", r"test\.csv: column text is missing"),
            ("a,b\n1,2\n", TEST, r"train\.csv: column text, intent is missing"),
            (HEADER + "hello,buy\nhi,buy\n", TEST, r"column intent needs at least two intents"),
            (HEADER, TEST, r"column intent needs at least two intents"),
            (HEADER + "a,buy\nb,oos\n", TEST, r"column intent needs at least two intents"),
            ("", TEST, r"train\.csv: not a CSV table"),
            (b"text,intent\n\xff\xfe,buy\n", TEST, r"train\.csv: not UTF-8"),
            (None, TEST, r"train\.csv: no such file"),
            (TRAIN, None, r"test\.csv: no such file"),
            (TRAIN, HEADER, r"test\.csv: column text has no rows"),
            (TRAIN + "what,\n", TEST, r"train\.csv: column intent, line 50: it is blank"),
        ],
        ids=[
            "label for intent", "message for text", "neither", "one intent", "no rows",
            "one and strangers", "empty", "bytes", "no train", "no test", "nothing to ask",
            "no intent given",
        ],
    )  # fmt: skip
    def test_what_cannot_be_used(self, analyse, train, test, complaint):
        with pytest.raises(CommandError, match=complaint) as refused:
            analyse(train, test)
        assert refused.value.returncode == 1

    @pytest.mark.parametrize("left_out", ["train", "test", "output"])
    def test_an_option_left_out_is_named(self, left_out):
        given = [f"--{name}=x" for name in ("train", "test", "output") if name != left_out]
        with pytest.raises(CommandError, match=f"--{left_out}"):
            call_command("analyse", "intents", *given)

    def test_a_seed_must_be_a_number(self):
        with pytest.raises(CommandError, match="--seed"):
            call_command("analyse", "intents", "--train=x", "--test=x", "--output=x", "--seed=many")
