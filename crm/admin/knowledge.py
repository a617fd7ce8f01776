"""What is bought together, as segments to be made; and the graph around a customer or product."""

import math
from itertools import accumulate, chain, zip_longest
from typing import Any
from unicodedata import east_asian_width

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm import baskets, customers, graph
from crm.admin.insight import COLOURS
from crm.models import Identity, Product, Segment

SHOWN = 30  # rules
DRAWN = 24  # neighbours in the picture; the list beside it has no more
CENTRE, RING = (400.0, 265.0), (225.0, 250.0)
WIDEST = 22  # letters of a name in the picture; Chinese characters take two


def bought_together(request: HttpRequest) -> HttpResponse:
    """The strongest rules; a click makes a segment of those who lack the second product."""
    if not request.user.has_perm("crm.view_segment"):
        raise PermissionDenied
    if request.method == "POST":
        return _make_segment(request)
    pairs = baskets.strongest(SHOWN)
    products = Product.objects.in_bulk({pk for pair in pairs for pk in (pair.left, pair.right)})
    made = {
        segment.slug: segment
        for segment in Segment.objects.filter(slug__in=[pair.slug for pair in pairs])
    }
    rows = [
        {
            "pair": pair,
            "left": products[pair.left],
            "right": products[pair.right],
            "segment": made.get(pair.slug),
        }
        for pair in pairs
        if pair.left in products and pair.right in products
    ]
    context = admin.site.each_context(request) | {
        "title": _("Bought together"),
        "rows": rows,
        "may_add": request.user.has_perm("crm.add_segment"),
    }
    return render(request, "crm/bought_together.html", context)


def _make_segment(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("crm.add_segment"):
        raise PermissionDenied
    left, _colon, right = request.POST.get("pair", "").partition(":")
    try:
        segment = baskets.make_segment(int(left), int(right), now=timezone.now())
    except (ValueError, baskets.UnknownPair):
        messages.warning(request, _("This rule no longer serves."))
        return redirect("admin:crm_bought_together")
    messages.success(request, _("The segment “%(name)s” is made.") % {"name": segment})
    return redirect("admin:crm_segment_change", segment.pk)


def explore(request: HttpRequest) -> HttpResponse:
    """What surrounds a node, drawn; and the ways from it to another."""
    if not request.user.has_perm("crm.view_customer"):
        raise PermissionDenied
    context = admin.site.each_context(request) | {
        "title": _("Graph"),
        "node": request.GET.get("node", ""),
        "to": request.GET.get("to", ""),
        "kinds": graph.KINDS,
    }
    try:
        context |= _around(context["node"], context["to"], get_language() or "en")
    except graph.UnknownNode as unknown:
        context["unknown"] = str(unknown)
    return render(request, "crm/graph.html", context)


def _around(text: str, to: str, language: str) -> dict[str, Any]:
    if not text:
        return {}
    node = _meant(text)
    edges = _some_of_each(graph.neighbours([node]), DRAWN)
    end = _meant(to) if to else None
    ways = graph.paths(node, end) if end else []
    shown = {node, *([end] if end else [])}
    shown |= {one for edge in edges for one in (edge.source, edge.target)}
    shown |= {one for way in ways for one in way.nodes}
    called = graph.names(shown, language)
    for wanted in (node, end):
        if wanted is not None and wanted not in called:
            raise graph.UnknownNode(str(wanted))
    return {
        "centre": _dot(node, called, CENTRE),
        "dots": _ring(node, edges, called),
        "legend": list(zip(graph.KINDS.values(), COLOURS, strict=False)),
        "ways": [
            {
                "said": graph.sentence(way, called, language),
                "because": graph.because(way, called, language),
            }
            for way in ways
        ],
        "searched": end is not None,
        "end": called[end] if end else "",
    }


def _some_of_each(edges: list[graph.Edge], most: int) -> list[graph.Edge]:
    """So many edges that every kind has its share of the picture."""
    kinds: dict[str, list[graph.Edge]] = {}
    for edge in edges:
        kinds.setdefault(edge.kind, []).append(edge)
    turns = chain.from_iterable(zip_longest(*kinds.values()))
    return [edge for edge in turns if edge is not None][:most]


def _meant(text: str) -> graph.Node:
    """A node as people write it: a SKU, an e-mail address or id of a customer, or kind:number.

    Raises graph.UnknownNode.
    """
    product = Product.objects.filter(sku=text.strip()).first()
    if product is not None:
        return graph.Node("product", str(product.pk))
    for kind in Identity.Kind.values:
        customer = customers.find(kind, text)
        if customer is not None:
            return graph.Node("customer", str(customer.pk))
    return graph.parse(text)


def _ring(
    node: graph.Node, edges: list[graph.Edge], called: dict[graph.Node, str]
) -> list[dict[str, Any]]:
    """Neighbours on an ellipse around the node, those of a kind side by side."""
    others = sorted({edge.other(node): edge for edge in edges}.items())
    right = (len(others) + 1) // 2
    dots = []
    for place, (other, edge) in enumerate(others):
        rows = right if place < right else len(others) - right
        row = place if place < right else len(others) - 1 - place
        side = 1 if place < right else -1
        said = graph.sentence(graph.Path((node, other), (edge,)), called, get_language() or "en")
        dots.append(_dot(other, called, _place(row, rows, side)) | _beside(side) | {"said": said})
    return dots


def _place(row: int, rows: int, side: int) -> tuple[float, float]:
    """On the left (-1) or right (1) half of the ellipse, the rows of a side equally far apart."""
    down = (2 * row + 1) / rows - 1
    across = side * math.sqrt(1 - down**2)
    return CENTRE[0] + RING[0] * across, CENTRE[1] + RING[1] * down


def _beside(side: int) -> dict[str, Any]:
    """The name stands outside of the ring, so that names do not run into each other."""
    return {"shift": 16 * side, "anchor": "start" if side > 0 else "end"}


def _dot(
    node: graph.Node, called: dict[graph.Node, str], at: tuple[float, float]
) -> dict[str, Any]:
    name = called.get(node, str(node))
    return {
        "node": str(node),
        "name": name,
        "short": _shortened(name),
        "kind": graph.KINDS[node.kind],
        "colour": COLOURS[list(graph.KINDS).index(node.kind)],
        "x": f"{at[0]:.1f}",
        "y": f"{at[1]:.1f}",
    }


def _shortened(name: str) -> str:
    widths = accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in name)
    kept = sum(width <= WIDEST for width in widths)
    return name if kept == len(name) else f"{name[: kept - 1]}…"
