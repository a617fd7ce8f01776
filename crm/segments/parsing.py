"""A rule as it was written becomes a checked tree, without a look at any table."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from crm.models import Channel, Feedback, Interest
from crm.segments.language import (
    AGES,
    CHATS,
    FEELINGS,
    FIELDS,
    MESSAGES,
    ORDER_FIGURES,
    Age,
    Agreed,
    BadRule,
    Condition,
    Field,
    Happened,
    Inside,
    Interested,
    Leaf,
    Not,
    Opined,
    Ordered,
    Part,
    Rated,
    Scored,
    Several,
    Share,
    Trait,
    Value,
)
from crm.segments.scalars import MAX_DAYS, MAX_TEXT, condition, number, operator, path, text, window

MAX_DEPTH = 10
MAX_PARTS = 100
MAX_CONDITIONS = 10


def parse(rule: Any) -> Part:
    """Return the tree of a rule. Raises BadRule with the place."""
    return _Parser().part(rule, "rule", 0)


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
        op, value = operator(rule, where), number(rule, "value", where, most=MAX_DAYS)
        return Age(column=AGES[name], op=op, value=value, **place)
    if name not in FIELDS:
        raise BadRule(
            f"{where}.field",
            _("%(given)s is none of %(known)s")
            % {"given": repr(name), "known": ", ".join((*FIELDS, *AGES))},
        )
    test = condition(rule, (name,), where)
    right = isinstance(test.value, bool) if name == "is_known" else _is_text(test.value)
    if test.op != "exists" and not right:
        reason = _("%(name)s is not compared with that") % {"name": name}
        raise BadRule(f"{where}.value", reason)
    return Field(test=test, **place)


def _is_text(value: Value) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return all(isinstance(item, str) for item in items)


def _trait(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    return Trait(test=condition(rule, path(rule["trait"], f"{where}.trait"), where), **place)


def _event(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    figures = [word for word in ("sum", "average", "last") if word in rule]
    if len(figures) > 1:
        raise BadRule(where, _("%(known)s at once") % {"known": " and ".join(figures)})
    figure = figures[0] if figures else "count"
    name_of_number = "count" if figure == "count" else "value"
    property_ = path(rule[figure], f"{where}.{figure}") if figure in ("sum", "average") else ()
    return Happened(
        figure=figure,
        kind=text(rule, "event", where),
        name=text(rule, "name", where) if rule.get("name") else "",
        where_data=_conditions(rule.get("where"), f"{where}.where"),
        property=property_,
        op=operator(rule, where),
        value=number(rule, name_of_number, where),
        window=window(rule, where),
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
        found.append(condition(item, path(item.get("property"), f"{place}.property"), place))
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
        word: text(rule, word, where)
        for word in ("product", "category", "brand", "currency")
        if rule.get(word)
    }
    if figure == "average" and only.keys() - {"currency"}:
        raise BadRule(
            f"{where}.orders", _("an average is of whole orders, not of what was in them")
        )
    return Ordered(
        figure={"total": "sum", "days_since_last": "last"}.get(figure, figure),
        op=operator(rule, where),
        value=number(rule, "value", where),
        window=window(rule, where),
        **only,
        **place,
    )


def _score(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    name = text(rule, "score", where)
    if "label" in rule:
        return Scored(name=name, label=text(rule, "label", where), **place)
    if rule.get("op") == "exists":
        return Scored(name=name, **place)
    value = number(rule, "value", where)
    return Scored(name=name, op=operator(rule, where), value=value, **place)


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
        aspect=text(said, "aspect", where_said) if "aspect" in said else "",
        word=text(said, "word", where_said) if "word" in said else "",
        label=FEELINGS[feeling] if feeling else "",
        op=operator({"op": ">="} | dict(rule), where),
        value=number({"count": 1} | dict(rule), "count", where),
        window=window(rule, where),
        **place,
    )


def _interest(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    if rule["interest"] not in Interest.Kind.values:
        known = {"given": repr(rule["interest"]), "known": ", ".join(Interest.Kind.values)}
        raise BadRule(f"{where}.interest", _("%(given)s is none of %(known)s") % known)
    weight = number({"weight": 0} | dict(rule), "weight", where)
    return Interested(
        kind=rule["interest"], value=text(rule, "value", where), weight=weight, **place
    )


def _consent(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    granted = rule.get("granted", True)
    if not isinstance(granted, bool):
        raise BadRule(
            f"{where}.granted", _("%(given)s is neither true nor false") % {"given": repr(granted)}
        )
    channel = text(rule, "consent", where)
    if channel not in Channel.values:
        raise BadRule(
            f"{where}.consent",
            _("%(given)s is none of %(known)s")
            % {"given": repr(channel), "known": ", ".join(Channel.values)},
        )
    topic = text(rule, "topic", where) if rule.get("topic") else ""
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
        Condition(path=(name,), op="=", value=text(rule, name, where))
        for name in properties
        if rule.get(name)
    )
    at_least_one = {"op": ">=", "count": 1} if "count" not in rule else {}
    return Happened(
        figure="count",
        kind=kinds[rule[word]],
        where_data=tests,
        op=operator({**rule, **at_least_one}, where),
        value=number({**rule, **at_least_one}, "count", where),
        window=window(rule, where),
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
        score_op=operator(rule, where) if rated else "",
        score=number(rule, "value", where) if rated else 0,
        window=window(rule, where),
        **place,
    )


def _segment(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    return Inside(slug=text(rule, "segment", where), **place)


def _random(rule: Mapping[str, Any], where: str, place: dict[str, Any]) -> Leaf:
    share = rule["random"]
    if not isinstance(share, Mapping):
        raise BadRule(f"{where}.random", _("not a percentage with a salt"))
    percent = number(share, "percent", f"{where}.random")
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
