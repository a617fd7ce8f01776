"""The identity panel of the customer page: identifiers, what joins them, merges to undo."""

from math import cos, pi, sin
from typing import Any

from django.db.models import Q

from crm import duplicates, evidence
from crm.models import Customer, Evidence, Identity

SHOWN = 12  # identifiers in the drawing
WIDTH, HEIGHT = 420, 240


def identity(customer: Customer) -> dict[str, Any]:
    """Four queries."""
    identities = list(customer.identities.order_by("pk")[:60])
    edges = evidence.of([one.pk for one in identities])
    pairs = duplicates.open_pairs().filter(Q(one=customer) | Q(other=customer))
    return {
        "identities": identities,
        "drawing": _drawing(identities[:SHOWN], edges),
        "edges": [_edge(edge, identities) for edge in edges],
        "merges": list(customer.merges_won.select_related("loser").order_by("-pk")[:20]),
        "pairs": list(pairs.select_related("one", "other").order_by("-score")[:5]),
    }


def _edge(edge: Evidence, identities: list[Identity]) -> dict[str, Any]:
    by_pk = {one.pk: one for one in identities}
    return {"edge": edge, "one": by_pk[edge.one_id], "other": by_pk[edge.other_id]}


def _drawing(identities: list[Identity], edges: list[Evidence]) -> dict[str, Any]:
    """Where each identifier stands on an ellipse, and the lines between them."""
    height = HEIGHT if len(identities) > 2 else HEIGHT // 3
    places = {}
    for number, one in enumerate(identities):
        angle = 2 * pi * number / len(identities) - pi  # two stand side by side
        x = round(WIDTH / 2 + (WIDTH / 2 - 90) * cos(angle))
        y = round(height / 2 + (height / 2 - 30) * sin(angle))
        places[one.pk] = {"x": x, "y": y, "text_y": y + 22, "identity": one}
    lines = [
        {
            "one": places[edge.one_id],
            "other": places[edge.other_id],
            "width": round(1 + 2 * edge.strength, 1),
            "is_retired": edge.retired_at is not None,
        }
        for edge in edges
        if edge.one_id in places and edge.other_id in places
    ]
    return {"width": WIDTH, "height": height, "places": list(places.values()), "lines": lines}
