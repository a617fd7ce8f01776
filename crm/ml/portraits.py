"""Names and descriptions of groups, in both languages, by what sets them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

APART = 0.2  # deviations from everybody, from which a feature is worth a word
SAID = 3  # features in a description
FEW = 0.0995  # a share below this is said with a decimal


@dataclass(frozen=True)
class Words:
    """How to say that a feature is high or low, in both languages."""

    high_en: str
    low_en: str
    high_zh: str
    low_zh: str


@dataclass(frozen=True)
class Portrait:
    """What sets a cluster apart, in both languages."""

    name_en: str
    name_zh: str
    description_en: str
    description_zh: str


@dataclass(frozen=True)
class _Trait:
    english: str
    chinese: str
    apart: float


def portraits(
    points: np.ndarray, labels: np.ndarray, names: Sequence[str], words: Mapping[str, Words]
) -> dict[int, Portrait]:
    """Name every label by the features in which its customers are furthest from all customers.

    points: (customers, features) standardised; names: of the features, with words for some.
    Groups that two features do not tell apart are named by a third; a number is the last resort.
    """
    overall, spread = points.mean(axis=0), points.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    traits: dict[int, list[_Trait]] = {}
    shares: dict[int, float] = {}
    for label in np.unique(labels).tolist():
        mine = labels == label
        apart = (points[mine].mean(axis=0) - overall) / spread
        order = np.argsort(-np.abs(apart), kind="stable")
        traits[label] = [
            _trait(names[i], float(apart[i]), words) for i in order if abs(apart[i]) >= APART
        ]
        shares[label] = float(mine.mean())
    named = _named({label: found for label, found in traits.items() if label >= 0})
    return {
        label: _portrait(named.get(label), found, shares[label]) for label, found in traits.items()
    }


def _trait(name: str, apart: float, words: Mapping[str, Words]) -> _Trait:
    known = words.get(name) or _plain_words(name)
    if apart > 0:
        return _Trait(known.high_en, known.high_zh, apart)
    return _Trait(known.low_en, known.low_zh, apart)


def _plain_words(name: str) -> Words:
    """Words for a column nobody gave any: `order_value`, or `country=France` of a category."""
    column, is_category, value = name.replace("_", " ").partition("=")
    if is_category and value:
        return Words(
            f"{column} {value}", f"not {column} {value}", f"{column}为{value}", f"{column}非{value}"
        )
    return Words(f"high {column}", f"low {column}", f"{column}高", f"{column}低")


def _named(traits: Mapping[int, list[_Trait]]) -> dict[int, tuple[str, str]]:
    """A name of two features for each, of as many more as it takes to tell it from the others."""
    said = dict.fromkeys(traits, 2)
    most = max((len(found) for found in traits.values()), default=0)
    for _ in range(most):
        names = {label: _words(found[: said[label]]) for label, found in traits.items()}
        taken = list(names.values())
        alike = [label for label, name in names.items() if taken.count(name) > 1]
        if not any(len(traits[label]) > said[label] for label in alike):
            break
        for label in alike:
            said[label] += 1
    return _numbered({label: _words(found[: said[label]]) for label, found in traits.items()})


def _words(traits: Sequence[_Trait]) -> tuple[str, str]:
    if not traits:
        return "Average", "普通"
    english = ", ".join(trait.english for trait in traits)
    return english[:1].upper() + english[1:], "、".join(trait.chinese for trait in traits)


def _numbered(names: Mapping[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
    taken: dict[tuple[str, str], int] = {}
    different = {}
    for label, (english, chinese) in names.items():
        number = taken[english, chinese] = taken.get((english, chinese), 0) + 1
        different[label] = (
            (english, chinese) if number == 1 else (f"{english} {number}", f"{chinese}{number}")
        )
    return different


def _portrait(name: tuple[str, str] | None, traits: list[_Trait], share: float) -> Portrait:
    percent = f"{100 * share:.{1 if share < FEW else 0}f} %"
    of_all_en, of_all_zh = f"{percent} of all", f"占 {percent}"
    if name is None:
        return Portrait("Unlike any group", "不属于任何群体", f"{of_all_en}.", f"{of_all_zh}。")
    if not traits:
        return Portrait(*name, f"{of_all_en}.", f"{of_all_zh}。")
    said = traits[:SAID]
    # The word says which way; the number only how far.
    english = ", ".join(f"{one.english} ({abs(one.apart):.1f})" for one in said)
    chinese = "、".join(f"{one.chinese}（{abs(one.apart):.1f}）" for one in said)
    return Portrait(
        *name,
        f"{of_all_en}: {english}; in standard deviations from the average customer.",
        f"{of_all_zh}：{chinese}；括号内为偏离平均客户的标准差数。",
    )
