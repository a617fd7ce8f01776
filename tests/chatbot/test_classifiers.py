"""The stronger encoder comes and goes; somebody always understands."""

import logging
from datetime import timedelta

import numpy as np
import pytest
from django.urls import reverse

from chatbot import classifiers, learning, training, understanding
from chatbot.ml.intent import IntentClassifier
from chatbot.models import Example
from crm import artifacts, encoders
from crm.encoders import MissingEncoder
from crm.ml.joined import JOINED, MULTILINGUAL
from crm.models import Artifact
from crm.training import Order
from tests.chatbot.conftest import NOW
from tests.crm.encoding import NEEDS_ENCODER, meant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_fresh_catalogue")]
VERBS = {"buy": ("buy", "买"), "track": ("track", "查"), "return": ("return", "退")}


@pytest.fixture
def have(monkeypatch):
    """Install or remove the stronger encoder, the usual one, or both."""

    def install(*names):
        first = (lambda texts: meant(texts, 512)) if MULTILINGUAL in names else (lambda _: None)
        second = (lambda texts: meant(texts, 384)) if JOINED in names else (lambda _: None)
        monkeypatch.setattr(encoders.encoder, "encode", first)
        monkeypatch.setattr(encoders.english_encoder, "encode", second)
        monkeypatch.setattr(encoders.english_encoder, "is_usable", lambda: JOINED in names)
        understanding.forget()  # as a server that starts anew

    return install


@pytest.fixture
def taught(monkeypatch):
    """Three intents, few examples: what is tried here is not how well they are told apart."""
    monkeypatch.setattr(training, "shipped", dict)
    for number in range(40):
        intent = list(VERBS)[number % 3]
        text = f"{VERBS[intent][number % 2]} thing {number}"
        moment = NOW - timedelta(days=41 - number)
        Example.objects.create(
            text=text, intent=intent, language="en", source="staff", created_at=moment
        )


def train(now=NOW, **options):
    return training.train_intents(Order(as_of=now, now=now, **options))


def encoder_of(artifact):
    return artifacts.load(IntentClassifier, artifact).encoder_


def champion():
    return Artifact.objects.get(status="champion")


@pytest.fixture
def both(taught, have):
    """Trained where the extra is installed: the champion needs it, the one before does not."""
    have(MULTILINGUAL, JOINED)
    train()


class TestTraining:
    def test_with_the_extra_one_without_it_is_kept_too(self, both):
        made = Artifact.objects.order_by("id")
        assert [encoder_of(a) for a in made] == [MULTILINGUAL, JOINED]
        assert [a.status for a in made] == ["archived", "champion"]
        assert [a.backtest["encoder"] for a in made] == [MULTILINGUAL, JOINED]
        assert made[1].champion_metrics == made[0].metrics, "compared on the same examples"

    @pytest.mark.parametrize(("installed", "encoder"), [((MULTILINGUAL,), MULTILINGUAL), ((), "")])
    def test_without_the_extra_there_is_one(self, taught, have, installed, encoder):
        have(*installed)
        assert train()["promoted"]
        assert encoder_of(champion()) == encoder

    def test_a_stronger_one_that_is_worse_does_not_serve(self, taught, have, monkeypatch):
        have(MULTILINGUAL, JOINED)
        found = training.accuracy

        def worse(guesses, wanted):
            judged = next(tried)
            return found(guesses, wanted) | ({"macro_accuracy": 0.4} if judged == "joined" else {})

        # Judged in turn: the candidate, the keywords; then the other, the keywords, the champion.
        tried = iter(["plain", "keywords", "joined", "keywords", "champion"])
        monkeypatch.setattr(training, "accuracy", worse)
        report = train()
        assert report["promoted"]
        assert report["artifact"] == champion().pk
        assert encoder_of(champion()) == MULTILINGUAL

    def test_a_comparison_that_keeps_nothing_tries_the_strongest_alone(self, taught, have):
        have(MULTILINGUAL, JOINED)
        report = train(keep=False)
        assert report["metrics"]["macro_accuracy"] > 0
        assert not Artifact.objects.exists()

    def test_the_next_training_without_the_extra_makes_a_champion_that_serves(self, both, have):
        have(MULTILINGUAL)
        report = train(NOW + timedelta(days=1))
        assert report["promoted"]
        assert encoder_of(champion()) == MULTILINGUAL
        assert classifiers.choose().missing == ""
        assert understanding.version(now=NOW) == f"intents#{report['artifact']}"

    def test_and_with_the_extra_again_it_is_used_again(self, both, have):
        have(MULTILINGUAL)
        train(NOW + timedelta(days=1))
        have(MULTILINGUAL, JOINED)
        train(NOW + timedelta(days=2))
        assert encoder_of(champion()) == JOINED


class TestWithoutTheExtra:
    def test_the_champion_serves_while_it_is_there(self, both):
        assert understanding.version(now=NOW) == f"intents#{champion().pk}"
        assert understanding.hear("track thing 3", now=NOW).guess.name == "track"

    def test_an_earlier_champion_stands_in(self, both, have):
        have(MULTILINGUAL)
        before = Artifact.objects.get(status="archived")
        chosen = classifiers.choose()
        assert (chosen.artifact, chosen.missing) == (before, JOINED)
        assert understanding.version(now=NOW) == f"intents#{before.pk}"
        assert understanding.hear("track thing 3", now=NOW).guess.name == "track"
        assert understanding.hear("查 thing 3", now=NOW).guess.name == "track"

    def test_it_is_said_once(self, both, have, caplog):
        have(MULTILINGUAL)
        with caplog.at_level(logging.WARNING, logger="chatbot.classifiers"):
            for second in range(0, 60, 10):
                understanding.hear("track it", now=NOW + timedelta(seconds=second))
        assert len(caplog.records) == 1
        said = caplog.records[0].getMessage()
        assert f"champion #{champion().pk}" in said
        assert JOINED in said
        assert f"#{Artifact.objects.get(status='archived').pk} serves until" in said

    def test_where_nobody_served_before_keywords_do(self, both, have, caplog):
        have(MULTILINGUAL)
        Artifact.objects.filter(status="archived").delete()
        assert understanding.version(now=NOW) == understanding.KEYWORDS
        assert understanding.hear("where is my order", now=NOW).guess.name == "order_status"
        assert "keywords serves" in caplog.text

    def test_what_never_served_does_not_stand_in(self, both, have):
        have(MULTILINGUAL)
        Artifact.objects.filter(status="archived").update(status="candidate", promoted_at=None)
        assert classifiers.choose().classifier is None

    def test_one_that_cannot_be_read_is_passed_over(self, both, have):
        have(MULTILINGUAL)
        before = Artifact.objects.get(status="archived")
        before.file.storage.delete(before.file.name)
        before.pk = None
        before.promoted_at = NOW + timedelta(days=1)
        before.save()
        artifacts._load.cache_clear()
        assert classifiers.choose().classifier is None

    def test_without_any_encoder_keywords_serve(self, both, have):
        have()
        assert understanding.version(now=NOW) == understanding.KEYWORDS
        assert understanding.hear("where is my order", now=NOW).guess.name == "order_status"

    def test_a_turn_of_the_stronger_one_cannot_be_taken_again(self, both, have):
        version = f"intents#{champion().pk}"
        assert understanding.guess_by(version, ["track thing 3"])[0].name == "track"
        have(MULTILINGUAL)
        assert understanding.guess_by(version, ["track thing 3"]) is None

    def test_asking_it_all_the_same_is_refused(self, both, have):
        best = classifiers.choose().classifier
        have(MULTILINGUAL)
        with pytest.raises(MissingEncoder):
            classifiers.guesses(best, ["track thing 3"])


class TestThePage:
    def page(self, client, language="en"):
        address = reverse("admin:chatbot_learning")
        return client.get(address, headers={"accept-language": language}).content.decode()

    def test_nothing_is_said_while_the_champion_serves(self, both, admin_client):
        assert learning.report().encoder == JOINED
        assert learning.report().stands_in is None
        assert "requirements-encoder" not in self.page(admin_client)

    def test_who_stands_in_is_named(self, both, have, admin_client):
        have(MULTILINGUAL)
        before = Artifact.objects.get(status="archived")
        assert learning.report().stands_in.artifact == before
        page = self.page(admin_client)
        assert f"Version #{champion().pk} was trained with the stronger sentence encoder" in page
        assert f"#{before.pk} answers until the next training" in page
        assert "更强的句子编码器" in self.page(admin_client, "zh-hans")

    def test_and_that_nobody_does(self, both, have, admin_client):
        have(MULTILINGUAL)
        Artifact.objects.filter(status="archived").delete()
        assert "goes by keywords until the next training" in self.page(admin_client)


@NEEDS_ENCODER
@pytest.mark.scale
def test_the_shop_is_taught_with_the_real_one():
    report = training.train_intents(Order(as_of=NOW, now=NOW))
    assert report["promoted"]
    made = Artifact.objects.order_by("id")
    assert MULTILINGUAL in {encoder_of(artifact) for artifact in made}
    assert understanding.hear("my parcel has not come yet", now=NOW).guess.name == "order_status"
    assert understanding.hear("我要跟人工说话", now=NOW).guess.name == "human"
    widths = {artifacts.load(IntentClassifier, artifact).width for artifact in made}
    assert widths == {512, 896}
    assert np.isfinite([a.metrics["macro_accuracy"] for a in made]).all()
