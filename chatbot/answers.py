"""Answers to questions: the question book over the Answer table, kept until it changes, and what
the classifier takes a question to be about."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from django.db.models import Count, Max

from chatbot import understanding
from chatbot.ml.lookups import Hit
from chatbot.ml.retrieval import Entry, QuestionBook
from chatbot.models import Answer
from chatbot.seeds import FOLDER
from crm.encoder import encode
from crm.ml.text import normalise
from crm.prepared import Prepared

BY_TOPIC = 0.75  # how much the topic counts beside the words of the question
WORD_FOR_WORD = 0.985  # a chance by words alone that nothing has to confirm
ABOUT = 0.5  # chance from which an answer's questions are taken to be about a topic

Mark = tuple[object, ...] | None
MARK = Prepared(  # None where there is no answer
    lambda: (
        Answer.objects.filter(is_active=True)
        .values("is_active")
        .annotate(count=Count("id"), changed=Max("updated_at"), last=Max("id"))
        .values_list("count", "changed", "last")
    )
)


def find(question: str, *, language: str, now: datetime, n: int = 3) -> list[Hit]:
    """The answers most likely to fit, best first, each with the chance that it does."""
    mark = MARK.first()
    book = _book(mark)
    embedding = encode([normalise(question)])
    by_words = book.ask(question, embedding[0] if embedding is not None else None)
    topic_of = _topics(mark, understanding.version(now=now))
    topics = dict(understanding.topics(question, now=now))
    weighed = {slug: _weigh(c, topic_of.get(slug, ""), topics, topic_of) for slug, c in by_words}
    hits = sorted(weighed.items(), key=lambda pair: (-pair[1], pair[0]))[:n]
    answers = _answers(mark)
    return [
        Hit(slug, chance, answers[slug].question_in(language), answers[slug].answer_in(language))
        for slug, chance in hits
        if slug in answers
    ]


def _weigh(
    by_words: float, topic: str, topics: Mapping[str, float], offered: Mapping[str, str]
) -> float:
    """The chance that an answer fits. A question about what no answer is about fits none."""
    if not topics or by_words >= WORD_FOR_WORD:
        return by_words
    if not topic:
        answered = set(offered.values())
        others = sum(chance for name, chance in topics.items() if name in answered)
        return by_words * (1 - BY_TOPIC * others)
    return (1 - BY_TOPIC) * by_words + BY_TOPIC * topics.get(topic, 0.0)


@lru_cache(maxsize=2)
def _answers(mark: Mark) -> dict[str, Answer]:
    """By slug. `mark` changes whenever an answer does."""
    return {answer.slug: answer for answer in Answer.objects.filter(is_active=True)}


@lru_cache(maxsize=2)
def _book(mark: Mark) -> QuestionBook:
    entries = _entries()
    embeddings = encode([normalise(e.question) for e in entries])
    return QuestionBook(entries, embeddings, groups=_groups())


@lru_cache(maxsize=2)
def _topics(mark: Mark, version: str) -> dict[str, str]:
    """Slug -> what its questions are about, where most of them are about one thing."""
    votes: dict[str, dict[str, float]] = {}
    entries = _entries()
    guesses = understanding.guess([normalise(entry.question) for entry in entries])
    for entry, guess in zip(entries, guesses, strict=True):
        about = votes.setdefault(entry.slug, {})
        for topic, chance in guess.topics:
            about[topic] = about.get(topic, 0.0) + chance
    best = {slug: max(about, key=lambda t: about[t]) for slug, about in votes.items() if about}
    return {s: t for s, t in best.items() if votes[s][t] >= ABOUT * sum(votes[s].values())}


def _entries() -> list[Entry]:
    return [
        Entry(answer.slug, question)
        for answer in Answer.objects.filter(is_active=True).order_by("id")
        for question in (answer.question_zh, answer.question_en, *answer.variants)
        if question
    ]


@lru_cache(maxsize=1)
def _groups() -> dict[str, list[str]]:
    lines = (FOLDER / "synonyms.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line.strip()]
    return {row[0]: row[1:] for row in rows}
