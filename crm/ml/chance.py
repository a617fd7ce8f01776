"""What shuffled baskets would hold: the chance of a rule when only sizes and sales are at work.

Large baskets hold every item more often, so two items meet in them without meaning anything by
it. The null model keeps how many items every basket has and in how many baskets every item is
(the bipartite configuration model, Saracco et al. 2015): item i is in a basket of size s with
the odds x(s) y(i). Given that the antecedent is in a basket, the rest of it has that many items
fewer to be the consequent. The count of both is then a sum of unequal chances, whose upper tail
is at most the binomial one of the same mean (Hoeffding 1956): chances here err to the safe side.
"""

import numpy as np

ROUNDS = 200
CLOSE = 1e-6
NEWTON = 2  # steps a round


class Shuffled:
    """The null model of baskets of these sizes with items sold this often.

    sizes: (sizes,) ascending; baskets: (sizes,) how many of each; items: (items,) their counts.
    """

    def __init__(self, *, sizes: np.ndarray, baskets: np.ndarray, items: np.ndarray) -> None:
        self.sizes = sizes
        self.odds = _item_odds(sizes.astype(float), baskets.astype(float), items.astype(float))
        self.room = _size_odds(np.arange(int(sizes.max()) + 1), self.odds)

    def chances(
        self,
        *,
        antecedents: np.ndarray,
        by_size: np.ndarray,
        of_rule: np.ndarray,
        consequents: np.ndarray,
        both: np.ndarray,
    ) -> np.ndarray:
        """(rules,) upper bounds of the chance of `both` or more in shuffled baskets.

        antecedents: (sets, k) numbers of items; by_size: (sets, sizes) their baskets;
        of_rule: (rules,) the set of every rule; consequents and both: (rules,).
        """
        from scipy.special import bdtrc

        if not len(both):
            return np.zeros(0)
        room = self._room_beside(antecedents)
        odds = room[of_rule] * self.odds[consequents, None]
        expected = (by_size[of_rule] * (odds / (1.0 + odds))).sum(axis=1)
        trials = by_size.sum(axis=1)[of_rule]
        share = np.clip(expected / trials, 1e-300, 1.0)
        return np.asarray(bdtrc(both - 1, trials, share))

    def _room_beside(self, antecedents: np.ndarray) -> np.ndarray:
        """(sets, sizes) odds of a basket that holds the set: fewer items to come, out of fewer.

        One Newton step from the odds of a basket of the rest's size; the sum of the chances
        bends upwards there, so that the step errs to the larger side.
        """
        left = np.maximum(self.sizes - antecedents.shape[1], 0)
        base = self.room[left]
        mass = np.zeros((len(antecedents), len(left)))
        bend = np.zeros_like(mass)
        for column in antecedents.T:
            odds = base * self.odds[column, None]
            share = odds / (1.0 + odds)
            mass += share
            bend += share * (1.0 - share)
        all_odds = base[:, None] * self.odds
        whole = (all_odds / (1.0 + all_odds) ** 2).sum(axis=1)
        step = mass / np.maximum(whole - bend, 1e-12)
        return np.asarray(base * np.exp(np.minimum(step, 50.0)))


def holm(p_values: np.ndarray, *, looked_at: int) -> np.ndarray:
    """(rules,) p-values corrected for all that were looked at, found or not (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    left = np.maximum(looked_at - np.arange(len(order)), 1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * left), 1.0)
    return corrected


def _item_odds(sizes: np.ndarray, baskets: np.ndarray, items: np.ndarray) -> np.ndarray:
    """(items,) y: in turn the odds that give the sizes, and those that give the sales.

    What is in every basket is taken to be in all but half a basket, or its odds had no end.
    """
    sizes, baskets = sizes[sizes > 0], baskets[sizes > 0]
    sizes = np.minimum(sizes, len(items) - 0.5)
    items = np.minimum(items, baskets.sum() - 0.5)
    x, y = np.zeros(len(sizes)), np.log(items / items.sum())
    for _ in range(ROUNDS):
        before = y
        x = _solved(sizes, x, y, np.ones(len(items)))
        y = _solved(items, y, x, baskets)
        if np.abs(y - before).max(initial=0.0) < CLOSE:
            break
    return np.asarray(np.exp(y))


def _size_odds(sizes: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """(sizes,) x: the odds that make a basket hold so many items. None for nothing."""
    wanted = np.clip(sizes, 1e-9, max(len(odds) - 0.5, 0.5)).astype(float)
    start = np.log(wanted / odds.sum())
    for _ in range(ROUNDS):
        before = start
        start = _solved(wanted, start, np.log(odds), np.ones(len(odds)))
        if np.abs(start - before).max(initial=0.0) < CLOSE:
            break
    return np.where(sizes > 0, np.exp(start), 0.0)


def _solved(
    wanted: np.ndarray, start: np.ndarray, others: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """(wanted,) nearer to the logarithms z with sum(weights * logistic(z + others)) = wanted."""
    from scipy.special import expit

    z = start
    for _ in range(NEWTON):
        share = expit(z[:, None] + others)
        slope = np.maximum((share * (1.0 - share)) @ weights, 1e-12)
        z = z + np.clip((wanted - share @ weights) / slope, -1.0, 1.0)
    return z
