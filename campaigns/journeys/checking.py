"""A graph beside what there is: templates, channels, segments and rules that it speaks of."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import channels, rendering
from campaigns.journeys import graph as graphs
from campaigns.journeys import kinds
from campaigns.journeys.graph import BadGraph, Graph, Node, Problem
from campaigns.models import NOTHING, Placement, Template
from crm import segments
from crm.models import Channel, Segment, Webhook


def checked(raw: Any) -> Graph:
    """The graph, if everything it names is there. Raises BadGraph."""
    graph = graphs.parse(raw)
    problems = [*_messages(graph), *_entry(graph.entry), *_rules(graph), *_events(graph)]
    problems += [*_decisions(graph), *_actions(graph)]
    if problems:
        raise BadGraph(problems)
    return graph


def _messages(graph: Graph) -> Iterator[Problem]:
    nodes = graph.of_kind("message")
    known = Template.objects.in_bulk([node.data["template"] for node in nodes])
    for node in nodes:
        channel = node.data["channel"]
        if channel not in Channel.values:
            said = {"given": repr(channel), "known": ", ".join(Channel.values)}
            yield Problem(node.id, "channel", _("%(given)s is none of %(known)s") % said)
            continue
        try:
            channels.get(channel)
        except channels.UnknownChannel:
            yield Problem(node.id, "channel", _("nobody sends by this channel here"))
        template = known.get(node.data["template"])
        if template is None:
            yield Problem(node.id, "template", _("there is no such template"))
            continue
        try:
            rendering.check(template)
        except rendering.BrokenTemplate as error:
            yield Problem(node.id, "template", str(error))


def _entry(node: Node) -> Iterator[Problem]:
    slug = node.data.get("segment")
    if slug and not Segment.objects.filter(slug=slug).exists():
        yield Problem(node.id, "segment", _("there is no segment “%(slug)s”") % {"slug": slug})


def _rules(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes.values():
        if rule := node.data.get("rule"):
            try:
                segments.matching(rule, now=timezone.now())
            except segments.BadRule as error:
                yield Problem(node.id, "rule", str(error))


def _actions(graph: Graph) -> Iterator[Problem]:
    nodes = graph.of_kind("action")
    asked = [node.data["group"] for node in nodes if node.data.get("group") is not None]
    groups = set(Group.objects.filter(pk__in=asked).values_list("pk", flat=True)) if asked else ()
    hooks = [node.data["webhook"] for node in nodes if node.mode == "webhook"]
    known = Webhook.objects.in_bulk(hooks) if hooks else {}
    for node in nodes:
        if node.mode == "task" and node.data.get("group") not in (None, *groups):
            yield Problem(node.id, "group", _("there is no such group of staff"))
        if node.mode != "webhook":
            continue
        webhook = known.get(node.data["webhook"])
        if webhook is None:
            yield Problem(node.id, "webhook", _("there is no such webhook"))
        elif webhook.state == Webhook.State.DISABLED:
            reason = _("the webhook “%(name)s” is disabled") % {"name": webhook}
            yield Problem(node.id, "webhook", reason)


def _decisions(graph: Graph) -> Iterator[Problem]:
    nodes = [node for node in graph.of_kind("split") if node.decides]
    if not nodes:
        return
    known: dict[str, set[str]] = {}
    pairs = Placement.objects.values_list("slug", "actions__slug")
    for slug, action in pairs.filter(slug__in=[node.data["placement"] for node in nodes]):
        known.setdefault(slug, set()).add(action)
    for node in nodes:
        slug = node.data["placement"]
        if slug not in known:
            reason = _("there is no placement “%(slug)s”") % {"slug": slug}
            yield Problem(node.id, "placement", reason)
            continue
        for action in sorted(node.branches.keys() - known[slug] - {NOTHING}):
            reason = _("there is no action “%(slug)s” here") % {"slug": action}
            yield Problem(node.id, "branches", reason)


def _events(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes.values():
        kind = node.data.get("event")
        if kind and kind not in kinds.KINDS:
            yield Problem(node.id, "event", _("nobody tells of “%(kind)s”") % {"kind": kind})
