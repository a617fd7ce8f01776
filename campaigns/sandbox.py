"""Liquid for templates that staff write: no files, no attributes, bounded time and memory.

The engine limits loops, output and variables; a single filter it does not limit, and a chain of
`replace` makes gigabytes in one expression. So every filter looks at what goes in and comes out.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from liquid import Environment, Undefined
from liquid.exceptions import ResourceLimitError

LONGEST_SOURCE = 60_000
LONGEST_VALUE = 100_000
MOST_ITEMS = 2_000
LARGEST_NUMBER = 10**15
WORK = 5_000_000  # characters that the filters of one rendering may look at

_MARKS = re.compile(r"\{\{|\}\}|\{%|%\}")
_work: ContextVar[list[int] | None] = ContextVar("liquid work", default=None)
_missing: ContextVar[set[str] | None] = ContextVar("liquid missing values", default=None)


class Missing(Undefined):
    """A value that is not there: empty in the message, named in the preview."""

    __slots__ = ()

    def __str__(self) -> str:
        names = _missing.get()
        if names is not None:
            names.add((self.hint or self.name).removesuffix(" is undefined").strip("'"))
        return ""


class Sandbox(Environment):
    loop_iteration_limit = 300
    output_stream_limit = 200_000
    local_namespace_limit = 400_000
    context_depth_limit = 20
    block_nesting_limit = 20

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(autoescape=autoescape, undefined=Missing)
        for name in ("include", "render"):  # there is nothing to include
            del self.tags[name]
        del self.filters["safe"]  # a customer's name stays text, whatever a template says
        self.filters = {name: _guarded(name, run) for name, run in self.filters.items()}


def line_of_unclosed(source: str) -> int | None:
    """The line of a tag that begins inside another, which the engine's reader is slow to see.

    For each of them it reads on to the end of the source; thousands would keep it for minutes.
    """
    opened: re.Match[str] | None = None
    for mark in _MARKS.finditer(source):
        closes = mark.group() in ("}}", "%}")
        if not closes and opened is not None:
            return source.count("\n", 0, opened.start()) + 1
        opened = None if closes else mark
    return None if opened is None else source.count("\n", 0, opened.start()) + 1


@contextmanager
def one_rendering() -> Iterator[set[str]]:
    """Give the filters a fresh budget; yield the set that collects the missing values."""
    names: set[str] = set()
    work, missing = _work.set([0]), _missing.set(names)
    try:
        yield names
    finally:
        _work.reset(work)
        _missing.reset(missing)


def _guarded(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        _spend(1 + sum(_weigh(arg) for arg in args))
        _foresee(name, args)
        result = run(*args, **kwargs)
        _weigh(result)
        return result

    return guarded


def _spend(amount: int) -> None:
    work = _work.get()
    if work is None:
        return
    work[0] += amount
    if work[0] > WORK:
        raise ResourceLimitError("the template works for too long", token=None)


def _weigh(value: object) -> int:
    """The length of a value with all its items; refuses what is too large."""
    weight = 0
    if isinstance(value, str):
        weight = len(value)
    elif isinstance(value, list | tuple | range):
        if len(value) > MOST_ITEMS:
            raise ResourceLimitError(f"a list of more than {MOST_ITEMS} items", token=None)
        weight = sum(8 if isinstance(item, int) else _weigh(item) for item in value)
    elif isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise ResourceLimitError("a number beyond 10¹⁵", token=None)
    if weight > LONGEST_VALUE:
        raise ResourceLimitError(f"a value longer than {LONGEST_VALUE} characters", token=None)
    return weight


def _foresee(name: str, args: tuple[Any, ...]) -> None:
    """Refuse the few filters whose result can be far larger than what goes in."""
    grown = 0
    if name.startswith("replace") and len(args) > 2:
        text, old, new = (str(arg) for arg in args[:3])
        grown = text.count(old) * len(new)
    elif name == "join" and len(args) > 1 and isinstance(args[0], list | tuple | range):
        grown = len(args[0]) * len(str(args[1]))
    elif name == "date" and len(args) > 1:
        grown = LONGEST_VALUE + 1 if len(str(args[1])) > 100 or _pads(str(args[1])) else 0
    if grown > LONGEST_VALUE:
        raise ResourceLimitError(f"{name} would make a value that is too long", token=None)


def _pads(pattern: str) -> bool:
    """The C library pads `%0999999d` to the width that is asked for."""
    return any(part[:1].isdigit() or part[1:2].isdigit() for part in pattern.split("%")[1:])
