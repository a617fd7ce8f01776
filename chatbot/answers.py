"""Answers to questions: the question book over the Answer table, kept until it changes."""

from functools import lru_cache

from django.db.models import Count, Max

from chatbot.ml.lookups import Hit
from chatbot.ml.retrieval import Entry, QuestionBook
from chatbot.models import Answer
from chatbot.seeds import FOLDER
from crm.encoder import encode
from crm.ml.text import normalise


def find(question: str, *, language: str, n: int = 3) -> list[Hit]:
    """The answers most likely to fit, best first, each with the chance that it does."""
    active = Answer.objects.filter(is_active=True)
    mark = active.aggregate(count=Count("id"), changed=Max("updated_at"), last=Max("id"))
    book = _book(tuple(mark.values()))
    embedding = encode([normalise(question)])
    hits = book.ask(question, embedding[0] if embedding is not None else None)[:n]
    answers = {a.slug: a for a in active.filter(slug__in=[slug for slug, _ in hits])}
    return [
        Hit(slug, chance, answers[slug].question_in(language), answers[slug].answer_in(language))
        for slug, chance in hits
        if slug in answers
    ]


@lru_cache(maxsize=2)
def _book(mark: tuple[object, ...]) -> QuestionBook:
    """`mark` changes whenever an answer does."""
    entries = [
        Entry(answer.slug, question)
        for answer in Answer.objects.filter(is_active=True).order_by("id")
        for question in (answer.question_zh, answer.question_en, *answer.variants)
        if question
    ]
    embeddings = encode([normalise(e.question) for e in entries])
    return QuestionBook(entries, embeddings, groups=_groups())


@lru_cache(maxsize=1)
def _groups() -> dict[str, list[str]]:
    lines = (FOLDER / "synonyms.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line.strip()]
    return {row[0]: row[1:] for row in rows}
