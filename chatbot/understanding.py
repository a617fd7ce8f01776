"""What was heard in a message: the serving classifier where one is trained, keywords where not."""

from datetime import datetime

from chatbot import catalogue
from chatbot.encoder import encode
from chatbot.ml import entities, hearing, keywords, sentiment
from chatbot.ml.entities import Entity, Scene
from chatbot.ml.hearing import Heard
from chatbot.ml.intent import Guess, IntentClassifier
from chatbot.ml.lexicon import Lexicon, squeeze
from chatbot.ml.text import language_of, normalise, tokens_of
from crm import artifacts


def hear(text: str, *, now: datetime, language: str = "", category: str = "") -> Heard:
    """Understand one message. `language` and `category` are what was spoken (of) before."""
    lexicon = catalogue.lexicon(now=now)
    clean = lexicon.correct(normalise(text))
    scene = Scene(today=now.date(), category=category)
    classifier = artifacts.load_serving(IntentClassifier)
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


def version() -> str:
    """Which artifact understands now."""
    champion = artifacts.champion_of(IntentClassifier.name)
    return f"{champion.name}#{champion.pk}" if champion else "keywords"


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
