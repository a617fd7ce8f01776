"""The graph of a journey: JSON as the editor writes it, and the checked nodes made of it.

    {"nodes": [
        {"id": "entry", "kind": "entry", "trigger": "event", "event": "crm.product_added",
         "where": [{"property": "sku", "op": "=", "value": "tea"}], "rule": {…}, "next": "pause"},
        {"id": "entry", "kind": "entry", "trigger": "segment", "segment": slug, "next": …},
        {"id": "entry", "kind": "entry", "trigger": "api", "next": …},
        {"id": "entry", "kind": "entry", "trigger": "recurring", "segment": slug, "rule": {…},
         "every": "day" | "week", "weekday": 0, "at": "09:00", "next": …},
        {"id": …, "kind": "wait", "mode": "duration", "minutes": 60, "next": …},
        {"id": …, "kind": "wait", "mode": "until", "at": "09:00", "weekday": 0, "next": …},
        {"id": …, "kind": "wait", "mode": "event", "event": kind, "minutes": 60,
         "next": …, "otherwise": …},
        {"id": …, "kind": "split", "mode": "rule", "rule": {…}, "next": …, "otherwise": …},
        {"id": …, "kind": "split", "mode": "random", "percent": 50, "next": …, "otherwise": …},
        {"id": …, "kind": "split", "mode": "shares",
         "shares": [{"weight": 3, "next": …}, {"weight": 1, "next": …}]},
        {"id": …, "kind": "split", "mode": "decision", "placement": slug,
         "branches": {action: node, …}, "otherwise": …},
        {"id": …, "kind": "message", "template": 1, "channel": "email", "next": …},
        {"id": …, "kind": "action", "mode": "trait" | "tag", "name_of": …, "value": …, "next": …},
        {"id": …, "kind": "action", "mode": "task", "name_of": what is to be done, "days": 2,
         "group": 1, "next": …},
        {"id": …, "kind": "action", "mode": "webhook", "webhook": 1, "name_of": …, "next": …},
        {"id": …, "kind": "goal"}, {"id": …, "kind": "exit"}
    ]}

Every node may have a `name`. `next` is the way on; `otherwise` where the rule does not hold, the
chance is not drawn, the event does not come in time, or the action that was chosen has no branch.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from campaigns.journeys.conditions import OPERATORS
from campaigns.journeys.nodes import BadGraph, Graph, Node, Problem

__all__ = ["BadGraph", "Graph", "Node", "Problem", "parse"]

MOST_NODES = 100
MOST_BRANCHES = 20
MOST_SHARES = 10
HEAVIEST = 1000
LONGEST_WAIT = 366 * 24 * 60  # minutes
ID = re.compile(r"[a-z][a-z0-9_-]{0,31}")
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
MODES = {
    "entry": (),
    "wait": ("duration", "until", "event"),
    "split": ("rule", "random", "shares", "decision"),
    "message": (),
    "action": ("trait", "tag", "task", "webhook"),
    "goal": (),
    "exit": (),
}
TRIGGERS = ("event", "segment", "api", "recurring")
WAYS = ("next", "otherwise")


def parse(raw: Any) -> Graph:
    """Return the graph. Raises BadGraph with everything that is wrong."""
    found = raw.get("nodes") if isinstance(raw, Mapping) else None
    if not isinstance(found, list) or not found:
        raise BadGraph([Problem("", "nodes", _("not a list of nodes"))])
    if len(found) > MOST_NODES:
        reason = _("more than %(most)s nodes") % {"most": MOST_NODES}
        raise BadGraph([Problem("", "nodes", reason)])
    problems: list[Problem] = []
    nodes: dict[str, Node] = {}
    for position, one in enumerate(found):
        node = _node(one, position, problems)
        if node and node.id in nodes:
            problems.append(Problem(node.id, "id", _("there is another node of this id")))
        elif node:
            nodes[node.id] = node
    problems += [problem for node in nodes.values() for problem in _fields(node)]
    problems += [problem for node in nodes.values() for problem in _ways(node, nodes)]
    if not problems:
        problems += _shape(Graph(nodes))
    if problems:
        raise BadGraph(problems)
    return Graph(nodes)


def _node(raw: Any, position: int, problems: list[Problem]) -> Node | None:
    if not isinstance(raw, Mapping):
        problems.append(Problem("", f"nodes[{position}]", _("not a node")))
        return None
    name = raw.get("id")
    if not isinstance(name, str) or not ID.fullmatch(name):
        reason = _("not a short name of small letters, digits, - and _")
        problems.append(Problem("", f"nodes[{position}].id", reason))
        return None
    kind, mode = raw.get("kind"), raw.get("mode") or ""
    if not isinstance(kind, str) or kind not in MODES:
        problems.append(Problem(name, "kind", _none_of(kind, MODES)))
        return None
    if mode not in (MODES[kind] or ("",)):
        problems.append(Problem(name, "mode", _none_of(mode, MODES[kind] or ("",))))
        return None
    told = {key: raw[key] for key in ("name", "next", "otherwise") if raw.get(key)}
    strange = [key for key, value in told.items() if not isinstance(value, str)]
    problems += [Problem(name, key, _("not a text")) for key in strange]
    if strange:
        return None
    apart = {"id", "kind", "mode", "name", "next", "otherwise"}
    data = {key: value for key, value in raw.items() if key not in apart}
    return Node(name, kind, mode, data=data, **told)


def _fields(node: Node) -> Iterator[Problem]:
    """What a node of its kind and mode needs to have."""
    if len(node.name) > 80:
        yield Problem(node.id, "name", _("longer than 80 characters"))
    for check in NEEDED.get((node.kind, node.mode), ()):
        yield from check(node)


def _minutes(node: Node) -> Iterator[Problem]:
    return _whole(node, "minutes", 1, LONGEST_WAIT)


def _event(node: Node) -> Iterator[Problem]:
    return _text(node, "event")


def _percent(node: Node) -> Iterator[Problem]:
    return _whole(node, "percent", 1, 99)


def _rule(node: Node) -> Iterator[Problem]:
    if not isinstance(node.data.get("rule"), Mapping):
        yield Problem(node.id, "rule", _("not a rule"))


def _shares(node: Node) -> Iterator[Problem]:
    told = node.data.get("shares")
    if not isinstance(told, list) or not 2 <= len(told) <= MOST_SHARES:
        reason = _("not a list of 2 to %(most)s ways") % {"most": MOST_SHARES}
        yield Problem(node.id, "shares", reason)
        return
    for i, one in enumerate(told):
        weight = one.get("weight") if isinstance(one, Mapping) else None
        if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= HEAVIEST:
            said = {"least": 1, "most": HEAVIEST}
            reason = _("not a whole number from %(least)s to %(most)s") % said
            yield Problem(node.id, f"shares[{i}]", reason)


def _decision(node: Node) -> Iterator[Problem]:
    yield from _text(node, "placement")
    told = node.data.get("branches")
    if not isinstance(told, Mapping) or not 1 <= len(told) <= MOST_BRANCHES:
        reason = _("not a node for each of 1 to %(most)s actions") % {"most": MOST_BRANCHES}
        yield Problem(node.id, "branches", reason)


def _message(node: Node) -> Iterator[Problem]:
    yield from _whole(node, "template", 1, 2**62)
    yield from _text(node, "channel")


def _named(node: Node) -> Iterator[Problem]:
    return _text(node, "name_of")


def _days(node: Node) -> Iterator[Problem]:
    return _whole(node, "days", 0, 365)


def _group(node: Node) -> Iterator[Problem]:
    if node.data.get("group") is not None:
        yield from _whole(node, "group", 1, 2**31)


def _webhook(node: Node) -> Iterator[Problem]:
    return _whole(node, "webhook", 1, 2**62)


def _value(node: Node) -> Iterator[Problem]:
    if not isinstance(node.data.get("value"), str | int | float | bool):
        yield Problem(node.id, "value", _("not a text, a number or yes or no"))


def _entry(node: Node) -> Iterator[Problem]:
    trigger = node.data.get("trigger")
    if trigger not in TRIGGERS:
        yield Problem(node.id, "trigger", _none_of(trigger, TRIGGERS))
        return
    if trigger == "event":
        yield from _text(node, "event")
        yield from _where(node)
    if trigger == "segment":
        yield from _text(node, "segment")
    if trigger == "recurring":
        yield from _clock(node)
        every = node.data.get("every")
        if every not in ("day", "week"):
            yield Problem(node.id, "every", _none_of(every, ("day", "week")))
        if not node.data.get("segment") and not node.data.get("rule"):
            yield Problem(node.id, "segment", _("a segment or a rule says who enters"))
    if node.data.get("rule") and not isinstance(node.data["rule"], Mapping):
        yield Problem(node.id, "rule", _("not a rule"))


def _where(node: Node) -> Iterator[Problem]:
    conditions = node.data.get("where") or []
    if not isinstance(conditions, list) or len(conditions) > 10:
        yield Problem(node.id, "where", _("not a list of at most ten conditions"))
        return
    for i, one in enumerate(conditions):
        good = isinstance(one, Mapping) and isinstance(one.get("property"), str)
        if not good or one.get("op") not in OPERATORS or "value" not in one:
            reason = _("needs a property, a value and one of %(known)s")
            known = {"known": " ".join(OPERATORS)}
            yield Problem(node.id, f"where[{i}]", reason % known)


def _whole(node: Node, name: str, least: int, most: int) -> Iterator[Problem]:
    value = node.data.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        reason = _("not a whole number from %(least)s to %(most)s")
        yield Problem(node.id, name, reason % {"least": least, "most": most})


def _text(node: Node, name: str) -> Iterator[Problem]:
    value = node.data.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 100:
        yield Problem(node.id, name, _("not a text of 1 to 100 characters"))


def _clock(node: Node) -> Iterator[Problem]:
    if not CLOCK.fullmatch(str(node.data.get("at", ""))):
        yield Problem(node.id, "at", _("not a time like 09:30"))
    weekday = node.data.get("weekday")
    needed = node.data.get("every") == "week"
    if (needed or weekday not in (None, "")) and weekday not in range(7):
        yield Problem(node.id, "weekday", _("not a day from 0 (Monday) to 6 (Sunday)"))


def _ways(node: Node, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    names: Sequence[str] = WAYS
    if node.decides:
        names = (*("branches" for _ in node.branches), "otherwise")
    if node.shares:
        names = [f"shares[{i}]" for i in range(len(node.shares))]
    for name, way in zip(names, node.ways, strict=False):
        if not way:
            yield Problem(node.id, name, _("leads nowhere"))
        elif way not in nodes:
            yield Problem(node.id, name, _("there is no node “%(way)s”") % {"way": way})
        elif nodes[way].kind == "entry":
            yield Problem(node.id, name, _("nobody walks back to the entry"))


def _shape(graph: Graph) -> Iterator[Problem]:
    entries = graph.of_kind("entry")
    if len(entries) != 1:
        yield Problem("", "nodes", _("there is one entry, neither none nor several"))
        return
    seen, waiting = set(), [entries[0].id]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name].ways
    for lost in graph.nodes.keys() - seen:
        yield Problem(lost, "id", _("no way leads here from the entry"))
    yield from _rounds(graph)


def _rounds(graph: Graph) -> Iterator[Problem]:
    """A round without a wait would be walked for ever at once."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[Problem]:
        if name in path:
            round_ = " → ".join((*path[path.index(name) :], name))
            yield Problem(name, "next", _("a round without a wait: %(round)s") % {"round": round_})
        elif name not in done and graph[name].kind != "wait":
            for way in graph[name].ways:
                yield from visit(way, (*path, name))
            done.add(name)

    for name in graph.nodes:
        yield from visit(name, ())


NEEDED: dict[tuple[str, str], tuple[Callable[[Node], Iterator[Problem]], ...]] = {
    ("entry", ""): (_entry,),
    ("wait", "duration"): (_minutes,),
    ("wait", "until"): (_clock,),
    ("wait", "event"): (_minutes, _event),
    ("split", "rule"): (_rule,),
    ("split", "random"): (_percent,),
    ("split", "shares"): (_shares,),
    ("split", "decision"): (_decision,),
    ("message", ""): (_message,),
    ("action", "trait"): (_named, _value),
    ("action", "tag"): (_named,),
    ("action", "task"): (_named, _days, _group),
    ("action", "webhook"): (_named, _webhook),
}


def _none_of(value: Any, known: Any) -> str:
    said = {"given": repr(value), "known": ", ".join(known)}
    return _("%(given)s is none of %(known)s") % said
