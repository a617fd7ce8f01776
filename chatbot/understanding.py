"""What was heard in a message: the serving classifier where one is trained, keywords where not."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chatbot import catalogue, classifiers
from chatbot.ml import hearing, keywords
from chatbot.ml.entities import Entity, Scene
from chatbot.ml.hearing import Heard
from chatbot.ml.intent import Guess, IntentClassifier
from chatbot.ml.lexicon import Lexicon, squeeze
from chatbot.seeds import WORDS
from crm import artifacts, encoders
from crm.ml import feelings
from crm.ml.text import language_of, normalise
from crm.models import Artifact

KEYWORDS = "keywords"  # the version of who understands untrained
FRESH_FOR = timedelta(seconds=5)
STAND_INS = {  # names that the classifier was trained on, for names that it has never seen
    language: {"product": words["product"][:4], "order_id": words["order"][:2]}
    for language, words in WORDS.items()
}
REMEMBERED = 2_000  # texts: greetings and quick replies are said again and again


@dataclass(frozen=True)
class Serving:
    """Who understands at present, and what it made of the latest texts."""

    looked_up: datetime
    classifier: IntentClassifier | None
    version: str
    guesses: dict[str, Guess] = field(default_factory=dict)

    def guess(self, texts: list[str]) -> list[Guess]:
        known = {text: self.guesses[text] for text in texts if text in self.guesses}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, _guess(self.classifier, new), strict=True))
            if len(self.guesses) < REMEMBERED:  # the ones said often come early
                self.guesses.update(known)
        return [known[text] for text in texts]


_kept: dict[str, Serving] = {}


def hear(text: str, *, now: datetime, language: str = "", category: str = "") -> Heard:
    """Understand one message. `language` and `category` are what was spoken (of) before."""
    lexicon = catalogue.lexicon(now=now)
    clean = lexicon.correct(normalise(text))
    scene = Scene(today=now.date(), category=category)
    serving = _serving(now)
    clauses = hearing.clauses_worth_reading(clean)
    read = [lexicon.reader.read(part, scene) for part in (clean, *clauses)]
    parts = zip((clean, *clauses), read, strict=True)
    guesses = serving.guess(
        [hearing.typical(part, told.entities, STAND_INS) for part, told in parts]
    )
    whole = read[0]
    return Heard(
        text=clean,
        language=language_of(clean, names=whole.names, before=language),
        tokens=whole.tokens,
        guess=guesses[0],
        clauses=tuple(zip(clauses, guesses[1:], strict=True)),
        entities=whole.entities,
        clause_entities=tuple(told.entities for told in read[1:]),
        sentiment=feelings.feel(clean),
        unsafe=keywords.is_unsafe(clean),
        threshold=serving.classifier.threshold_ if serving.classifier else 0.5,
        implied_category=_implied(clean, whole.entities, lexicon),
        said=hearing.places_said(text, clean, whole.entities),
    )


def topics(text: str, *, now: datetime) -> tuple[tuple[str, float], ...]:
    """What a question is about, best first, each with its chance; nothing where untrained."""
    return _serving(now).guess([normalise(text)])[0].topics


def guess(texts: list[str]) -> list[Guess]:
    """What the classifier that serves makes of these texts; they are not remembered."""
    serving = _kept.get("serving")
    return _guess(serving.classifier if serving else None, texts)


def guess_by(version: str, texts: list[str]) -> list[Guess] | None:
    """What the classifier of a turn's version makes of these texts; None where it is gone."""
    if version == KEYWORDS:
        return _guess(None, texts)
    number = version.rpartition("#")[2]
    artifact = Artifact.objects.filter(pk=int(number)).first() if number.isdigit() else None
    if artifact is None or artifact.name != IntentClassifier.name:
        return None
    try:
        return classifiers.guesses(artifacts.load(IntentClassifier, artifact), texts)
    except (artifacts.UnreadableArtifact, encoders.MissingEncoder, OSError):
        return None


def version(*, now: datetime) -> str:
    """Which artifact understands now."""
    return _serving(now).version


def forget() -> None:
    """Look at the next message which artifact serves."""
    _kept.clear()
    classifiers.forget()


def _serving(now: datetime) -> Serving:
    """The serving classifier; looked up again every few seconds."""
    kept = _kept.get("serving")
    if kept and timedelta() <= now - kept.looked_up < FRESH_FOR:
        return kept
    chosen = classifiers.choose()
    artifact, classifier = chosen.artifact, chosen.classifier
    name = f"{artifact.name}#{artifact.pk}" if artifact and classifier else KEYWORDS
    is_same = kept is not None and kept.classifier is classifier
    guesses = kept.guesses if kept is not None and is_same else {}
    serving = Serving(now, classifier, name, guesses)
    _kept["serving"] = serving
    return serving


def _implied(text: str, found: tuple[Entity, ...], lexicon: Lexicon) -> str:
    """The kind of goods that a brand's word stands for: somebody who says iPad wants a tablet."""
    names = (squeeze(text[e.start : e.end]) for e in found if e.slot == "brand")
    return next((lexicon.implied[name] for name in names if name in lexicon.implied), "")


def _guess(classifier: IntentClassifier | None, texts: list[str]) -> list[Guess]:
    if classifier is None:
        return [keywords.match(text) for text in texts]
    return classifiers.guesses(classifier, texts)
