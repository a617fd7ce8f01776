"""From the columns of any table to numbers that a model can be fitted on, and back to words.

A column of numbers stays one (blank is NaN). Anything else is a category: its levels are numbered
by how often the target is true in them, so that a tree may cut between them; levels that are rare
or were never seen share one number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

FEWEST_OF_LEVEL = 20  # rows of a level before it counts for itself
MOST_LEVELS = 200
SMOOTHING = 20.0  # rows of the average that every level starts with
NUMERIC_SHARE = 0.95  # of the filled cells that must be numbers, for a column to be one
BLANKS = frozenset(("", "na", "n/a", "nan", "null", "none", "?"))
EMPTY = "(blank)"


class UnusableColumn(Exception):
    """A column cannot be learned from; the message names it and says why."""


@dataclass(frozen=True)
class Column:
    """One learned column. `levels` is empty for numbers; `other` is the number of the unseen."""

    name: str
    levels: tuple[str, ...] = ()
    other: float = 0.0

    @property
    def is_numeric(self) -> bool:
        return not self.levels

    def coded(self, values: np.ndarray) -> np.ndarray:
        """(rows,) numbers of text or numbers."""
        if self.is_numeric:
            return as_numbers(values)
        known = {level: float(code) for code, level in enumerate(self.levels)}
        texts, place = np.unique(_texts(values), return_inverse=True)
        return np.array([known.get(text, self.other) for text in texts])[place]


class Columns:
    """The columns of a table as a (rows, columns) matrix, learned from the training rows."""

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns = list(columns)
        self.left_out: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def fit(self, table: Mapping[str, np.ndarray], target: np.ndarray) -> Self:
        """Learn levels and their order. Columns without any use are left out, with a reason."""
        self.columns, self.left_out = [], {}
        for name, values in table.items():
            try:
                self.columns.append(_learned(name, np.asarray(values), target))
            except UnusableColumn as reason:
                self.left_out[name] = str(reason)
        return self

    def matrix(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        coded = [column.coded(np.asarray(table[column.name])) for column in self.columns]
        return np.stack(coded, axis=1) if coded else np.zeros((0, 0))

    def settings(self) -> list[dict[str, Any]]:
        return [
            {"name": column.name, "levels": list(column.levels), "other": column.other}
            for column in self.columns
        ]

    @classmethod
    def from_settings(cls, settings: Sequence[Mapping[str, Any]]) -> Self:
        return cls([Column(one["name"], tuple(one["levels"]), one["other"]) for one in settings])


def as_numbers(values: np.ndarray) -> np.ndarray:
    """(rows,) floats; what is blank, endless or no number becomes NaN."""
    if values.dtype.kind in "fiub":
        numbers = values.astype(float)
    else:
        texts, place = np.unique(_texts(values), return_inverse=True)
        numbers = np.array([_number(text) for text in texts], dtype=float)[place]
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _learned(name: str, values: np.ndarray, target: np.ndarray) -> Column:
    numbers = as_numbers(values)
    if values.dtype.kind in "fiub":
        filled = np.isfinite(numbers)
        numeric = True
    else:
        texts = _texts(values)
        filled = texts != EMPTY
        numeric = (
            bool(np.isfinite(numbers[filled]).mean() >= NUMERIC_SHARE) if any(filled) else True
        )
    if not filled.any():
        raise UnusableColumn("blank in every row")
    if numeric:
        if np.unique(numbers[np.isfinite(numbers)]).size < 2 and filled.all():
            raise UnusableColumn("the same in every row")
        return Column(name)
    return _category(name, texts, target)


def _category(name: str, texts: np.ndarray, target: np.ndarray) -> Column:
    levels, place, counts = np.unique(texts, return_inverse=True, return_counts=True)
    if len(levels) < 2:
        raise UnusableColumn("the same in every row")
    if len(levels) > 0.9 * len(texts):
        raise UnusableColumn("another text in nearly every row: an identifier")
    hits = np.bincount(place, weights=target, minlength=len(levels))
    kept = (counts >= FEWEST_OF_LEVEL) & (np.argsort(np.argsort(-counts)) < MOST_LEVELS)
    if not kept.any():
        raise UnusableColumn(f"no text in it comes {FEWEST_OF_LEVEL} times")
    base = float(target.mean())
    rates = (hits[kept] + SMOOTHING * base) / (counts[kept] + SMOOTHING)
    rest, rows = hits[~kept].sum(), counts[~kept].sum()
    rates = np.append(rates, (rest + SMOOTHING * base) / (rows + SMOOTHING))
    names = [*levels[kept].tolist(), "\0other"]
    order = np.argsort(rates, kind="stable")
    ranked = tuple(names[position] for position in order)
    return Column(name, ranked, float(ranked.index("\0other")))


def _texts(values: np.ndarray) -> np.ndarray:
    texts = np.char.strip(np.asarray(["" if v is None else v for v in values.tolist()], dtype=str))
    blank = np.isin(np.char.lower(texts), list(BLANKS))
    return np.where(blank, EMPTY, texts)


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "")) if text != EMPTY else np.nan
    except ValueError:
        return np.nan
