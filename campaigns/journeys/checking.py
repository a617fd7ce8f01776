"""A graph beside what there is: templates, channels, segments and rules that it speaks of."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import channels, rendering
from campaigns.journeys import graph as graphs
from campaigns.journeys import kinds
from campaigns.journeys.graph import BadGraph, Graph, Node, Problem
from campaigns.models import Template
from crm import segments
from crm.models import Channel, Segment


def checked(raw: Any) -> Graph:
    """The graph, if everything it names is there. Raises BadGraph."""
    graph = graphs.parse(raw)
    problems = [*_messages(graph), *_entry(graph.entry), *_rules(graph), *_events(graph)]
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


def _events(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes.values():
        kind = node.data.get("event")
        if kind and kind not in kinds.KINDS:
            yield Problem(node.id, "event", _("nobody tells of “%(kind)s”") % {"kind": kind})
