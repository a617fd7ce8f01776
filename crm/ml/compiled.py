"""Fitted scorers as plain tables: a scorecard of points, and trees flattened into arrays.

Nothing here needs scikit-learn. A score is a sum of contributions, one a column, so every score
comes with reasons that add up to it exactly: points of a scorecard are contributions as they
stand; along the path of a tree each step's change of the expected value belongs to the column
it asked about (Saabas 2014).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

MASKS = 8  # leaves of a tree that fits the quick road: one bit each in a byte
BLANK = 255  # the step of NaN
LEAF = -1
AT_ONCE = 32_768  # rows that the quick road takes together: they stay in the cache


@dataclass(frozen=True)
class Points:
    """The points of one column: at knots, straight lines between, flat beyond; or by level.

    `blank` are the points of NaN.
    """

    knots: np.ndarray
    values: np.ndarray
    blank: float
    is_numeric: bool

    def of(self, column: np.ndarray) -> np.ndarray:
        """(rows,) points of coded values."""
        missing = np.isnan(column)
        if self.is_numeric:
            points = np.interp(column, self.knots, self.values)
        else:
            points = self.values[np.where(missing, 0, column).astype(np.intp)]
        return np.where(missing, self.blank, points)


class Scorecard:
    """A linear score of coded columns, by look-up."""

    def __init__(self, points: Sequence[Points], bias: float) -> None:
        self.points, self.bias = list(points), bias
        self._rows = [_steps(one) for one in self.points]

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """(rows, columns) points."""
        columns = [one.of(matrix[:, place]) for place, one in enumerate(self.points)]
        return np.stack(columns, axis=1) if columns else np.zeros((len(matrix), 0))

    def margin(self, matrix: np.ndarray) -> np.ndarray:
        score = np.full(len(matrix), self.bias)
        for place, one in enumerate(self.points):
            score += one.of(matrix[:, place])
        return score

    def one(self, row: Sequence[float]) -> tuple[float, list[float]]:
        """Score and contributions of a single row of numbers: microseconds, no arrays."""
        found = []
        for value, (knots, bases, slopes, blank) in zip(row, self._rows, strict=True):
            if value != value:  # NaN
                found.append(blank)
            elif knots is None:
                found.append(bases[int(value)])
            else:
                place = bisect_right(knots, value)
                found.append(bases[place] + slopes[place] * value)
        return self.bias + sum(found), found


@dataclass(frozen=True)
class Trees:
    """Many trees end to end, all (nodes,); `roots` (trees,). A leaf has `left` of LEAF.

    `value` is the score of a leaf, and the mean of its leaves by training rows elsewhere. A row
    goes left where its number is at most `threshold`; NaN goes where `blank_left` says.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    blank_left: np.ndarray
    value: np.ndarray

    @property
    def base(self) -> float:
        """The mean score of the rows that were learned from."""
        return float(self.value[self.roots].sum())

    @property
    def _are_small(self) -> bool:
        sizes = np.diff(np.append(self.roots, len(self.left)))
        asked, edges = self.feature[self.left != LEAF], self.threshold[self.left != LEAF]
        steps = [len(np.unique(edges[asked == column])) for column in np.unique(asked)]
        return bool((sizes < 2 * MASKS).all()) and max(steps, default=0) < BLANK

    def margin(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) sums of the leaves."""
        score = np.zeros(len(matrix))
        if self._are_small:
            for part, leaf, _, values in self._by_masks(matrix):
                score[part] += values[leaf]
        else:
            for root in self.roots:
                score += self._walk(matrix, int(root), np.zeros((0, 0)))
        return score

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """(rows, columns) what each column changed; with `base` they add up to the margin."""
        told = np.zeros((matrix.shape[1], len(matrix)))
        if self._are_small:
            for part, leaf, shares, _ in self._by_masks(matrix, explain=True):
                for column, share in shares.items():
                    told[column, part] += share[leaf]
            return told.T
        flat = np.zeros(matrix.shape)
        for root in self.roots:
            self._walk(matrix, int(root), flat)
        return flat

    def one(self, row: Sequence[float], told: list[float]) -> float:
        """The margin of a single row; what each column changed is added to `told`."""
        score = 0.0
        for root in self.roots.tolist():
            node = root
            while (left := int(self.left[node])) != LEAF:
                column = int(self.feature[node])
                number = row[column]
                blank = bool(self.blank_left[node])
                goes_left = blank if number != number else number <= self.threshold[node]
                child = left if goes_left else int(self.right[node])
                told[column] += float(self.value[child] - self.value[node])
                node = child
            score += float(self.value[node])
        return score

    def scaled(self, factor: float) -> "Trees":
        return Trees(
            self.roots,
            self.feature,
            self.threshold,
            self.left,
            self.right,
            self.blank_left,
            self.value * factor,
        )

    def _walk(self, matrix: np.ndarray, root: int, told: np.ndarray) -> np.ndarray:
        """(rows,) the leaf's value; each step's change is added to `told` where it has room."""
        rows = np.arange(len(matrix))
        node = np.full(len(matrix), root)
        while True:
            rows = rows[self.left[node[rows]] != LEAF]
            if not len(rows):
                return self.value[node]
            at = node[rows]
            asked = self.feature[at]
            number = matrix[rows, asked]
            below = np.where(np.isnan(number), self.blank_left[at], number <= self.threshold[at])
            node[rows] = np.where(below, self.left[at], self.right[at])
            if told.size:
                told[rows, asked] += self.value[node[rows]] - self.value[at]

    def _by_masks(
        self, matrix: np.ndarray, *, explain: bool = False
    ) -> Iterator[tuple[slice, np.ndarray, dict[int, np.ndarray], np.ndarray]]:
        """Small trees without walking (Lucchese and others 2015, "QuickScorer").

        Every number is first replaced by the step it lies on, a byte. A step then says at once
        which leaves of a tree are still possible: a byte with a bit for each leaf. What is left
        when all columns have spoken begins with the leaf of the row. Yields, for some rows at a
        time and each tree, those bytes, and by byte what each column changed and the leaf's value.
        """
        edges = self._edges()
        ends = [*self.roots.tolist(), len(self.left)][1:]
        ready = []
        for root, end in zip(self.roots.tolist(), ends, strict=True):
            leaves = _Leaves(self, root)
            tables = self._tables(root, end, leaves, edges).items()
            shares = leaves.shares() if explain else {}
            said = [(column, table.tobytes()) for column, table in tables]
            ready.append((said, shares, leaves.values()))
        for start in range(0, len(matrix), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            steps = _steps_between(edges, matrix[part])
            for tables_of, shares, values in ready:
                left_over = np.full(len(matrix[part]), 0xFF, dtype=np.uint8)
                for column, table in tables_of:
                    left_over &= np.frombuffer(steps[column].translate(table), dtype=np.uint8)
                yield part, left_over, shares, values

    def _edges(self) -> dict[int, np.ndarray]:
        """Per asked column the thresholds that its steps lie between."""
        asked = self.left != LEAF
        return {
            int(column): np.unique(self.threshold[asked & (self.feature == column)])
            for column in np.unique(self.feature[asked])
        }

    def _tables(
        self, root: int, end: int, leaves: "_Leaves", edges: dict[int, np.ndarray]
    ) -> dict[int, np.ndarray]:
        """Per asked column (256,) which leaves each step leaves open."""
        tables: dict[int, np.ndarray] = {}
        for node in range(root, end):
            if self.left[node] == LEAF:
                continue
            column = int(self.feature[node])
            open_right = np.uint8(0xFF ^ leaves.bits[int(self.left[node])])
            open_left = np.uint8(0xFF ^ leaves.bits[int(self.right[node])])
            table = tables.setdefault(column, np.full(256, 0xFF, dtype=np.uint8))
            above = int(np.searchsorted(edges[column], self.threshold[node])) + 1
            table[:above] &= open_left
            table[above:BLANK] &= open_right
            table[BLANK] &= open_left if self.blank_left[node] else open_right
        return tables


def _steps_between(edges: Mapping[int, np.ndarray], matrix: np.ndarray) -> dict[int, bytes]:
    """Per asked column a byte for each row: the step its number lies on."""
    steps = {}
    for column, cuts in edges.items():
        numbers = np.ascontiguousarray(matrix[:, column])
        step = np.searchsorted(cuts, numbers, side="left").astype(np.uint8)
        step[np.isnan(numbers)] = BLANK
        steps[column] = step.tobytes()
    return steps


class _Leaves:
    """The leaves of one small tree from left to right: bits under each node, value, shares."""

    def __init__(self, trees: Trees, root: int) -> None:
        self.bits: dict[int, int] = {}
        self._values: list[float] = []
        self._shares: list[dict[int, float]] = []
        self._visit(trees, root, {})

    def values(self) -> np.ndarray:
        """(256,) the value of the leaf that each byte begins with."""
        return np.array([self._values[leaf] for leaf in self._first()])

    def shares(self) -> dict[int, np.ndarray]:
        """Per column (256,) what it changed on the way to that leaf."""
        columns = {column for share in self._shares for column in share}
        first = self._first()
        return {
            column: np.array([self._shares[leaf].get(column, 0.0) for leaf in first])
            for column in columns
        }

    def _first(self) -> list[int]:
        lowest = ((mask & -mask).bit_length() - 1 for mask in range(256))
        return [min(max(leaf, 0), len(self._values) - 1) for leaf in lowest]

    def _visit(self, trees: Trees, node: int, share: dict[int, float]) -> int:
        if trees.left[node] == LEAF:
            bit = 1 << len(self._values)
            self._values.append(float(trees.value[node]))
            self._shares.append(share)
        else:
            bit, column = 0, int(trees.feature[node])
            for child in (int(trees.left[node]), int(trees.right[node])):
                change = float(trees.value[child] - trees.value[node])
                bit |= self._visit(trees, child, share | {column: share.get(column, 0.0) + change})
        self.bits[node] = bit
        return bit


NO_TREES = Trees(*(np.zeros(0, dtype=kind) for kind in ("i8", "i8", "f8", "i8", "i8", "?", "f8")))


class Compiled:
    """A scorecard and trees together: one margin (log-odds), one contribution a column."""

    def __init__(self, card: Scorecard, trees: Trees = NO_TREES) -> None:
        self.card, self.trees = card, trees

    @property
    def base(self) -> float:
        """The margin before any column is looked at."""
        return self.card.bias + self.trees.base

    def margin(self, matrix: np.ndarray) -> np.ndarray:
        """(rows,) log-odds."""
        return self.card.margin(matrix) + self.trees.margin(matrix)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """(rows, columns); with `base` they add up to the margin."""
        return self.card.contributions(matrix) + self.trees.contributions(matrix)

    def one(self, row: Sequence[float]) -> tuple[float, list[float]]:
        """Margin and contributions of a single row."""
        score, told = self.card.one(row)
        if len(self.trees.roots):
            score += self.trees.one(row, told)
        return score, told

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, for an artifact."""
        points = self.card.points
        lengths = [len(one.values) for one in points]
        knots = [one.knots if one.is_numeric else np.zeros(len(one.values)) for one in points]
        found = {
            "card_bias": np.array(self.card.bias),
            "card_lengths": np.array(lengths, dtype=np.int64),
            "card_knots": np.concatenate([*knots, np.zeros(0)]),
            "card_values": np.concatenate([*(one.values for one in points), np.zeros(0)]),
            "card_blank": np.array([one.blank for one in points], dtype=float),
            "card_numeric": np.array([one.is_numeric for one in points], dtype=bool),
        }
        return found | {f"tree_{name}": array for name, array in vars(self.trees).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Back from `arrays`."""
        ends = np.cumsum(arrays["card_lengths"])
        knots = np.split(arrays["card_knots"], ends)
        values = np.split(arrays["card_values"], ends)
        numeric = arrays["card_numeric"].tolist()
        points = [
            Points(knots[place] if is_numeric else np.zeros(0), values[place], blank, is_numeric)
            for place, (blank, is_numeric) in enumerate(
                zip(arrays["card_blank"].tolist(), numeric, strict=True)
            )
        ]
        trees = Trees(**{name: arrays[f"tree_{name}"] for name in vars(NO_TREES)})
        return cls(Scorecard(points, float(arrays["card_bias"])), trees)


def joined(parts: Sequence[tuple[float, Compiled]]) -> Compiled:
    """The weighted sum of several over the same columns, as one."""
    cards = [(weight, part.card) for weight, part in parts]
    points = [
        _blended([(weight, card.points[place]) for weight, card in cards])
        for place in range(len(cards[0][1].points))
    ]
    bias = sum(weight * card.bias for weight, card in cards)
    grown = [part.trees.scaled(weight) for weight, part in parts if len(part.trees.roots)]
    return Compiled(Scorecard(points, bias), joined_trees(grown))


def _blended(parts: Sequence[tuple[float, Points]]) -> Points:
    first = parts[0][1]
    knots = np.unique(np.concatenate([one.knots for _, one in parts]))
    values = np.zeros(len(knots) if first.is_numeric else len(first.values))
    for weight, one in parts:
        values += weight * (
            np.interp(knots, one.knots, one.values) if one.is_numeric else one.values
        )
    blank = sum(weight * one.blank for weight, one in parts)
    return Points(knots, values, blank, first.is_numeric)


def joined_trees(parts: Sequence[Trees]) -> Trees:
    """All of them as one."""
    if not parts:
        return NO_TREES
    starts = np.cumsum([0, *(len(part.left) for part in parts[:-1])])
    moved = [
        Trees(
            part.roots + start,
            part.feature,
            part.threshold,
            np.where(part.left == LEAF, LEAF, part.left + start),
            np.where(part.left == LEAF, LEAF, part.right + start),
            part.blank_left,
            part.value,
        )
        for part, start in zip(parts, starts, strict=True)
    ]
    names = vars(NO_TREES)
    return Trees(**{name: np.concatenate([getattr(m, name) for m in moved]) for name in names})


def _steps(
    points: Points,
) -> tuple[list[float] | None, list[float], list[float], float]:
    """Points as lists, for a single row: knots, and base and slope between them."""
    if not points.is_numeric:
        return None, points.values.tolist(), [], points.blank
    knots, values = points.knots, points.values
    slopes = np.diff(values) / np.diff(knots)
    bases = values[:-1] - slopes * knots[:-1]
    flat = np.concatenate([values[:1], bases, values[-1:]])
    return knots.tolist(), flat.tolist(), [0.0, *slopes.tolist(), 0.0], points.blank
