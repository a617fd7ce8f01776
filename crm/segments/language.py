"""The language of rules: JSON in, a checked tree of plain parts out, without a look at any table.

    {"all": [rule, …]}   {"any": [rule, …]}   {"not": rule}
    {"field": "country", "op": "=", "value": "France"}
    {"field": "days_since_seen", "op": ">", "value": 30}
    {"trait": "address.city", "op": "contains", "value": "Par"}
    {"event": "crm.product_viewed", "op": ">=", "count": 3, "days": 7, "name": …,
     "where": [{"property": "category", "op": "=", "value": "phone"}]}
    {"event": …, "sum" | "average": "price", "op": ">", "value": 100}
    {"event": …, "last": "days", "op": ">", "value": 30}
    {"orders": "count" | "total" | "average" | "days_since_last", "op": ">", "value": 2,
     "days": 365, "product": sku, "category": slug, "brand": slug, "currency": "CNY"}
    {"score": "rfm", "op": ">=", "value": 4}      {"score": "rfm", "label": "at_risk"}
    {"consent": "email", "topic": "offers", "granted": true}
    {"chat": "messages" | "handoff", "intent": …, "sentiment": …, "op": ">=", "count": 1, "days": 7}
    {"message": "sent" | "opened" | "clicked", "campaign": …, "op": "=", "count": 0, "days": 14}
    {"feedback": "nps" | … | "any", "op": "<=", "value": 6, "days": 30}
    {"opinion": {"aspect": "delivery", "sentiment": "negative"}, "op": ">=", "count": 1, "days": 7}
    {"opinion": {"word": "charger"}, …}      {"interest": "category", "value": "phone", "weight": 2}
    {"segment": "slug"}   {"random": {"percent": 10, "salt": "spring"}}

`days` is a number (the last so many) or a pair (between so many and so many ago). A `!=` is the
opposite of `=`, so it is true where there is no value. `compiling` makes one query of the tree,
`sentences` words.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from crm.models import Channel, Feedback, Interest

COMPARISONS = ("=", "!=", ">", ">=", "<", "<=")
TEXT_OPERATORS = (*COMPARISONS, "contains", "starts with", "in", "exists")
FIELDS = ("language", "country", "name", "email", "phone", "is_known", "timezone")
AGES = {"days_since_seen": "last_seen_at", "days_since_first_seen": "first_seen_at"}
ORDER_FIGURES = ("count", "total", "average", "days_since_last")
CHATS = {"messages": "chatbot.message_received", "handoff": "chatbot.handoff_requested"}
MESSAGES = {
    "sent": "campaigns.message_sent",
    "opened": "campaigns.message_opened",
    "clicked": "campaigns.message_clicked",
}
FEELINGS = {"positive": "pos", "neutral": "neu", "negative": "neg"}
MAX_DEPTH = 10
MAX_PARTS = 100
MAX_TEXT = 200
MAX_LIST = 500
MAX_CONDITIONS = 10
MAX_DAYS = 36_500
NAME = re.compile(r"[\w$ -]{1,64}")  # of a key in a JSON document: no quote, no backslash, no dot
Value = str | int | float | bool | tuple[Any, ...] | None


class BadRule(Exception):
    """The rule cannot be used; `place` says where in it and `reason` why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


@dataclass(frozen=True, kw_only=True)
class Leaf:
    where: str = field(compare=False)  # the place in the rule, for messages
    rule: "dict[str, Any]" = field(compare=False)  # the part as it was written

    @property
    def key(self) -> str:
        """The same for leaves that were written alike; 1 and true are not."""
        return version(self.rule)


@dataclass(frozen=True)
class Several:
    parts: "tuple[Part, ...]"
    all: bool  # otherwise any


@dataclass(frozen=True)
class Not:
    part: "Part"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One comparison with a value that may be missing: of a column, or inside a document."""

    path: tuple[str, ...]
    op: str
    value: Value


@dataclass(frozen=True, kw_only=True)
class Field(Leaf):
    test: Condition


@dataclass(frozen=True, kw_only=True)
class Trait(Leaf):
    test: Condition


@dataclass(frozen=True, kw_only=True)
class Age(Leaf):
    column: str
    op: str
    value: float  # days


@dataclass(frozen=True, kw_only=True)
class Window:
    """Between `near` and `far` days ago; without `far` since ever."""

    near: float = 0
    far: float | None = None


@dataclass(frozen=True, kw_only=True)
class Counted(Leaf):
    """A figure over the rows a customer has within a window, compared with a number."""

    figure: str  # count, sum, average, last
    op: str
    value: float
    window: Window


@dataclass(frozen=True, kw_only=True)
class Happened(Counted):
    kind: str
    name: str = ""
    where_data: tuple[Condition, ...] = ()
    property: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ordered(Counted):
    product: str = ""
    category: str = ""
    brand: str = ""
    currency: str = ""


@dataclass(frozen=True, kw_only=True)
class Rated(Counted):
    """Feedback of a kind with such a score: at least one."""

    kind: str
    score_op: str = ""
    score: float = 0


@dataclass(frozen=True, kw_only=True)
class Opined(Counted):
    """Said something of an aspect, or with a word in it, and felt so about it."""

    aspect: str = ""
    word: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Interested(Leaf):
    kind: str
    value: str
    weight: float  # at least


@dataclass(frozen=True, kw_only=True)
class Scored(Leaf):
    name: str
    op: str = "exists"
    value: float = 0
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreed(Leaf):
    channel: str
    topic: str
    granted: bool


@dataclass(frozen=True, kw_only=True)
class Inside(Leaf):
    slug: str


@dataclass(frozen=True, kw_only=True)
class Share(Leaf):
    percent: float
    salt: str


Part = Several | Not | Leaf


def parse(rule: Any) -> Part:
    """Return the tree of a rule. Raises BadRule with the place."""
    return _Parser().part(rule, "rule", 0)


def leaves(part: Part) -> Iterator[Leaf]:
    """Every leaf, in the order of the rule."""
    return (leaf for leaf, _ in signed_leaves(part))


def signed_leaves(part: Part, wanted: bool = True) -> Iterator[tuple[Leaf, bool]]:
    """Every leaf, and whether the rule wants it to be true: under a "not" it does not."""
    if isinstance(part, Several):
        for inner in part.parts:
            yield from signed_leaves(inner, wanted)
    elif isinstance(part, Not):
        yield from signed_leaves(part.part, not wanted)
    else:
        yield part, wanted


def version(rule: Any) -> str:
    """A short mark of what a rule says: another rule, another mark."""
    text = json.dumps(rule, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class _Parser:
    def __init__(self) -> None:
        self.parts = 0
        self._leaves: dict[str, Callable[[Mapping[str, Any], str, dict[str, Any]], Leaf]] = {
            "field": _field,
            "trait": _trait,
            "event": _event,
            "orders": _orders,
            "score": _score,
            "consent": _consent,
            "chat": _chat,
            "message": _message,
            "feedback": _feedback,
            "opinion": _opinion,
            "interest": _interest,
            "segment": _segment,
            "random": _random,
        }

    def part(self, rule: Any, where: str, depth: int) -> Part:
        self.parts += 1
        if not isinstance(rule, Mapping) or not rule:
            raise BadRule(where, _("not a rule"))
        if depth > MAX_DEPTH or self.parts > MAX_PARTS:
            raise BadRule(
                where,
                _("deeper than %(max_depth)s or more than %(max_parts)s parts")
                % {"max_depth": MAX_DEPTH, "max_parts": MAX_PARTS},
            )
        if "not" in rule:
            return Not(self.part(rule["not"], f"{where}.not", depth + 1))
        for word in ("all", "any"):
            if word in rule:
                return self._several(rule[word], word, f"{where}.{word}", depth)
        for word, leaf in self._leaves.items():
            if word in rule:
                return leaf(rule, where, {"where": where, "rule": dict(rule)})
        raise BadRule(
            where, _("none of all, any, not, %(known)s") % {"known": ", ".join(self._leaves)}
        )

    def _several(self, rules: Any, word: str, where: str, depth: int) -> Several:
        if not isinstance(rules, list) or not rules:
            raise BadRule(where, _("not a list of rules"))
        parts = (self.part(rule, f"{where}[{i}]", depth + 1) for i, rule in enumerate(rules))
        return Several(tuple(parts), all=word == "all")


def _field(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    name = rule["field"]
    if name in AGES:
        op, value = _operator(rule, where), _number(rule, "value", where, most=MAX_DAYS)
        return Age(column=AGES[name], op=op, value=value, **place)
    if name not in FIELDS:
        raise BadRule(
            f"{where}.field",
            _("%(given)s is none of %(known)s")
            % {"given": repr(name), "known": ", ".join((*FIELDS, *AGES))},
        )
    test = _condition(rule, (name,), where)
    right = isinstance(test.value, bool) if name == "is_known" else _is_text(test.value)
    if test.op != "exists" and not right:
        reason = _("%(name)s is not compared with that") % {"name": name}
        raise BadRule(f"{where}.value", reason)
    return Field(test=test, **place)


def _is_text(value: Value) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return all(isinstance(item, str) for item in items)


def _trait(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    path = _path(rule["trait"], f"{where}.trait")
    return Trait(test=_condition(rule, path, where), **place)


def _event(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    figures = [word for word in ("sum", "average", "last") if word in rule]
    if len(figures) > 1:
        raise BadRule(where, _("%(known)s at once") % {"known": " and ".join(figures)})
    figure = figures[0] if figures else "count"
    name_of_number = "count" if figure == "count" else "value"
    property_ = _path(rule[figure], f"{where}.{figure}") if figure in ("sum", "average") else ()
    return Happened(
        figure=figure,
        kind=_text(rule, "event", where),
        name=_text(rule, "name", where) if rule.get("name") else "",
        where_data=_conditions(rule.get("where"), f"{where}.where"),
        property=property_,
        op=_operator(rule, where),
        value=_number(rule, name_of_number, where),
        window=_window(rule, where),
        **place,
    )


def _conditions(raw: Any, where: str) -> tuple[Condition, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or len(raw) > MAX_CONDITIONS:
        raise BadRule(
            where,
            _("not a list of at most %(max_conditions)s conditions")
            % {"max_conditions": MAX_CONDITIONS},
        )
    found = []
    for i, item in enumerate(raw):
        place = f"{where}[{i}]"
        if not isinstance(item, Mapping):
            raise BadRule(place, _("not a condition"))
        found.append(_condition(item, _path(item.get("property"), f"{place}.property"), place))
    return tuple(found)


def _orders(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    figure = rule["orders"]
    if figure not in ORDER_FIGURES:
        raise BadRule(
            f"{where}.orders",
            _("%(given)s is none of %(known)s")
            % {"given": repr(figure), "known": ", ".join(ORDER_FIGURES)},
        )
    only: dict[str, Any] = {
        word: _text(rule, word, where)
        for word in ("product", "category", "brand", "currency")
        if rule.get(word)
    }
    if figure == "average" and only.keys() - {"currency"}:
        raise BadRule(
            f"{where}.orders", _("an average is of whole orders, not of what was in them")
        )
    return Ordered(
        figure={"total": "sum", "days_since_last": "last"}.get(figure, figure),
        op=_operator(rule, where),
        value=_number(rule, "value", where),
        window=_window(rule, where),
        **only,
        **place,
    )


def _score(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    name = _text(rule, "score", where)
    if "label" in rule:
        return Scored(name=name, label=_text(rule, "label", where), **place)
    if rule.get("op") == "exists":
        return Scored(name=name, **place)
    value = _number(rule, "value", where)
    return Scored(name=name, op=_operator(rule, where), value=value, **place)


def _opinion(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    said, where_said = rule["opinion"], f"{where}.opinion"
    if not isinstance(said, Mapping) or not {"aspect", "word", "sentiment"} & set(said):
        raise BadRule(where_said, _("none of %(known)s") % {"known": "aspect, word, sentiment"})
    if "aspect" in said and "word" in said:
        raise BadRule(where_said, _("%(known)s at once") % {"known": "aspect, word"})
    feeling = said.get("sentiment")
    if feeling is not None and feeling not in FEELINGS:
        known = {"given": repr(feeling), "known": ", ".join(FEELINGS)}
        raise BadRule(f"{where_said}.sentiment", _("%(given)s is none of %(known)s") % known)
    return Opined(
        figure="count",
        aspect=_text(said, "aspect", where_said) if "aspect" in said else "",
        word=_text(said, "word", where_said) if "word" in said else "",
        label=FEELINGS[feeling] if feeling else "",
        op=_operator({"op": ">="} | dict(rule), where),
        value=_number({"count": 1} | dict(rule), "count", where),
        window=_window(rule, where),
        **place,
    )


def _interest(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    if rule["interest"] not in Interest.Kind.values:
        known = {"given": repr(rule["interest"]), "known": ", ".join(Interest.Kind.values)}
        raise BadRule(f"{where}.interest", _("%(given)s is none of %(known)s") % known)
    weight = _number({"weight": 0} | dict(rule), "weight", where)
    return Interested(
        kind=rule["interest"], value=_text(rule, "value", where), weight=weight, **place
    )


def _consent(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    granted = rule.get("granted", True)
    if not isinstance(granted, bool):
        raise BadRule(
            f"{where}.granted", _("%(given)s is neither true nor false") % {"given": repr(granted)}
        )
    channel = _text(rule, "consent", where)
    if channel not in Channel.values:
        raise BadRule(
            f"{where}.consent",
            _("%(given)s is none of %(known)s")
            % {"given": repr(channel), "known": ", ".join(Channel.values)},
        )
    topic = _text(rule, "topic", where) if rule.get("topic") else ""
    return Agreed(channel=channel, topic=topic, granted=granted, **place)


def _chat(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    """What was said in a chat is on the timeline, so this is an event by a shorter name."""
    return _told(rule, CHATS, "chat", ("intent", "sentiment"), where, place)


def _message(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    return _told(rule, MESSAGES, "message", ("campaign", "channel"), where, place)


def _told(  # noqa: PLR0913  (a rule, its place, and what to make of it)
    rule: Mapping[str, Any],
    kinds: Mapping[str, str],
    word: str,
    properties: tuple[str, ...],
    where: str,
    place: dict[str, Any],
) -> Leaf:
    if rule[word] not in kinds:
        raise BadRule(
            f"{where}.{word}",
            _("%(given)s is none of %(known)s")
            % {"given": repr(rule[word]), "known": ", ".join(kinds)},
        )
    tests = tuple(
        Condition(path=(name,), op="=", value=_text(rule, name, where))
        for name in properties
        if rule.get(name)
    )
    at_least_one = {"op": ">=", "count": 1} if "count" not in rule else {}
    return Happened(
        figure="count",
        kind=kinds[rule[word]],
        where_data=tests,
        op=_operator({**rule, **at_least_one}, where),
        value=_number({**rule, **at_least_one}, "count", where),
        window=_window(rule, where),
        **place,
    )


def _feedback(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    kinds = (*Feedback.Kind.values, "any")
    if rule["feedback"] not in kinds:
        raise BadRule(
            f"{where}.feedback",
            _("%(given)s is none of %(known)s")
            % {"given": repr(rule["feedback"]), "known": ", ".join(kinds)},
        )
    rated = "value" in rule or "op" in rule
    return Rated(
        figure="count",
        op=">=",
        value=1,
        kind=rule["feedback"],
        score_op=_operator(rule, where) if rated else "",
        score=_number(rule, "value", where) if rated else 0,
        window=_window(rule, where),
        **place,
    )


def _segment(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    return Inside(slug=_text(rule, "segment", where), **place)


def _random(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    share = rule["random"]
    if not isinstance(share, Mapping):
        raise BadRule(f"{where}.random", _("not a percentage with a salt"))
    percent = _number(share, "percent", f"{where}.random")
    if not 0 <= percent <= 100:
        raise BadRule(
            f"{where}.random.percent",
            _("%(percent)s is not between 0 and 100") % {"percent": percent},
        )
    salt = share.get("salt", "")
    if not isinstance(salt, str) or len(salt) > MAX_TEXT:
        raise BadRule(
            f"{where}.random.salt",
            _("not a text of at most %(max_text)s characters") % {"max_text": MAX_TEXT},
        )
    return Share(percent=percent, salt=salt, **place)


def _condition(rule: Mapping[str, Any], path: tuple[str, ...], where: str) -> Condition:
    op = rule.get("op", "=")
    if op not in TEXT_OPERATORS:
        raise BadRule(
            f"{where}.op",
            _("%(given)s is none of %(known)s")
            % {"given": repr(op), "known": ", ".join(TEXT_OPERATORS)},
        )
    if op == "exists":
        return Condition(path=path, op=op, value=None)
    raw = rule.get("value")
    if op == "in":
        if not isinstance(raw, list) or not 0 < len(raw) <= MAX_LIST:
            raise BadRule(
                f"{where}.value",
                _("not a list of 1 to %(max_list)s values") % {"max_list": MAX_LIST},
            )
        kinds = {isinstance(item, str) for item in raw}
        if len(kinds) > 1 or any(isinstance(item, bool) for item in raw):
            raise BadRule(f"{where}.value", _("a list of texts or a list of numbers"))
        return Condition(path=path, op=op, value=tuple(_plain(i, where) for i in raw))
    value = _plain(raw, where)
    if op in ("contains", "starts with") and (not isinstance(value, str) or not value):
        raise BadRule(
            f"{where}.value", _("%(given)s wants a text that is not empty") % {"given": repr(op)}
        )
    if isinstance(value, bool) and op not in ("=", "!="):
        raise BadRule(f"{where}.op", _("true and false are only equal or not"))
    return Condition(path=path, op=op, value=value)


def _plain(value: Any, where: str) -> str | int | float | bool:
    if value is None:
        raise BadRule(f"{where}.value", _("a value is missing"))
    if not isinstance(value, str | int | float):
        raise BadRule(
            f"{where}.value",
            _("%(given)s is neither text, number nor truth value") % {"given": repr(value)},
        )
    if isinstance(value, str) and (len(value) > MAX_TEXT or "\x00" in value):
        raise BadRule(
            f"{where}.value",
            _("not a text of at most %(max_text)s characters") % {"max_text": MAX_TEXT},
        )
    if not isinstance(value, str) and not abs(value) <= 1e12:
        raise BadRule(f"{where}.value", _("%(given)s is out of range") % {"given": repr(value)})
    return value


def _path(raw: Any, where: str) -> tuple[str, ...]:
    path = tuple(raw.split(".")) if isinstance(raw, str) else ()
    if not path or len(path) > 5 or not all(NAME.fullmatch(name) for name in path):
        raise BadRule(
            where,
            _("%(given)s is not a name of letters, digits and _, or several by .")
            % {"given": repr(raw)},
        )
    return path


def _window(rule: Mapping[str, Any], where: str) -> Window:
    days = rule.get("days")
    if days is None:
        return Window()
    if isinstance(days, list):
        if len(days) != 2:
            raise BadRule(f"{where}.days", _("not a number, nor two of them"))
        near, far = (_number({"days": day}, "days", where, most=MAX_DAYS) for day in days)
    else:
        near, far = 0, _number(rule, "days", where, most=MAX_DAYS)
    if not 0 <= near <= far:
        raise BadRule(
            f"{where}.days", _("%(given)s is not a stretch of the past") % {"given": repr(days)}
        )
    return Window(near=near, far=far)


def _operator(rule: Mapping[str, Any], where: str) -> str:
    operator = rule.get("op", "=")
    if operator not in COMPARISONS:
        raise BadRule(
            f"{where}.op",
            _("%(given)s is none of %(known)s")
            % {"given": repr(operator), "known": " ".join(COMPARISONS)},
        )
    return str(operator)


def _number(rule: Mapping[str, Any], key: str, where: str, *, most: float = 1e12) -> float:
    value = rule.get(key)
    if value is None:
        raise BadRule(f"{where}.{key}", _("a value is missing"))
    # Written this way round, a NaN is refused too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        raise BadRule(
            f"{where}.{key}",
            _("%(given)s is not a number that can be used here") % {"given": repr(value)},
        )
    return value


def _text(rule: Mapping[str, Any], key: str, where: str) -> str:
    value = rule.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or "\x00" in value:
        raise BadRule(
            f"{where}.{key}",
            _("%(given)s is not a text of 1 to %(max_text)s characters")
            % {"given": repr(value), "max_text": MAX_TEXT},
        )
    return value
