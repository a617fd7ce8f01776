"""What was heard in a message: the serving classifier where one is trained, keywords where not."""

from datetime import datetime, timedelta

from chatbot import catalogue
from chatbot.encoder import encode
from chatbot.ml import entities, hearing, keywords, sentiment
from chatbot.ml.entities import Entity, Scene
from chatbot.ml.hearing import Heard
from chatbot.ml.intent import Guess, IntentClassifier
from chatbot.ml.lexicon import Lexicon, squeeze
from chatbot.ml.text import language_of, normalise, tokens_of
from crm import artifacts

FRESH_FOR = timedelta(seconds=5)
_kept: dict[str, tuple[datetime, IntentClassifier | None, str]] = {}


def hear(text: str, *, now: datetime, language: str = "", category: str = "") -> Heard:
    """Understand one message. `language` and `category` are what was spoken (of) before."""
    lexicon = catalogue.lexicon(now=now)
    clean = lexicon.correct(normalise(text))
    scene = Scene(today=now.date(), category=category)
    classifier, _ = _serving(now)
    clauses = hearing.clauses_worth_reading(clean)
    guesses = _guess(classifier, [clean, *clauses])
    found = tuple(entities.extract(clean, lexicon, scene))
    return Heard(
        text=clean,
        language=language_of(clean, names=lexicon.names(), before=language),
        tokens=tuple(tokens_of(clean)),
        guess=guesses[0],
        clauses=tuple(zip(clauses, guesses[1:], strict=True)),
        entities=found,
        clause_entities=tuple(tuple(entities.extract(c, lexicon, scene)) for c in clauses),
        sentiment=sentiment.feel(clean),
        unsafe=keywords.is_unsafe(clean),
        threshold=classifier.threshold_ if classifier else 0.5,
        implied_category=_implied(clean, found, lexicon),
    )


def version(*, now: datetime) -> str:
    """Which artifact understands now."""
    return _serving(now)[1]


def forget() -> None:
    """Look at the next message which artifact serves."""
    _kept.clear()


def _serving(now: datetime) -> tuple[IntentClassifier | None, str]:
    """The serving classifier and its name; looked up again every few seconds."""
    kept = _kept.get("serving")
    if kept and timedelta() <= now - kept[0] < FRESH_FOR:
        return kept[1], kept[2]
    champion = artifacts.champion_of(IntentClassifier.name)
    classifier = artifacts.load_serving(IntentClassifier)
    name = f"{champion.name}#{champion.pk}" if champion and classifier else "keywords"
    _kept["serving"] = (now, classifier, name)
    return classifier, name


def _implied(text: str, found: tuple[Entity, ...], lexicon: Lexicon) -> str:
    """The kind of goods that a brand's word stands for: somebody who says iPad wants a tablet."""
    names = (squeeze(text[e.start : e.end]) for e in found if e.slot == "brand")
    return next((lexicon.implied[name] for name in names if name in lexicon.implied), "")


def _guess(classifier: IntentClassifier | None, texts: list[str]) -> list[Guess]:
    if classifier is None:
        return [keywords.match(text) for text in texts]
    embeddings = encode(texts) if classifier.uses_embeddings else None
    if (
        classifier.uses_embeddings and embeddings is None
    ):  # trained with the encoder, served without
        return [keywords.match(text) for text in texts]
    return classifier.predict(texts, embeddings)
