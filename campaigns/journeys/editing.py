"""What the editor of a journey is made of: which fields each kind of node has, and every word."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from campaigns.journeys.describing import KIND_NAMES, WEEKDAYS, Names
from campaigns.journeys.kinds import KINDS
from campaigns.models import NOTHING
from crm.models import Channel

Field = dict[str, Any]
Options = list[list[Any]]


def grammar(names: Names) -> dict[str, Any]:
    """Everything that the editor draws; the graph itself comes beside it."""
    return {
        "kinds": [[kind, str(name)] for kind, name in KIND_NAMES.items() if kind != "entry"],
        "kind_names": {kind: str(name) for kind, name in KIND_NAMES.items()},
        "fields": _fields(names),
        "words": {
            "add": _("Add"),
            "remove": _("Remove"),
            "next": _("Then"),
            "otherwise": _("Otherwise"),
            "name": _("Name of the node"),
            "choose": _("choose"),
            "by_hand": _("another rule"),
            "no_rule": _("everybody"),
            "saved": _("Saved."),
            "saving": _("Saving …"),
            "wrong": _("Saved, but it cannot be launched yet:"),
            "lost": _("It could not be saved. Try again."),
            "new_node": _("New node"),
            "bad_json": _("This is not JSON."),
            "weight": _("Weight"),
            "one_more": _("One more way"),
            "yes": _("yes"),
            "no": _("no"),
        },
    }


def _fields(names: Names) -> dict[str, list[Field]]:
    """By kind, in order. A field with `when` is shown where another one has such a value."""
    segments = [[slug, name] for slug, name in names.segments.items()]
    templates = [[pk, name] for pk, name in names.templates.items()]
    return {
        "entry": _entry(segments),
        "wait": _wait(),
        "split": _split(segments, names),
        "message": [
            _select("template", _("Template"), templates),
            _select("channel", _("Channel"), [[c, str(label)] for c, label in Channel.choices]),
        ],
        "action": _action(names),
        "goal": [],
        "exit": [],
    }


def _entry(segments: Options) -> list[Field]:
    every = [["day", _("every day")], ["week", _("every week")]]
    where = _field("where", _("Conditions on the event, as JSON"), "json")
    return [
        _select("trigger", _("Who enters"), _triggers()),
        _when(_event(), "trigger", "event"),
        _when(where, "trigger", "event"),
        _when(_select("segment", _("Segment"), segments), "trigger", "segment", "recurring"),
        _when(_select("every", _("How often"), every), "trigger", "recurring"),
        _when(_select("weekday", _("Weekday"), _days()), "every", "week"),
        _when(_field("at", _("Time"), "time"), "trigger", "recurring"),
        _rule(_("Only those in"), segments),
    ]


def _wait() -> list[Field]:
    modes = [
        ["duration", _("so many minutes")],
        ["until", _("until a time of the day, in the customer's zone")],
        ["event", _("for an event")],
    ]
    return [
        _select("mode", _("How long"), modes),
        _when(_event(), "mode", "event"),
        _when(_field("minutes", _("Minutes"), "number"), "mode", "duration", "event"),
        _when(_field("at", _("Time"), "time"), "mode", "until"),
        _when(_select("weekday", _("Weekday"), _days()), "mode", "until"),
    ]


def _split(segments: Options, names: Names) -> list[Field]:
    percent = _field("percent", _("Percent on the first way"), "number")
    modes = [
        ["rule", _("by a rule")],
        ["random", _("by chance")],
        ["shares", _("by chance, several ways")],
        ["decision", _("by a decision")],
    ]
    placements = [[slug, name] for slug, name in names.placements.items()]
    nothing = [NOTHING, _("nothing")]
    actions = {slug: [*map(list, of.items()), nothing] for slug, of in names.actions.items()}
    branches = _field("branches", _("Then, for each action"), "branches") | {"actions": actions}
    return [
        _select("mode", _("How"), modes),
        _when(_rule(_("First way for those in"), segments), "mode", "rule"),
        _when(percent, "mode", "random"),
        _when(_field("shares", _("Ways and their weights"), "shares"), "mode", "shares"),
        _when(_select("placement", _("Placement"), placements), "mode", "decision"),
        _when(branches, "mode", "decision"),
    ]


def _action(names: Names) -> list[Field]:
    modes = [
        ["tag", _("give a tag")],
        ["trait", _("set a trait")],
        ["task", _("a task for staff")],
        ["webhook", _("tell a partner by webhook")],
    ]
    groups = [[pk, name] for pk, name in names.groups.items()]
    webhooks = [[pk, name] for pk, name in names.webhooks.items()]
    return [
        _select("mode", _("What"), modes),
        _field("name_of", _("Name of it"), "text"),
        _when(_field("value", _("Value"), "text"), "mode", "trait"),
        _when(_select("group", _("For whom"), groups), "mode", "task"),
        _when(_field("days", _("Days to do it in"), "number"), "mode", "task"),
        _when(_select("webhook", _("Webhook"), webhooks), "mode", "webhook"),
    ]


def _event() -> Field:
    return _select("event", _("Event"), [[kind, str(name)] for kind, name in KINDS.items()])


def _days() -> Options:
    return [[i, str(day)] for i, day in enumerate(WEEKDAYS)]


def _rule(label: str, segments: Options) -> Field:
    return _field("rule", label, "rule") | {"segments": segments}


def _field(name: str, label: str, kind: str) -> Field:
    return {"name": name, "label": label, "type": kind}


def _triggers() -> Options:
    return [
        ["event", _("who does something")],
        ["segment", _("who comes into a segment")],
        ["recurring", _("a whole group, by the clock")],
        ["api", _("whom another system lets in")],
    ]


def _select(name: str, label: str, options: Iterable[Any]) -> Field:
    return _field(name, label, "select") | {"options": list(options)}


def _when(field: Field, name: str, *values: str) -> Field:
    return {**field, "when": [name, list(values)]}


def kept(raw: Any) -> Mapping[str, Any] | None:
    """A draft that may be kept, with errors or without; None for what is no graph at all."""
    listed = raw.get("nodes") if isinstance(raw, Mapping) else None
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        return None
    return {"nodes": [dict(one) for one in listed]}
