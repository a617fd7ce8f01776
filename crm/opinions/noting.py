"""Take down what customers said. Saying it twice changes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import Exists, OuterRef

from crm.ml.text import language_of, normalise
from crm.models import Feedback, Opinion

BATCH = 1_000
LONGEST = 2_000  # characters that are kept of one text


@dataclass(frozen=True, kw_only=True)
class Said:
    """One text of a customer. `key` is unique per source; `heard_as` is the intent, if any."""

    customer_id: int
    source: str
    key: str
    text: str
    at: datetime
    language: str = ""
    rating: float | None = None
    heard_as: str = ""
    feedback_id: int | None = None


def note(said: Iterable[Said]) -> int:
    """Store new texts, unread as yet; return how many were handed in."""
    rows = (_row(one) for one in said if one.text.strip())
    handed = 0
    while batch := list(islice(rows, BATCH)):
        Opinion.objects.bulk_create(batch, ignore_conflicts=True)
        handed += len(batch)
    return handed


def take_reviews(*, limit: int = 10_000) -> int:
    """Take down reviews that have not been, oldest first; return how many."""
    known = Opinion.objects.filter(source=Opinion.Source.REVIEW, feedback=OuterRef("pk"))
    fresh = Feedback.objects.exclude(text="").filter(~Exists(known)).order_by("pk")[:limit]
    return note(_of_review(review) for review in fresh)


def _of_review(review: Feedback) -> Said:
    stars = review.kind in (Feedback.Kind.RATING, Feedback.Kind.REVIEW, Feedback.Kind.CSAT)
    return Said(
        customer_id=review.customer_id,
        source=Opinion.Source.REVIEW,
        key=f"feedback:{review.pk}",
        feedback_id=review.pk,
        text=review.text,
        language=review.language[:2],
        rating=review.score if stars else None,
        at=review.at,
    )


def _row(said: Said) -> Opinion:
    return Opinion(
        customer_id=said.customer_id,
        source=said.source,
        key=said.key,
        feedback_id=said.feedback_id,
        text=said.text[:LONGEST],
        language=said.language or language_of(normalise(said.text)),
        rating=said.rating,
        heard_as=said.heard_as[:64],
        at=said.at,
    )
