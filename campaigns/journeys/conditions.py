"""Conditions on what an event says of itself."""

from collections.abc import Mapping, Sequence
from typing import Any


def fits(data: Mapping[str, Any], conditions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what an event says of itself meets every condition; what is missing meets none."""
    return all(_meets(data.get(one["property"]), one["op"], one["value"]) for one in conditions)


def _meets(value: Any, op: str, wanted: Any) -> bool:
    if value is None:
        return False
    if op in ("=", "!="):
        return (str(value) == str(wanted)) == (op == "=")
    if op == "contains":
        inside = value if isinstance(value, list | tuple) else str(value)
        return wanted in inside if isinstance(value, list | tuple) else str(wanted) in inside
    try:
        return bool(OPERATORS[op](float(value), float(wanted)))
    except (TypeError, ValueError):
        return False


OPERATORS: dict[str, Any] = {
    "=": None,
    "!=": None,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "contains": None,
}
