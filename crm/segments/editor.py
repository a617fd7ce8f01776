"""The grammar of the editor: which controls make which part of a rule, in the reader's language.

A part is a row of controls that reads as a sentence. The script in static/crm knows how to draw
each kind of control and nothing about segments.
"""

from typing import Any

from django.utils.translation import gettext as _

from crm.segments import choices

Control = dict[str, Any]


def grammar() -> dict[str, Any]:
    """Everything the script needs: parts with their controls, choices, and words."""
    return {"parts": _parts(), "offered": choices.offered(), "words": _words()}


def _numbers() -> list[tuple[str, str]]:
    return [
        (">=", _("at least")),
        (">", _("more than")),
        ("=", _("exactly")),
        ("<=", _("at most")),
        ("<", _("less than")),
        ("!=", _("not exactly")),
    ]


def _texts() -> list[tuple[str, str]]:
    return [
        ("=", _("is")),
        ("!=", _("is not")),
        ("contains", _("contains")),
        ("starts with", _("starts with")),
        ("in", _("is one of")),
        ("exists", _("is known")),
        (">", _("is over")),
        (">=", _("is at least")),
        ("<", _("is under")),
        ("<=", _("is at most")),
    ]


def _choice(key: str, options: Any, label: str = "", **more: Any) -> Control:
    return {"kind": "choice", "key": key, "options": options, "label": label, **more}


def _number(key: str, label: str, default: float) -> Control:
    return {"kind": "number", "key": key, "label": label, "default": default}


def _suggest(key: str, source: str, label: str, **more: Any) -> Control:
    return {"kind": "suggest", "key": key, "from": source, "label": label, **more}


def _text(content: str) -> Control:
    return {"kind": "text", "content": content}


def _window() -> Control:
    return {"kind": "window", "key": "days", "label": _("when")}


def _test(key: str, default: float) -> list[Control]:
    return [
        _choice("op", _numbers(), _("how many"), default=">="),
        _number(key, _("number"), default),
    ]


def _parts() -> list[dict[str, Any]]:
    buying, behaviour, profile = _("Buying"), _("Behaviour"), _("Profile")
    insight = _("Insight")
    rows = [
        ("orders", buying, _("Orders"), _orders()),
        ("event", behaviour, _("Something they did"), _event()),
        ("chat", behaviour, _("Chat"), _chat()),
        ("message", behaviour, _("Messages we sent"), _message()),
        ("feedback", behaviour, _("Feedback"), _feedback()),
        ("opinion", behaviour, _("Opinion"), _opinion()),
        ("field", profile, _("Profile"), _field()),
        ("age", profile, _("Last or first seen"), _age()),
        ("known", profile, _("Known or visitor"), _known()),
        ("trait", profile, _("Trait"), _trait()),
        ("consent", profile, _("Consent"), _consent()),
        ("score", insight, _("Score"), _score()),
        ("label", insight, _("Label of a score"), _label()),
        ("interest", insight, _("Interest"), _interest()),
        ("segment", insight, _("Another segment"), _segment()),
        ("random", insight, _("Random share"), _random()),
    ]
    return [dict(zip(("word", "group", "label", "controls"), row, strict=True)) for row in rows]


def _orders() -> list[Control]:
    figures = [
        ("count", _("number of orders")),
        ("total", _("money spent")),
        ("average", _("average order value")),
        ("days_since_last", _("days since the last order")),
    ]
    return [
        _choice("orders", figures, _("what")),
        *_test("value", 1),
        _window(),
        _choice("category", "categories", _("category"), optional=True),
        _choice("brand", "brands", _("brand"), optional=True),
        _suggest("product", "products", _("product (SKU)"), optional=True),
        _suggest("currency", "", _("currency"), optional=True),
    ]


def _event() -> list[Control]:
    return [
        _choice("event", "events", _("event")),
        {"kind": "figure", "key": "figure", "label": _("what"), "options": [
            ("count", _("number of times")),
            ("sum", _("sum of")),
            ("average", _("average of")),
            ("last", _("days since the last time")),
        ]},
        _choice("op", _numbers(), _("how many"), default=">="),
        {"kind": "figure_number", "key": "count", "label": _("number"), "default": 1},
        _window(),
        _suggest("name", "", _("name of the event"), optional=True),
        {"kind": "conditions", "key": "where", "label": _("with")},
    ]  # fmt: skip


def _chat() -> list[Control]:
    what = [("messages", _("messages written")), ("handoff", _("times asked for a person"))]
    return [
        _choice("chat", what, _("what")),
        *_test("count", 1),
        _window(),
        _suggest("intent", "intents", _("intent"), optional=True),
        _suggest("sentiment", "sentiments", _("sentiment"), optional=True),
    ]


def _message() -> list[Control]:
    what = [("sent", _("sent")), ("opened", _("opened")), ("clicked", _("clicked"))]
    return [
        _choice("message", what, _("what")),
        *_test("count", 1),
        _text(_("times")),
        _window(),
        _suggest("campaign", "", _("campaign"), optional=True),
        _choice("channel", "channels", _("channel"), optional=True),
    ]


def _feedback() -> list[Control]:
    return [
        _choice("feedback", "feedback", _("kind")),
        _text(_("with a score of")),
        _choice("op", _numbers(), _("any score"), optional=True),
        {**_number("value", _("score"), 2), "needs": "op"},
        _window(),
    ]


def _opinion() -> list[Control]:
    return [
        {"kind": "inside", "key": "opinion", "label": _("about"), "controls": [
            _suggest("aspect", "aspects", _("aspect"), optional=True),
            _suggest("word", "", _("or a word"), optional=True),
            _choice("sentiment", "feelings", _("feeling"), optional=True),
        ]},
        *_test("count", 1),
        _text(_("times")),
        _window(),
    ]  # fmt: skip


def _interest() -> list[Control]:
    kinds = [("category", _("category")), ("brand", _("brand")), ("feature", _("feature"))]
    return [
        _text(_("is drawn to")),
        _choice("interest", kinds, _("kind")),
        _suggest("value", "interests", _("value")),
        {**_number("weight", _("at least so much"), 1), "optional": True},
    ]


def _field() -> list[Control]:
    fields = [pair for pair in choices.offered()["fields"] if pair[0] != "is_known"]
    return [
        _choice("field", fields, _("what"), default="country"),
        _choice("op", _texts()[:6], _("comparison"), default="="),
        {"kind": "value", "key": "value", "label": _("value"), "of": "field"},
    ]


def _age() -> list[Control]:
    fields = [("days_since_seen", _("last seen")), ("days_since_first_seen", _("first seen"))]
    return [
        _choice("field", fields, _("what")),
        *_test("value", 30),
        _text(_("days ago")),
    ]


def _known() -> list[Control]:
    return [
        {"kind": "fixed", "key": "field", "value": "is_known"},
        _choice("value", [(True, _("is known to us")), (False, _("is an unknown visitor"))]),
    ]


def _trait() -> list[Control]:
    return [
        _suggest("trait", "traits", _("trait")),
        _choice("op", _texts(), _("comparison"), default="="),
        {"kind": "value", "key": "value", "label": _("value"), "of": "trait"},
    ]


def _consent() -> list[Control]:
    return [
        _choice("granted", [(True, _("agreed")), (False, _("refused"))], _("answer"), default=True),
        _choice("topic", "topics", _("topic"), optional=True),
        _text(_("by")),
        _choice("consent", "channels", _("channel")),
    ]


def _score() -> list[Control]:
    return [_choice("score", "scores", _("score")), *_test("value", 1)]


def _label() -> list[Control]:
    return [
        _choice("score", "scores", _("score")),
        _text(_("is")),
        {"kind": "dependent", "key": "label", "from": "labels", "of": "score", "label": _("label")},
    ]


def _segment() -> list[Control]:
    return [_text(_("is in")), _choice("segment", "segments", _("segment"))]


def _random() -> list[Control]:
    return [{"kind": "share", "key": "random", "label": _("percent"), "salt": _("salt")}]


def _words() -> dict[str, str]:
    return {
        "all": _("all of"),
        "any": _("any of"),
        "none": _("none of"),
        "not_all": _("not all of"),
        "customers_who": _("Customers who match"),
        "these": _("these:"),
        "add": _("Add a condition"),
        "add_group": _("Add a group"),
        "remove": _("Remove"),
        "does": _("having"),
        "does_not": _("not having"),
        "more": _("more…"),
        "ever": _("ever"),
        "last": _("in the last"),
        "between": _("between"),
        "and": _("and"),
        "days": _("days"),
        "days_ago": _("days ago"),
        "with": _("with"),
        "property": _("property"),
        "comma": _("several: a, b, c"),
        "truth_yes": _("yes"),
        "truth_no": _("no"),
        "counting": _("Counting…"),
        "exact": _("%(size)s customers of %(of)s"),
        "about": _("About %(size)s customers (%(low)s to %(high)s) of %(of)s"),
        "too_slow": _("This takes too long to count here; it will be counted when saved."),
        "offline": _("The server does not answer; try again."),
        "json": _("Edit as JSON"),
        "form": _("Edit as a form"),
        "bad_json": _("This is not JSON."),
        "empty": _("No condition yet: add one."),
        "start_from": _("Start from an example:"),
    }
