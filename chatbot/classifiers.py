"""Which intent classifier serves here: the champion, or an earlier one where the encoder that the
champion was fitted with is not to be had."""

import logging
from dataclasses import dataclass
from functools import lru_cache

from chatbot.ml.intent import Guess, IntentClassifier
from crm import artifacts, encoders
from crm.models import Artifact

logger = logging.getLogger(__name__)
TRIED = 5  # earlier champions, the newest first


@dataclass(frozen=True)
class Chosen:
    """Who serves; nobody where nothing is trained, or nothing that can be asked here.

    missing: the encoder that the champion needs and that is not to be had, or "".
    """

    artifact: Artifact | None
    classifier: IntentClassifier | None
    missing: str = ""


NOBODY = Chosen(None, None)


def choose() -> Chosen:
    """The champion where its encoder is installed, else who served before it."""
    champion = artifacts.champion_of(IntentClassifier.name)
    classifier = artifacts.load_serving(IntentClassifier)
    if classifier is None or encoders.is_usable(classifier.encoder_):
        return Chosen(champion, classifier)
    return _stand_in(champion.pk if champion else None, classifier.encoder_)


def guesses(classifier: IntentClassifier, texts: list[str]) -> list[Guess]:
    """What it makes of these texts. Raises encoders.MissingEncoder."""
    return classifier.predict(texts, encoders.encode_by(classifier.encoder_, texts))


def forget() -> None:
    _stand_in.cache_clear()


@lru_cache(maxsize=1)
def _stand_in(champion: int | None, missing: str) -> Chosen:
    """Looked for, and said, once for each champion."""
    found = _earlier()
    serving = f"#{found.artifact.pk}" if found.artifact else "keywords"
    logger.warning(
        "intents: champion #%s was fitted with the encoder %s, which cannot be used here; "
        "%s serves until the next training",
        *(champion, missing, serving),
    )
    return Chosen(found.artifact, found.classifier, missing)


def _earlier() -> Chosen:
    once = Artifact.objects.filter(name=IntentClassifier.name, status=Artifact.Status.ARCHIVED)
    for artifact in once.exclude(promoted_at=None).order_by("-promoted_at", "-id")[:TRIED]:
        try:
            classifier = artifacts.load(IntentClassifier, artifact)
        except artifacts.UnreadableArtifact:
            continue
        if encoders.is_usable(classifier.encoder_):
            return Chosen(artifact, classifier)
    return NOBODY
