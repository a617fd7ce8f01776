"""Nodes and steps in words, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.journeys.graph import Node
from campaigns.journeys.kinds import KINDS
from campaigns.models import NOTHING, Placement, Template
from crm.models import Segment, Webhook

KIND_NAMES: dict[str, Promise] = {
    "entry": gettext_lazy("Entry"),
    "wait": gettext_lazy("Wait"),
    "split": gettext_lazy("Split"),
    "message": gettext_lazy("Message"),
    "action": gettext_lazy("Action"),
    "goal": gettext_lazy("Goal"),
    "exit": gettext_lazy("Exit"),
}
WEEKDAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
STEPS: dict[str, Promise] = {
    "entered": gettext_lazy("came in"),
    "held_out": gettext_lazy("was held out, to measure what the others did"),
    "passed": gettext_lazy("began"),
    "waits": gettext_lazy("began to wait"),
    "waited": gettext_lazy("had waited long enough"),
    "heard": gettext_lazy("did what was waited for"),
    "not_heard": gettext_lazy("did not do it in time"),
    "split": gettext_lazy("went one of the ways"),
    "decided": gettext_lazy("went the way of what was decided for them"),
    "message": gettext_lazy("was to get a message"),
    "action": gettext_lazy("was marked"),
    "task": gettext_lazy("staff were given a task"),
    "webhook": gettext_lazy("a partner was to be told"),
    "goal": gettext_lazy("reached the goal"),
    "exit": gettext_lazy("left at the end"),
    "goal_event": gettext_lazy("reached the goal and left"),
    "exit_event": gettext_lazy("did what lets people leave"),
    "ended": gettext_lazy("left because the journey ended"),
    "merged": gettext_lazy("left as the customer was merged into another"),
    "no_way": gettext_lazy("left because a new version has no place for them"),
}


@dataclass(frozen=True)
class Names:
    """What nodes refer to by number or slug."""

    templates: Mapping[int, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    placements: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by placement
    groups: Mapping[int, str] = field(default_factory=dict)
    webhooks: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def all(cls) -> "Names":
        """Six queries."""
        templates = Template.objects.order_by("name").values_list("pk", "name")
        placements = Placement.objects.prefetch_related("actions").order_by("slug")
        return cls(
            dict(templates),
            {one.slug: str(one) for one in Segment.objects.order_by("pk")},
            {one.slug: str(one) for one in placements},
            {
                one.slug: {action.slug: str(action) for action in one.actions.all()}
                for one in placements
            },
            dict(Group.objects.order_by("name").values_list("pk", "name")),
            {
                one.pk: f"{one.partner}: {one}"
                for one in Webhook.objects.select_related("partner").order_by("pk")
            },
        )


def title(node: Node) -> str:
    return node.name or str(KIND_NAMES[node.kind])


def said(node: Node, names: Names) -> str:
    """What happens at a node, in a few words; what is not filled in yet is a dash."""
    if node.kind in ("goal", "exit"):
        return ""
    return {
        "entry": _entry,
        "wait": _wait,
        "split": _split,
        "message": _message,
        "action": _action,
    }[node.kind](node, names)


def way_names(node: Node) -> tuple[str, ...]:
    """What stands at the ways out of a node that has more than one."""
    if not node.has_two_ways:
        return ("",)
    if node.decides:
        return *(_action_name(slug, {}) for slug in node.branches), _("others")
    if node.mode == "shares":
        total = sum(weight for weight, _way in node.shares) or 1
        return tuple(f"{100 * weight / total:.0f} %" for weight, _way in node.shares)
    if node.mode == "event":
        return _("came"), _("in vain")
    if node.mode == "random":
        percent = node.data.get("percent")
        is_number = isinstance(percent, int)
        return f"{percent} %", f"{100 - percent} %" if is_number else "–"  # type: ignore[operator]
    return _("yes"), _("no")


def length(minutes: Any) -> str:
    if not isinstance(minutes, int) or minutes < 1:
        return "–"
    if minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    if minutes % 60 == 0:
        hours = minutes // 60
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


def _entry(node: Node, names: Names) -> str:
    trigger = node.data.get("trigger")
    if trigger == "event":
        return _kind(node)
    if trigger == "api":
        return _("let in by another system")
    segment = names.segments.get(str(node.data.get("segment")), "–")
    if trigger == "segment":
        return _("comes into “%(segment)s”") % {"segment": segment}
    return _clock(node)


def _wait(node: Node, names: Names) -> str:
    if node.mode == "until":
        return _clock(node)
    if node.mode == "event":
        told = {"event": _kind(node), "time": length(node.data.get("minutes"))}
        return _("%(event)s, at most %(time)s") % told
    return length(node.data.get("minutes"))


def _split(node: Node, names: Names) -> str:
    if node.mode in ("random", "shares"):
        return _("by chance")
    if node.decides:
        slug = str(node.data.get("placement") or "–")
        return _("decided at “%(placement)s”") % {"placement": names.placements.get(slug, slug)}
    rule = node.data.get("rule")
    if isinstance(rule, Mapping) and set(rule) == {"segment"}:
        segment = names.segments.get(str(rule["segment"]), "–")
        return _("in “%(segment)s”?") % {"segment": segment}
    return _("by a rule")


def _message(node: Node, names: Names) -> str:
    template = node.data.get("template")
    return names.templates.get(template, "–") if isinstance(template, int) else "–"


def _action(node: Node, names: Names) -> str:
    name = str(node.data.get("name_of") or "–")
    if node.mode == "tag":
        return _("tag “%(name)s”") % {"name": name}
    if node.mode == "task":
        return name
    if node.mode == "webhook":
        return names.webhooks.get(node.data.get("webhook", 0), "–")
    return f"{name} = {node.data.get('value', '–')}"


def _action_name(slug: str, known: Mapping[str, str]) -> str:
    return _("nothing") if slug == NOTHING else known.get(slug, slug)


def _clock(node: Node) -> str:
    at, day = str(node.data.get("at") or "–"), node.data.get("weekday")
    if isinstance(day, int) and 0 <= day < 7:
        return f"{WEEKDAYS[day]} {at}"
    return at


def _kind(node: Node) -> str:
    return str(KINDS.get(str(node.data.get("event")), "–"))


FIELDS: dict[str, Promise] = {
    "next": gettext_lazy("Then"),
    "otherwise": gettext_lazy("Otherwise"),
    "template": gettext_lazy("Template"),
    "channel": gettext_lazy("Channel"),
    "event": gettext_lazy("Event"),
    "segment": gettext_lazy("Segment"),
    "rule": gettext_lazy("Rule"),
    "minutes": gettext_lazy("Minutes"),
    "shares": gettext_lazy("Ways and their weights"),
    "percent": gettext_lazy("Percent on the first way"),
    "name_of": gettext_lazy("Name of it"),
    "value": gettext_lazy("Value"),
    "at": gettext_lazy("Time"),
    "weekday": gettext_lazy("Weekday"),
    "every": gettext_lazy("How often"),
    "trigger": gettext_lazy("Who enters"),
    "placement": gettext_lazy("Placement"),
    "branches": gettext_lazy("Then, for each action"),
    "mode": gettext_lazy("How"),
    "id": gettext_lazy("Node"),
    "nodes": gettext_lazy("Graph"),
    "group": gettext_lazy("For whom"),
    "days": gettext_lazy("Days to do it in"),
    "webhook": gettext_lazy("Webhook"),
}


def field_name(field: str) -> str:
    """A field as the editor calls it; of a list, with the place in it, from one."""
    name, _bracket, place = field.partition("[")
    said = str(FIELDS.get(name, name))
    number = place.rstrip("]")
    return f"{said} ({int(number) + 1})" if number.isdigit() else said


def why(what: str, detail: Mapping[str, Any]) -> str:
    """Why somebody went on as they did, from what was written down at the time."""
    if "event" in detail:
        about = [str(detail[k]) for k in ("sku", "segment", "number", "price") if detail.get(k)]
        kind = str(KINDS.get(detail["event"], detail["event"]))
        return f"{kind} ({', '.join(about)})" if about else kind
    if "holds" in detail:
        return _("the rule held") if detail["holds"] else _("the rule did not hold")
    if "placement" in detail:
        told = {"action": _action_name(detail["action"], {}), "placement": detail["placement"]}
        if "decision" not in detail:
            return _("nothing is decided at “%(placement)s” now") % told
        # xgettext:no-python-format
        told["chance"] = f"{100 * detail['chance']:.0f} %"
        return _("“%(action)s” at “%(placement)s”, with a chance of %(chance)s") % told
    if "drawn" in detail:
        return _drawn(detail)
    if detail.get("trigger") == "api":
        return _("let in by another system")
    if detail.get("trigger") == "recurring":
        return _("let in by the clock")
    return ""


def _drawn(detail: Mapping[str, Any]) -> str:
    said = dict(detail) | {"drawn": round(float(detail["drawn"]) * 100, 1)}
    if "way" in detail:
        return _("drawn %(drawn)s of 100: way %(way)s of %(of)s") % said
    return _("drawn %(drawn)s of 100, the first way is up to %(percent)s") % said
