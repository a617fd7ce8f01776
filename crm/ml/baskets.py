"""What else goes into a basket: association rules as an estimator, kept as plain columns."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from crm.ml.estimator import State, restored
from crm.ml.rules import rules

COLUMNS = ("left", "right", "support", "confidence", "lift", "p_value", "significant")


class BasketRules:
    """Pairs of products: who takes the left one takes the right one, too.

    A rule needs `min_count` baskets and `min_support` of all of them, whichever is more.
    """

    name: ClassVar[str] = "baskets"
    format: ClassVar[int] = 1
    left_: np.ndarray  # (rules,) product
    right_: np.ndarray
    support_: np.ndarray
    confidence_: np.ndarray
    lift_: np.ndarray
    p_value_: np.ndarray
    significant_: np.ndarray
    baskets_: np.ndarray  # () how many they were learned from

    def __init__(
        self, *, min_count: int = 5, min_support: float = 0.001, min_confidence: float = 0.01
    ) -> None:
        self.min_count = min_count
        self.min_support = min_support
        self.min_confidence = min_confidence

    def fit(self, baskets: Sequence[Sequence[int]]) -> Self:
        """Learn from baskets of product ids; the strongest lift comes first."""
        support = max(self.min_support, self.min_count / max(len(baskets), 1))
        found = rules(
            [[str(product) for product in basket] for basket in baskets],
            min_support=support,
            min_confidence=self.min_confidence,
            longest=2,
        )
        self.baskets_ = np.array(len(baskets))
        self.left_ = np.array([rule.antecedent[0] for rule in found], dtype=np.int64)
        self.right_ = np.array([rule.consequent[0] for rule in found], dtype=np.int64)
        for name in COLUMNS[2:]:
            kind = bool if name == "significant" else float
            column = np.array([getattr(rule, name) for rule in found], dtype=kind)
            setattr(self, f"{name}_", column)
        return self

    def suggest(self, basket: Collection[int], *, n: int) -> list[int]:
        """The rows of the surest significant rules from this basket, one for a product.

        Nothing in the basket is suggested again.
        """
        rows = [row for product in basket for row in self._from.get(product, ())]
        rows.sort(key=lambda row: (-self.confidence_[row], -self.lift_[row], row))
        best: dict[int, int] = {}
        for row in rows:
            product = int(self.right_[row])
            if product not in basket:
                best.setdefault(product, row)
        return list(best.values())[:n]

    def strongest(self, n: int) -> list[int]:
        """The rows of significant rules, the better known pair of products first.

        By what the pair adds over chance (Piatetsky-Shapiro's leverage), the surer direction
        of it: lift alone would put the rarest products first.
        """
        chance = self.support_ / np.maximum(self.lift_, 1e-12)
        order = np.lexsort((-self.confidence_, -(self.support_ - chance).round(12)))
        pairs: dict[frozenset[int], int] = {}
        for row in order[self.significant_[order]].tolist():
            pairs.setdefault(frozenset((int(self.left_[row]), int(self.right_[row]))), row)
        return list(pairs.values())[:n]

    def state(self) -> State:
        arrays = {name: value for name, value in vars(self).items() if name.endswith("_")}
        settings = {
            "min_count": self.min_count,
            "min_support": self.min_support,
            "min_confidence": self.min_confidence,
        }
        return State(arrays, settings)

    @classmethod
    def from_state(cls, state: State) -> Self:
        return restored(cls, state)

    @cached_property
    def _from(self) -> dict[int, list[int]]:
        rows: dict[int, list[int]] = {}
        for row in np.flatnonzero(self.significant_).tolist():
            rows.setdefault(int(self.left_[row]), []).append(row)
        return rows


def hit_rate(suggested: Sequence[Sequence[int]], hidden: Sequence[int]) -> tuple[float, float]:
    """The share of lists that hold the hidden product, and its standard error."""
    hits = np.array([one in some for some, one in zip(suggested, hidden, strict=True)], float)
    if not len(hits):
        return 0.0, 0.0
    return float(hits.mean()), float(hits.std() / np.sqrt(len(hits)))
