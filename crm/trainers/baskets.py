"""Which products are bought together, judged on later baskets against what sells anyway."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from crm import artifacts, baskets, training
from crm.training import Evidence, Order, TooLittleData

if TYPE_CHECKING:
    from crm.ml.baskets import BasketRules

FEWEST = 200  # baskets with two products or more
LATER_SHARE = 0.25
JUDGED = 5_000  # later baskets
LIST = 5  # products suggested for a basket

Basket = tuple[int, ...]


def train_baskets(order: Order) -> dict[str, Any]:
    """Rules of the earlier baskets guess a product hidden from the later ones.

    Where no rule speaks, both the rules and their baseline suggest what sells most.
    """
    import numpy as np

    from crm.ml.baskets import BasketRules

    started = time.process_time()
    bought = baskets.until(order.as_of)
    if sum(len(basket) > 1 for basket in bought) < FEWEST:
        raise TooLittleData(f"fewer than {FEWEST} orders with two products or more")
    cut = int(len(bought) * (1 - LATER_SHARE))
    earlier, later = bought[:cut], [basket for basket in bought[cut:] if len(basket) > 1]
    guesses = _Guesses(earlier, later[-JUDGED:], seed=order.seed)
    candidate = BasketRules().fit(earlier)
    champion = artifacts.load_serving(BasketRules)
    final = BasketRules().fit(bought)
    evidence = Evidence(
        metric="hit_rate",
        metrics=guesses.judge(candidate) | {"rules": float(final.significant_.sum())},
        baseline=guesses.judge(None),
        champion=guesses.judge(_again(champion, earlier)) if champion else None,
        data_fingerprint=training.fingerprint(np.array([p for basket in bought for p in basket])),
        rows=len(bought),
        seconds=time.process_time() - started,
    )
    return training.conclude(final, evidence, order)


def _again(champion: "BasketRules", earlier: list[Basket]) -> "BasketRules":
    """The champion's settings on the earlier baskets: as it serves it has seen the later ones."""
    return type(champion)(**champion.state().settings).fit(earlier)


class _Guesses:
    """Later baskets with one product hidden from each."""

    def __init__(self, earlier: list[Basket], later: list[Basket], *, seed: int) -> None:
        import numpy as np

        rng = np.random.default_rng(seed)
        sold = Counter(product for basket in earlier for product in basket)
        places = [int(rng.integers(len(basket))) for basket in later]
        self.hidden = [basket[place] for basket, place in zip(later, places, strict=True)]
        self.seen = [
            basket[:place] + basket[place + 1 :]
            for basket, place in zip(later, places, strict=True)
        ]
        widest = max((len(basket) for basket in self.seen), default=0)
        self.popular = [product for product, _ in sold.most_common(LIST + widest)]

    def judge(self, rules: "BasketRules | None") -> dict[str, float]:
        from crm.ml.baskets import hit_rate

        rate, error = hit_rate([self._list(basket, rules) for basket in self.seen], self.hidden)
        return {"hit_rate": round(rate, 4), "error": round(error, 4)}

    def _list(self, basket: Basket, rules: "BasketRules | None") -> list[int]:
        rows = rules.suggest(basket, n=LIST) if rules else []
        said = [int(rules.right_[row]) for row in rows] if rules else []
        fill = [product for product in self.popular if product not in basket]
        return [*said, *(product for product in fill if product not in said)][:LIST]
