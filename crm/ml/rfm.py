"""Recency, frequency, monetary value: how customers buy, without any training.

Scores are quintiles: 1 to 5, 5 best, by the cut points of the customers themselves. Equal values
always get equal scores, so a score does not depend on the order of the rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Label:
    """One of the eleven usual labels, in both languages."""

    slug: str
    name_en: str
    name_zh: str
    description_en: str
    description_zh: str


LABELS = (
    Label(
        "champions",
        "Champions",
        "冠军客户",
        "Bought lately, often and for much.",
        "最近购买、频繁且金额高。",
    ),
    Label("loyal", "Loyal", "忠诚客户", "Buy regularly and for good sums.", "经常购买，金额可观。"),
    Label(
        "potential_loyalist",
        "Potential loyalists",
        "潜在忠诚客户",
        "Bought lately, more than once.",
        "最近购买，不止一次。",
    ),
    Label("new", "New", "新客户", "Bought for the first time, very lately.", "刚刚首次购买。"),
    Label(
        "promising",
        "Promising",
        "有希望客户",
        "Bought lately, little so far.",
        "最近购买，金额还不高。",
    ),
    Label(
        "need_attention",
        "Need attention",
        "需要关注",
        "Average buyers who begin to stay away.",
        "中等买家，开始疏远。",
    ),
    Label(
        "about_to_sleep",
        "About to sleep",
        "即将沉睡",
        "Bought little and some time ago.",
        "购买不多，且有一段时间了。",
    ),
    Label(
        "at_risk",
        "At risk",
        "流失风险",
        "Bought often or much, but long ago.",
        "曾经常购买，但已很久没来。",
    ),
    Label(
        "cant_lose",
        "Can't lose",
        "不能失去",
        "Among the best once, gone for very long.",
        "曾是最好的客户，很久没来。",
    ),
    Label(
        "hibernating", "Hibernating", "休眠客户", "Few purchases, long ago.", "购买少，且很久以前。"
    ),
    Label("lost", "Lost", "已流失", "Bought least and longest ago.", "购买最少、最久没来。"),
)
SLUGS = tuple(label.slug for label in LABELS)
_GRID = (  # by recency score (rows, 1 first), then by the mean of frequency and monetary scores
    ("lost", "hibernating", "at_risk", "cant_lose", "cant_lose"),
    ("hibernating", "about_to_sleep", "at_risk", "at_risk", "at_risk"),
    ("about_to_sleep", "need_attention", "need_attention", "loyal", "loyal"),
    ("promising", "potential_loyalist", "loyal", "loyal", "champions"),
    ("new", "potential_loyalist", "potential_loyalist", "champions", "champions"),
)
_NUMBERS = np.array([[SLUGS.index(slug) for slug in row] for row in _GRID])


CALENDAR = 800_000_000  # bytes that a calendar of all customers may take
PART = 4_000_000  # orders looked at together: what is made of them on the way is small


@dataclass(frozen=True)
class Values:
    """Per customer, all (customers,): days since the last purchase, purchase days, money."""

    recency: np.ndarray
    frequency: np.ndarray
    monetary: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Per customer, all (customers,): quintiles r, f, m; their mean; number in LABELS."""

    r: np.ndarray
    f: np.ndarray
    m: np.ndarray
    score: np.ndarray
    label: np.ndarray


def values(
    customers: np.ndarray, days: np.ndarray, amounts: np.ndarray, *, today: int, count: int
) -> Values:
    """Fold orders, all (orders,), into values of customers numbered from 0 to count - 1.

    days: whole days of the orders, none after today; amounts: a refund is negative: it takes
    money away, and is no purchase. Who has no purchase has frequency 0 and recency -1.
    """
    money = np.zeros(count)
    longest = 0
    for part in _parts(len(customers)):
        money += np.bincount(customers[part], weights=amounts[part], minlength=count)
        longest = max(longest, int((today - days[part][amounts[part] >= 0]).max(initial=0)))
    span = longest // 8 * 8 + 8
    count_days = _by_calendar if count * span <= CALENDAR else _by_sorting
    frequency, recency = count_days(customers, days, amounts, today, (count, span))
    return Values(recency, frequency, money)


def _parts(orders: int) -> Iterator[slice]:
    for start in range(0, orders, PART):
        yield slice(start, min(start + PART, orders))


def _by_calendar(
    customers: np.ndarray, days: np.ndarray, amounts: np.ndarray, today: int, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Purchase days and days since the last of them: one byte for every customer and day.

    Nothing is sorted, so that this is the quickest where the calendar fits into memory.
    """
    calendar = np.zeros(shape, dtype=bool)
    for part in _parts(len(customers)):
        bought = amounts[part] >= 0
        who, ago = customers[part][bought], today - days[part][bought]
        calendar.reshape(-1)[who * shape[1] + ago] = True
    marked = np.bitwise_count(calendar.view(np.uint64)).sum(axis=1, dtype=np.int64)
    return marked, np.where(marked > 0, calendar.argmax(axis=1), -1)


def _by_sorting(
    customers: np.ndarray, days: np.ndarray, amounts: np.ndarray, today: int, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The same from the sorted pairs of customer and day."""
    count, span = shape
    bought = amounts >= 0
    pairs = customers[bought].astype(np.int64)
    pairs *= span
    pairs += today
    pairs -= days[bought]
    pairs.sort()
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    buyers, firsts = np.unique(pairs // span, return_index=True)
    recency = np.full(count, -1, dtype=np.int64)
    recency[buyers] = pairs[firsts] % span
    return np.bincount(pairs // span, minlength=count), recency


def score(table: Values) -> Scores:
    """Quintiles, their mean and the label of every customer."""
    return of_quintiles(
        quintiles(-table.recency), quintiles(table.frequency), quintiles(table.monetary)
    )


def of_quintiles(r: np.ndarray, f: np.ndarray, m: np.ndarray) -> Scores:
    """The mean and the label that follow from the three quintiles."""
    worth = (f + m + 1) // 2  # halves round up
    return Scores(r, f, m, np.round((r + f + m) / 3.0, 2), _NUMBERS[r - 1, worth - 1])


def quintiles(column: np.ndarray) -> np.ndarray:
    """(customers,) 1 to 5; higher is more. Equal values share a score: the lowest of theirs."""
    if not len(column):
        return np.zeros(0, dtype=int)
    ranks = list(cuts(len(column)))
    scores: np.ndarray = 1 + np.searchsorted(
        np.partition(column, ranks)[ranks], column, side="left"
    )
    return scores


def cuts(count: int) -> tuple[int, int, int, int]:
    """Ranks, from 0, of the four values that must be exceeded for a score of 2, 3, 4 and 5.

    Where a quantile lies between two values nothing lies between it and the lower of them, so
    that no value needs to be made up: whoever keeps the values sorted just looks there.
    """
    one, two, three, four = (fifth * (count - 1) // 5 for fifth in (1, 2, 3, 4))
    return one, two, three, four
