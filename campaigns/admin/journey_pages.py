"""Whole pages of a journey inside the admin: canvas, confirmation, result."""

import json
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import wording
from campaigns.journeys import checking, describing, drawing, editing, results, simulating, versions
from campaigns.journeys.describing import Names
from campaigns.journeys.graph import BadGraph, Graph
from campaigns.models import Delivery, Journey, Passage
from crm import segment_page

LISTED = 50
LARGEST = 200_000  # bytes of a draft


def canvas_page(admin: "ModelAdmin[Any]", request: HttpRequest, journey: Journey) -> HttpResponse:
    names = Names.all()
    may_edit = admin.has_change_permission(request) and journey.state != Journey.State.ENDED
    return _page(
        admin,
        request,
        "campaigns/journey_canvas.html",
        journey,
        title=_("Canvas: %(name)s") % {"name": journey},
        picture=_picture(journey, names),
        problems=_problems(journey, names),
        grammar=editing.grammar(names),
        rule_editor=segment_page.rule_editor("rule") if may_edit else "",
        may_edit=may_edit,
        is_changed=journey.version is not None and journey.version.graph != journey.draft,
        versions=journey.versions.select_related("created_by").order_by("-number")[:10],
    )


def keep_draft(request: HttpRequest, journey: Journey) -> HttpResponse:
    """Keep what the editor sends, with errors or without; answer with picture and errors."""
    if len(request.body) > LARGEST:
        return JsonResponse(
            {"error": _("more than %(most)s bytes") % {"most": LARGEST}}, status=413
        )
    try:
        draft = editing.kept(json.loads(request.body))
    except ValueError:
        draft = None
    if draft is None:
        return JsonResponse({"error": _("not a list of nodes")}, status=400)
    journey.draft = draft
    journey.save(update_fields=["draft"])
    names = Names.all()
    told = {"picture": _picture(journey, names), "problems": _problems(journey, names)}
    return JsonResponse(told)


def confirm_page(
    admin: "ModelAdmin[Any]",
    request: HttpRequest,
    journey: Journey,
    *,
    title: str,
    simulates: bool,
    moves: bool,
) -> HttpResponse:
    names, more = Names.all(), {}
    graph = _read(journey) if simulates or moves else None
    if simulates or moves:
        more = {"problems": _problems(journey, names), "asks_for_draft": True}
    if simulates and graph:
        made = simulating.simulate(journey, graph, now=timezone.now())
        done = sorted({**made.messages, **made.actions}.items())
        sent = [(describing.title(graph[node]), n) for node, n in done]
        more |= {"simulation": made, "simulated": sent, "days": simulating.DAYS}
    if moves and graph:
        more |= {"preview": versions.preview(journey, graph), "titles": _titles(journey)}
    return _page(admin, request, "campaigns/journey_confirm.html", journey, title=title, **more)


def result_page(admin: "ModelAdmin[Any]", request: HttpRequest, journey: Journey) -> HttpResponse:
    names, result = Names.all(), results.of(journey)
    version = journey.version
    raw = version.graph if version else journey.draft
    picture = drawing.draw(raw, names, here=result.here, passed=result.passed)
    titles = _titles(journey)
    asked = request.GET.get("customer", "")
    people = Passage.objects.filter(journey=journey).select_related("customer", "version")
    if asked.isdigit():
        people = people.filter(customer=int(asked))
    shown = list(people.order_by("-entered_at", "-pk")[: 1 if asked.isdigit() else LISTED])
    widest = max(result.passed.values(), default=0)
    return _page(
        admin,
        request,
        "campaigns/journey_result.html",
        journey,
        title=_("Result: %(name)s") % {"name": journey},
        result=result,
        picture=picture,
        funnel=[
            (box.title, box.said, box.passed, box.here, box.passed / widest * 100 if widest else 0)
            for box in picture.boxes
        ],
        messages_by_node=[
            (titles.get(node, node), messages) for node, messages in result.by_node.items()
        ],
        skipped=[(wording.reason(code), number) for code, number in result.skipped],
        people=[(one, titles.get(one.node, one.node)) for one in shown],
        trace=_trace(shown[0], titles) if asked.isdigit() and shown else [],
        traced=shown[0] if asked.isdigit() and shown else None,
        reasons=wording.REASONS,
    )


def _trace(one: Passage, titles: dict[str, str]) -> list[dict[str, Any]]:
    """Each step in words, a message with what became of it."""
    mine = Delivery.objects.filter(campaign__journey=one.journey_id, customer=one.customer_id)
    sent = {
        (row.step, row.occurrence % 10_000): row
        for row in mine
        if row.occurrence // 10_000 == one.number
    }
    return [
        {
            "at": step.at,
            "node": titles.get(step.node, step.node),
            "said": str(describing.STEPS.get(step.what, step.what)),
            "why": describing.why(step.what, step.detail),
            "delivery": sent.get((step.node, step.position)),
        }
        for step in one.steps.order_by("position")
    ]


def _titles(journey: Journey) -> dict[str, str]:
    """What every node of any version is called, the newest name first."""
    found: dict[str, str] = {}
    for raw in [
        journey.draft,
        *journey.versions.order_by("-number").values_list("graph", flat=True),
    ]:
        for name, node in drawing.nodes_of(raw).items():
            found.setdefault(name, describing.title(node))
    return found


def _picture(journey: Journey, names: Names) -> str:
    wrong = [one["node"] for one in _problems(journey, names)]
    drawn = drawing.draw(journey.draft, names, here=results.people_at(journey), wrong=wrong)
    return render_to_string("campaigns/journey_picture.html", {"picture": drawn, "edits": True})


def _problems(journey: Journey, names: Names) -> list[dict[str, str]]:
    try:
        checking.checked(journey.draft)
    except BadGraph as error:
        nodes = drawing.nodes_of(journey.draft)
        return [
            {
                "node": one.node,
                "title": describing.title(nodes[one.node]) if one.node in nodes else "",
                "label": describing.field_name(one.field),
                "reason": one.reason,
            }
            for one in error.problems
        ]
    return []


def _read(journey: Journey) -> Graph | None:
    try:
        return checking.checked(journey.draft)
    except BadGraph:
        return None


def _page(
    admin: "ModelAdmin[Any]",
    request: HttpRequest,
    template: str,
    original: Journey,
    **context: Any,
) -> HttpResponse:
    around = admin.admin_site.each_context(request) | {
        "opts": admin.model._meta,
        "original": original,
    }
    return TemplateResponse(request, template, around | context)
