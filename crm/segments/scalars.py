"""The small parts of a rule, checked: comparisons, windows, numbers, texts, names of properties."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from crm.segments.language import COMPARISONS, TEXT_OPERATORS, BadRule, Condition, Window

MAX_TEXT = 200
MAX_LIST = 500
MAX_DAYS = 36_500
NAME = re.compile(r"[\w$ -]{1,64}")  # of a key in a JSON document: no quote, no backslash, no dot


def condition(rule: Mapping[str, Any], path: tuple[str, ...], where: str) -> Condition:
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
        return Condition(path=path, op=op, value=tuple(plain(i, where) for i in raw))
    value = plain(raw, where)
    if op in ("contains", "starts with") and (not isinstance(value, str) or not value):
        raise BadRule(
            f"{where}.value", _("%(given)s wants a text that is not empty") % {"given": repr(op)}
        )
    if isinstance(value, bool) and op not in ("=", "!="):
        raise BadRule(f"{where}.op", _("true and false are only equal or not"))
    return Condition(path=path, op=op, value=value)


def plain(value: Any, where: str) -> str | int | float | bool:
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


def path(raw: Any, where: str) -> tuple[str, ...]:
    path = tuple(raw.split(".")) if isinstance(raw, str) else ()
    if not path or len(path) > 5 or not all(NAME.fullmatch(name) for name in path):
        raise BadRule(
            where,
            _("%(given)s is not a name of letters, digits and _, or several by .")
            % {"given": repr(raw)},
        )
    return path


def window(rule: Mapping[str, Any], where: str) -> Window:
    days = rule.get("days")
    if days is None:
        return Window()
    if isinstance(days, list):
        if len(days) != 2:
            raise BadRule(f"{where}.days", _("not a number, nor two of them"))
        near, far = (number({"days": day}, "days", where, most=MAX_DAYS) for day in days)
    else:
        near, far = 0, number(rule, "days", where, most=MAX_DAYS)
    if not 0 <= near <= far:
        raise BadRule(
            f"{where}.days", _("%(given)s is not a stretch of the past") % {"given": repr(days)}
        )
    return Window(near=near, far=far)


def operator(rule: Mapping[str, Any], where: str) -> str:
    operator = rule.get("op", "=")
    if operator not in COMPARISONS:
        raise BadRule(
            f"{where}.op",
            _("%(given)s is none of %(known)s")
            % {"given": repr(operator), "known": " ".join(COMPARISONS)},
        )
    return str(operator)


def number(rule: Mapping[str, Any], key: str, where: str, *, most: float = 1e12) -> float:
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


def text(rule: Mapping[str, Any], key: str, where: str) -> str:
    value = rule.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or "\x00" in value:
        raise BadRule(
            f"{where}.{key}",
            _("%(given)s is not a text of 1 to %(max_text)s characters")
            % {"given": repr(value), "max_text": MAX_TEXT},
        )
    return value
