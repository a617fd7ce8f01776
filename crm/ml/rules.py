"""Association rules by Eclat (Zaki 2000): baskets as bit sets, exact counts, honest chances.

The baskets of an item are bits; how many hold a set of items is the number of bits that all of
them share. Sets grow from their prefixes, many at once, so that numpy does the work.

Whether a rule says anything is judged against baskets shuffled with their sizes and the sales of
every item kept (crm/ml/chance.py), corrected by Holm for every rule that could have been found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crm.ml import chance

Items = tuple[str, ...]
PAIRS_BYTES = 4 << 20  # of bits joined at a time: what a processor's cache can hold
TOLERANCE = 1e-9  # counts and shares at the very threshold are in, whatever floats make of them
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Rule:
    """Who has all of `antecedent` has `consequent`, too: support of both together, and so on.

    p_value: the chance of as many together in shuffled baskets, at most. `significant`: still
    rare after the correction for all the rules looked at.
    """

    antecedent: Items
    consequent: Items
    support: float
    confidence: float
    lift: float
    conviction: float  # infinite where the rule never fails
    p_value: float
    significant: bool


@dataclass(frozen=True)
class Level:
    """All frequent sets of one size: items (sets, size) by number, ascending; counts (sets,)."""

    items: np.ndarray
    counts: np.ndarray
    bits: np.ndarray  # (sets, words): the baskets that hold them


class Baskets:
    """Baskets as bits, ordered by their size: every size has words of its own."""

    def __init__(self, baskets: Sequence[Sequence[str]]) -> None:
        held = [set(basket) for basket in baskets]
        sizes = np.array([len(basket) for basket in held], dtype=np.int64)
        self.total = len(held)
        self.names = sorted(set().union(*held))
        number = {name: place for place, name in enumerate(self.names)}
        flat = np.fromiter((number[i] for b in held for i in b), np.int64, int(sizes.sum()))
        self.counts = np.bincount(flat, minlength=len(self.names))
        self.sizes, self.size_counts = np.unique(sizes, return_counts=True)
        words = (self.size_counts + 63) // 64
        self.words = int(words.sum())
        self.starts = np.cumsum(words) - words  # first word of every size
        places = np.repeat(self._places(sizes), sizes)[np.argsort(flat, kind="stable")]
        self._held_at = np.split(places, np.cumsum(self.counts)[:-1])

    def _places(self, sizes: np.ndarray) -> np.ndarray:
        """(baskets,) the bit of every basket."""
        first = np.repeat(self.starts * 64, self.size_counts)
        before = np.repeat(np.cumsum(self.size_counts) - self.size_counts, self.size_counts)
        places = np.empty(self.total, dtype=np.int64)
        places[np.argsort(sizes, kind="stable")] = first + np.arange(self.total) - before
        return places

    def bits(self, items: np.ndarray) -> np.ndarray:
        """(items, words) the baskets that hold each of these items."""
        found = np.zeros((len(items), self.words), dtype=np.uint64)
        for row, item in enumerate(items.tolist()):
            holds = np.zeros(self.words * 64, dtype=bool)
            holds[self._held_at[item]] = True
            found[row] = np.packbits(holds).view(np.uint64)
        return found

    def by_size(self, bits: np.ndarray) -> np.ndarray:
        """(sets, sizes) in how many baskets of every size the sets are."""
        return np.asarray(np.add.reduceat(np.bitwise_count(bits), self.starts, axis=1, dtype=int))


def frequent(baskets: Sequence[Sequence[str]], *, min_support: float) -> dict[Items, int]:
    """Every set of items (sorted) in at least this share of the baskets, with its count."""
    held = Baskets(baskets)
    return {
        tuple(held.names[item] for item in items): count
        for level in _levels(held, min_support)
        for items, count in zip(level.items.tolist(), level.counts.tolist(), strict=True)
    }


def rules(
    baskets: Sequence[Sequence[str]],
    *,
    min_support: float,
    min_confidence: float,
    longest: int | None = None,
) -> list[Rule]:
    """Rules with one item on the right, best lift first; all of them, significant or not.

    longest: items in a rule, both sides; any number if None.
    """
    held = Baskets(baskets)
    levels = _levels(held, min_support, longest)
    if len(levels) < 2:
        return []
    shuffled = chance.Shuffled(sizes=held.sizes, baskets=held.size_counts, items=held.counts)
    singles = len(levels[0].items)
    looked_at = sum(len(one.items) * (singles - one.items.shape[1]) for one in levels)
    parts = [
        _of_level(held, below, level, min_confidence, shuffled)
        for below, level in zip(levels, levels[1:], strict=False)
    ]
    p_values = np.concatenate([part.p_values for part in parts])
    significant = chance.holm(p_values, looked_at=looked_at) <= SIGNIFICANT
    found = [
        rule
        for part, flags in zip(parts, _split(significant, parts), strict=True)
        for rule in part.rules(held, flags)
    ]
    return sorted(found, key=lambda rule: (-rule.lift, rule.antecedent, rule.consequent))


@dataclass(frozen=True)
class _Part:
    """The rules of the sets of one size, as columns."""

    antecedents: np.ndarray  # (rules, size - 1)
    consequents: np.ndarray
    both: np.ndarray
    counts: np.ndarray  # of the antecedent
    p_values: np.ndarray

    def rules(self, held: Baskets, significant: np.ndarray) -> Iterator[Rule]:
        confidence = self.both / self.counts
        share = held.counts[self.consequents] / held.total
        fails = 1.0 - confidence
        never = np.full(len(fails), np.inf)
        conviction = np.divide(1.0 - share, fails, out=never, where=fails > 0)
        columns = (
            self.both / held.total, confidence, confidence / share, conviction, self.p_values,
        )  # fmt: skip
        numbers = (column.tolist() for column in (*columns, significant))
        for left, right, *row in zip(
            self.antecedents.tolist(), self.consequents.tolist(), *numbers, strict=True
        ):
            names = tuple(held.names[item] for item in left)
            yield Rule(names, (held.names[right],), *row)


def _levels(held: Baskets, min_support: float, longest: int | None = None) -> list[Level]:
    """The frequent sets by size; at most PAIRS_BYTES of bits are joined at a time."""
    least = max(min_support * held.total - TOLERANCE, 1.0)
    singles = np.flatnonzero(held.counts >= least)
    if not len(singles):
        return []
    first = Level(singles[:, None], held.counts[singles], held.bits(singles))
    found = _Growth(least, longest or len(held.names))
    found.grow(first, np.full(len(singles), len(singles)))
    return [_joined(parts) for parts in found.levels]


class _Growth:
    """Sets grown from their prefixes, level by level, and run by run where memory asks for it."""

    def __init__(self, least: float, longest: int) -> None:
        self.least = least
        self.longest = longest
        self.levels: list[list[Level]] = []

    def grow(self, level: Level, ends: np.ndarray) -> None:
        """Note these sets, then those that grow from them. ends: where each one's prefix ends."""
        size = level.items.shape[1]
        if size > len(self.levels):
            self.levels.append([])
        self.levels[size - 1].append(level)
        if size >= self.longest:
            return
        rows = np.arange(len(ends))
        partners = ends - rows - 1
        run = np.cumsum(partners) // max(1, PAIRS_BYTES // (8 * level.bits.shape[1]))
        for number in np.unique(run[partners > 0]).tolist():
            left = np.repeat(rows, np.where(run == number, partners, 0))
            right = left + 1 + np.arange(len(left)) - np.searchsorted(left, left)
            self._join(level, left, right)

    def _join(self, level: Level, left: np.ndarray, right: np.ndarray) -> None:
        bits = level.bits[left] & level.bits[right]
        counts = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
        kept = np.flatnonzero(counts >= self.least)
        if not len(kept):
            return
        left, right = left[kept], right[kept]
        items = np.hstack([level.items[left], level.items[right, -1:]])
        ends = np.searchsorted(left, left, side="right")
        self.grow(Level(items, counts[kept], bits[kept]), ends)


def _joined(parts: list[Level]) -> Level:
    if len(parts) == 1:
        return parts[0]
    columns = ("items", "counts", "bits")
    return Level(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


def _of_level(
    held: Baskets, below: Level, level: Level, min_confidence: float, shuffled: chance.Shuffled
) -> _Part:
    """The rules of the sets of one size: each item in turn on the right, if sure enough."""
    size = level.items.shape[1]
    keys = _keys(below.items, len(held.names))
    order = np.argsort(keys)
    whole = _keys(level.items, len(held.names))
    rows, sides, lefts = [], [], []
    for side in range(size):
        rest = whole - _keys(level.items[:, [side]], len(held.names))
        left = order[np.searchsorted(keys, rest, sorter=order)]
        sure = level.counts >= (min_confidence - TOLERANCE) * below.counts[left]
        rows.append(np.flatnonzero(sure))
        sides.append(np.full(int(sure.sum()), side))
        lefts.append(left[sure])
    row, column, left = (np.concatenate(part) for part in (rows, sides, lefts))
    used, of_rule = np.unique(left, return_inverse=True)
    consequents = level.items[row, column]
    p_values = shuffled.chances(
        antecedents=below.items[used],
        by_size=held.by_size(below.bits[used]),
        of_rule=of_rule,
        consequents=consequents,
        both=level.counts[row],
    )
    return _Part(below.items[left], consequents, level.counts[row], below.counts[left], p_values)


def _keys(items: np.ndarray, count: int) -> np.ndarray:
    """One number for every set, whatever the order of its items: the sum of theirs, mixed.

    Two sets of one level share it with a chance of about sets² / 2^65.
    """
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed[items].sum(axis=1, dtype=np.uint64))


def _split(column: np.ndarray, parts: list[_Part]) -> list[np.ndarray]:
    return np.split(column, np.cumsum([len(part.both) for part in parts])[:-1])
