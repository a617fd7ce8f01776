"""What a group is made of, beside everybody: who stands out in it and by how much."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, QuerySet, Value, When
from django.utils.translation import gettext as _

from crm.models import Customer, Score, Segment
from crm.templatetags.catalogue import rfm_name

MOST = 6  # values shown of each question


@dataclass(frozen=True)
class Part:
    """share: of the group; usual: of everybody; times: one by the other, None where usual is 0."""

    name: str
    share: float
    usual: float

    @property
    def times(self) -> float | None:
        return self.share / self.usual if self.usual else None


@dataclass(frozen=True)
class Makeup:
    """One question (language, country …) and its answers, the commonest in the group first."""

    title: str
    parts: list[Part]


def makeup(members: QuerySet[Any]) -> list[Makeup]:
    """members: customer ids. Five queries; a question that nobody answers is left out."""
    everybody = Customer.objects.active()
    languages = dict(Customer.Language.choices)
    asked: list[tuple[str, QuerySet[Any], str, Callable[[Any], str]]] = [
        (_("RFM"), Score.objects.filter(name="rfm"), "label", rfm_name),
        (_("Cluster"), Score.objects.filter(name="cluster"), "label", _cluster_names()),
        (_("Language"), everybody, "language", lambda value: str(languages.get(value, value))),
        (_("Country"), everybody.exclude(country=""), "country", str),
    ]
    found = [
        Makeup(title, _parts(rows, field, named, members)) for title, rows, field, named in asked
    ]
    return [one for one in found if one.parts]


def _parts(
    rows: QuerySet[Any], field: str, named: Callable[[Any], str], members: QuerySet[Any]
) -> list[Part]:
    person = "pk" if rows.model is Customer else "customer_id"
    counted = list(
        rows.order_by()
        .values(answer=F(field))
        .annotate(
            usual=Count("pk"),
            inside=Count(Case(When(**{f"{person}__in": members}, then=Value(1)))),
        )
    )
    inside = sum(row["inside"] for row in counted)
    usual = sum(row["usual"] for row in counted)
    if not inside:
        return []
    parts = [
        Part(named(row["answer"]), row["inside"] / inside, row["usual"] / usual)
        for row in sorted(counted, key=lambda row: (-row["inside"], row["answer"]))
        if row["inside"]
    ]
    return parts[:MOST]


def _cluster_names() -> Callable[[str], str]:
    names = {one.slug: str(one) for one in Segment.objects.filter(kind=Segment.Kind.CLUSTER)}
    return lambda label: names.get(label, label)
