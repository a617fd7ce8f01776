"""Training of sentiment and needs from what the shop has, against words and the champion."""

from datetime import timedelta

import pytest

from crm import opinions, trainers
from crm.models import Artifact, Feedback, Opinion
from crm.opinions import Said
from crm.training import Order, TooLittleData
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
# Words that the list does not know: only reading the shop's own texts can tell them.
OPENINGS = {5: ["zingy", "妙啊"], 3: ["meh", "马马虎虎"], 1: ["yucky", "拉胯"]}


def order(**fields):
    return Order(as_of=NOON, now=NOON, **fields)


@pytest.fixture(autouse=True)
def _without_the_encoder(monkeypatch):
    """Words alone: the encoder's 150 MB are not what is tested here."""
    monkeypatch.setattr("crm.encoder._encoder", lambda: None)


@pytest.fixture
def rated():
    ada = make_customer()
    for number in range(120):
        stars = (5, 3, 1)[number % 3]
        opening = OPENINGS[stars][number // 3 % 2]
        Feedback.objects.create(
            customer=ada, kind="review", score=stars, text=f"{opening} number {number}",
            source="test", key=str(number), at=NOON - timedelta(days=200 - number),
        )  # fmt: skip


def test_sentiment_learns_the_shops_own_words_and_reads_everything(rated):
    report = trainers.TRAINERS["sentiment"](order())
    assert report["promoted"]
    assert report["metrics"]["macro_f1"] > report["baseline_metrics"]["macro_f1"] + 0.3
    assert trainers.TRAINERS["opinions"](order())["metrics"]["understood"] == 120
    assert set(
        Opinion.objects.filter(text__startswith="yucky").values_list("label", flat=True)
    ) == {"neg"}


def test_a_second_training_is_compared_with_the_champion(rated):
    trainers.TRAINERS["sentiment"](order())
    report = trainers.TRAINERS["sentiment"](order())
    assert report["champion_metrics"] is not None
    assert Artifact.objects.filter(name="sentiment", status="champion").count() == 1


def test_what_staff_said_counts_over_the_stars(rated):
    opinions.catch_up(now=NOON)
    Opinion.objects.filter(text__startswith="zingy").update(corrected="neg")
    for name in ("sentiment", "opinions"):
        trainers.TRAINERS[name](order())
    assert set(
        Opinion.objects.filter(text__startswith="zingy").values_list("label", flat=True)
    ) == {"neg"}


def test_an_experiment_keeps_nothing(rated):
    trainers.TRAINERS["sentiment"](order(keep=False))
    assert not Artifact.objects.exists()


def test_nothing_after_the_moment_teaches(rated):
    with pytest.raises(TooLittleData, match="rated texts"):
        trainers.TRAINERS["sentiment"](Order(as_of=NOON - timedelta(days=180), now=NOON))


def test_too_few_rated_texts_are_refused():
    with pytest.raises(TooLittleData, match="at least 50"):
        trainers.TRAINERS["sentiment"](order())


class TestNeeds:
    @pytest.fixture
    def heard(self, monkeypatch):
        from crm import needs

        monkeypatch.setattr(needs, "_sources", [])  # the chat's three thousand take a while
        ada = make_customer()
        words = {"return_request": "gimme back", "coupon": "pennies off", "greet": "yo yo"}
        opinions.note(
            Said(
                customer_id=ada.pk, source="chat", key=str(n), heard_as=intent, at=NOON - timedelta(days=60 - n),
                text=f"{words[intent]} {n}", language="en",
            )
            for n in range(60)
            for intent in [list(words)[n % 3]]
        )  # fmt: skip

    def test_three_machines_are_compared_and_the_best_is_kept(self, heard):
        report = trainers.TRAINERS["needs"](order())
        compared = {k: v for k, v in report["metrics"].items() if k.startswith("cross_validated_")}
        assert set(compared) == {f"cross_validated_{k}" for k in ("naive_bayes", "svm", "forest")}
        assert compared[f"cross_validated_{report['kept']}"] == max(compared.values())
        assert report["promoted"]
        assert report["metrics"]["macro_f1"] > report["baseline_metrics"]["macro_f1"]

    def test_customers_get_their_needs(self, heard):
        trainers.TRAINERS["needs"](order())
        assert trainers.TRAINERS["opinions"](order())["metrics"]["customers"] == 1

    def test_too_few_are_refused(self):
        with pytest.raises(TooLittleData, match="at least 30"):
            trainers.TRAINERS["needs"](order())


@pytest.mark.parametrize("name", ["interests", "habits"])
def test_the_portrait_is_counted_as_of_the_moment(name):
    report = trainers.TRAINERS[name](order())
    assert report["artifact"] is None
    assert report["rows"] == 0
