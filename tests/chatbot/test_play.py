"""The recorded dialogues: loading a store, playing turns, and the public score."""

import importlib.util
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from chatbot import loading, playing
from chatbot.models import Answer
from crm.loading import Report, UnusableFile
from crm.models import Consent, Order, Product
from tests.chatbot.conftest import NOW

SHARED = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "dialogues"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the public dialogues are not here")
STORE = {
    "now": "2026-03-04T10:00:00+08:00",
    "currency": "CNY",
    "products": [
        {"id": "T1", "category": "tea", "brand": "leaf", "name": {"zh": "叶子 龙井", "en": "Leaf Longjing"}, "price": 88, "colors": [], "stock": 5, "features": []},
        {"id": "T2", "category": "tea", "brand": "leaf", "name": {"zh": "叶子 普洱", "en": "Leaf Puer"}, "price": 188, "colors": [], "stock": 5, "features": []},
    ],
    "category_names": {"tea": ["茶", "茶叶", "tea"]},
    "brand_names": {"leaf": ["叶子", "Leaf"]},
    "customers": [{"id": "C1", "name": "Li", "lang": "zh", "channels": ["sms"]}, {"id": "C2", "lang": "en", "channels": [], "anonymous": True}],
    "orders": [{"id": "TE100001", "customer": "C1", "status": "processing", "items": ["T1"]}],
    "coupons": [{"code": "TEA5", "customer": "C1", "text": {"zh": "减5", "en": "5 off"}, "valid_to": "2026-12-31"}],
    "faq": [{"id": "ship_fee", "zh": "运费怎么算？", "en": "How much is shipping?"}],
}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "store.json"
    path.write_text(json.dumps(STORE), encoding="utf-8")
    return path


@pytest.mark.django_db
class TestLoadingAStore:
    def test_everything_in_it_is_there(self, store):
        report = Report()
        loading.load_dialogue_store(store, report, now=NOW)
        assert report.as_json()["rejected"] == 0
        assert (Product.objects.count(), Order.objects.count(), Answer.objects.count()) == (2, 1, 1)
        assert Consent.objects.get().channel == "sms"

    def test_a_second_run_creates_nothing(self, store):
        loading.load_dialogue_store(store, Report(), now=NOW)
        again = Report()
        loading.load_dialogue_store(store, again, now=NOW)
        assert again.created == again.updated == 0
        assert again.unchanged == again.read

    def test_a_bad_row_is_rejected_and_the_rest_is_loaded(self, store):
        broken = {
            **STORE,
            "orders": [{"id": "X", "customer": "nobody", "status": "shipped", "items": []}],
        }
        store.write_text(json.dumps(broken), encoding="utf-8")
        report = Report()
        loading.load_dialogue_store(store, report, now=NOW)
        assert report.rejected == 1
        assert Product.objects.count() == 2

    @pytest.mark.parametrize("text", ["{", "[]", '{"now": "2026-03-04T10:00:00+08:00"}'])
    def test_a_file_that_is_no_store_says_so(self, store, text):
        store.write_text(text, encoding="utf-8")
        with pytest.raises(UnusableFile, match=r"store\.json"):
            loading.load_dialogue_store(store, Report(), now=NOW)

    def test_one_dialogue_does_not_see_what_another_did(self, store, trained):
        loading.load_dialogue_store(store, Report(), now=NOW)
        cancel = playing.Dialogue("d", "C1", (("取消TE100001", ""), ("确认", "")))
        for _ in range(2):
            played = playing.play(cancel, now=NOW)
            assert [t["act"][0] for t in played["turns"]] == ["ask_confirm", "order_cancelled"]

    def test_staff_release_is_carried_out(self, store, trained):
        loading.load_dialogue_store(store, Report(), now=NOW)
        turns = (("转人工", ""), ("你好", ""), ("有茶叶吗", "staff_release"))
        played = playing.play(playing.Dialogue("d", "C2", turns), now=NOW)["turns"]
        assert [t["act"][0] for t in played] == ["handoff", "stay_silent", "show_products"]
        assert set(played[2]["products"]) == {"T1", "T2"}
        assert played[0].keys() == {
            "intent",
            "confidence",
            "entities",
            "act",
            "args",
            "products",
            "reply",
            "sentiment",
            "lang",
        }


@pytest.mark.parametrize(
    "text", ["{", '{"id": "a"}', '{"id": "a", "customer": "C1", "turns": [{}]}']
)
def test_dialogues_that_cannot_be_read_name_the_line(tmp_path, text):
    path = tmp_path / "d.jsonl"
    path.write_text("\n" + text, encoding="utf-8")
    with pytest.raises(playing.UnusableDialogues, match="line 2"):
        playing.read(path)


def test_play_says_what_it_needs():
    with pytest.raises(CommandError) as refusal:
        call_command("play")
    assert refusal.value.returncode == 2


@needs_shared
def test_the_public_dialogues_go_well(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    output = tmp_path / "played.jsonl"
    dialogues = SHARED / "public_dialogues.jsonl"
    call_command(
        "play",
        str(dialogues),
        store=SHARED / "dialogue_fixture.json",
        output=output,
        stdout=io.StringIO(),
    )
    spec = importlib.util.spec_from_file_location("score_dialogues", SHARED / "score_dialogues.py")
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    played = iter([json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()])

    class Session:
        def __init__(self, customer):
            self.turns = iter(next(played)["turns"])

        def say(self, text):
            return next(self.turns)

        def staff_release(self):
            """Was carried out while playing."""

    report = scorer.score(str(dialogues), Session)
    assert report["act_acc"] >= 90, report["failures"]
    assert report["dialogue_success"] >= 85, report["failures"]
    guarded = report["act_by_tag"]
    assert {guarded[tag][0] for tag in ("guard", "privacy", "handoff")} == {100.0}
