"""What is bought together, as segments to be made; and the graph around a customer or product."""

import math
from typing import Any

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
CENTRE, RING = (400.0, 260.0), (320.0, 215.0)
TURN = (math.cos, math.sin)
STAGGER = 0.8  # every other neighbour stands nearer, so that names do not run into each other


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
    edges = graph.neighbours([node])[:DRAWN]
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
    dots = []
    for place, (other, edge) in enumerate(others):
        angle = 2 * math.pi * place / len(others) - math.pi / 2
        far = 1.0 if place % 2 else STAGGER
        x, y = (c + far * r * turn(angle) for c, r, turn in zip(CENTRE, RING, TURN, strict=True))
        said = graph.sentence(graph.Path((node, other), (edge,)), called, get_language() or "en")
        dots.append(_dot(other, called, (x, y)) | {"said": said})
    return dots


def _dot(
    node: graph.Node, called: dict[graph.Node, str], at: tuple[float, float]
) -> dict[str, Any]:
    name = called.get(node, str(node))
    return {
        "node": str(node),
        "name": name,
        "short": name if len(name) <= 18 else f"{name[:17]}…",
        "kind": graph.KINDS[node.kind],
        "colour": COLOURS[list(graph.KINDS).index(node.kind)],
        "x": f"{at[0]:.1f}",
        "y": f"{at[1]:.1f}",
        "label_y": f"{at[1] + 26:.1f}",
    }
