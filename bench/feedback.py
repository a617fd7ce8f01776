"""What is learned from lists that were shown: positions, clicks as training, online tests.

Simulated shops whose truth is known. Figures:
positions: largest error over ten positions, of click-through, of expectation maximisation, of ours,
    in lists of a ranker that knows half of the tastes, and of one that knows them all;
passed_over: NDCG@10 on purchases of their own accord, of EASE taught clicks in several ways;
tests: how often two equals are told apart by mistake, and how soon two unequals are.

    python -m bench.feedback
"""

import json

import numpy as np
from scipy import sparse

from crm.ml.sequences import gain
from recommendations.ml.positions import Positions
from recommendations.ml.ranking import best_of_rows, ndcg

SEEN = 1.0 / np.log2(np.arange(2, 12)) ** 1.5
SEEDS = range(4)


class Shop:
    """Customers with tastes, lists ordered by what is known of them (of six), clicks, purchases."""

    def __init__(self, seed, *, knows=3, customers=1500, products=120, visits=5):
        rng = np.random.default_rng(seed)
        self.shape = customers, products
        tastes, kinds = rng.normal(size=(customers, 6)), 0.8 * rng.normal(size=(products, 6))
        sells = 0.7 * rng.normal(size=products)
        liked = 1.6 / np.sqrt(6) * tastes @ kinds.T + sells
        known = 1.6 / np.sqrt(6) * tastes[:, :knows] @ kinds[:, :knows].T + sells
        rows = np.repeat(np.arange(customers), visits)
        noisy = known[rows] + 1.2 * rng.normal(size=(len(rows), products))
        listed = np.argsort(-noisy, axis=1)[:, :10]
        appeal = 0.7 / (1 + np.exp(2 - liked[rows[:, None], listed]))
        self.clicked = (rng.random(listed.shape) < SEEN * appeal).ravel()
        self.positions = np.tile(np.arange(1, 11), len(listed))
        self.rows, self.listed = np.repeat(rows, 10), listed.ravel()
        chosen = np.argsort(-(liked + rng.gumbel(size=self.shape)), axis=1)[:, :8]
        self.bought, self.later = self._table(chosen[:, :3]), self._table(chosen[:, 3:])

    @property
    def pairs(self):
        return self.rows * self.shape[1] + self.listed

    def cells(self, weights, kept):
        where = (self.rows[kept], self.listed[kept])
        return sparse.csr_matrix((weights[kept], where), shape=self.shape)

    def _table(self, chosen):
        rows = np.repeat(np.arange(self.shape[0]), chosen.shape[1])
        return sparse.csr_matrix((np.ones(chosen.size), (rows, chosen.ravel())), shape=self.shape)


def maximised(positions, groups, clicked, *, rounds=300):
    """The position-based model by expectation maximisation (Wang et al. 2018)."""
    place, (_, group) = positions - 1, np.unique(groups, return_inverse=True)
    looked_at, appeal = np.full(10, 0.5), np.full(group.max() + 1, 0.3)
    for _ in range(rounds):
        a, b = looked_at[place], np.minimum(appeal[group], 1 - 1e-9)
        seen = np.where(clicked, 1.0, a * (1 - b) / (1 - a * b))
        liked = np.where(clicked, 1.0, b * (1 - a) / (1 - a * b))
        looked_at = np.bincount(place, seen) / np.bincount(place)
        appeal = np.bincount(group, liked) / np.bincount(group)
    return looked_at / looked_at[0]


def positions(shop):
    rate = np.bincount(shop.positions - 1, shop.clicked) / np.bincount(shop.positions - 1)
    found = {
        "click_through": rate / rate[0],
        "em_products": maximised(shop.positions, shop.listed, shop.clicked),
        "em_pairs": maximised(shop.positions, shop.pairs, shop.clicked),
        "ours": Positions().fit(shop.positions, shop.pairs, shop.clicked).looked_at_[:10],
    }
    return {name: float(np.abs(one - SEEN).max()) for name, one in found.items()}


def taught(shop):
    """NDCG@10 of EASE on what each way makes of clicks, beside the same purchases."""
    fitted = Positions().fit(shop.positions, shop.pairs, shop.clicked)
    looked_at, clicked = fitted.looked_at(shop.positions), shop.clicked
    weights = np.zeros(len(clicked))
    weights[clicked] = fitted.weights(shop.positions[clicked])
    counted = shop.cells(np.ones(len(clicked)), clicked)
    weighted, passed = shop.cells(weights, clicked), shop.cells(looked_at, ~clicked)
    ways = {
        "purchases_only": shop.bought,
        "presence": ((shop.bought + counted) > 0).astype(float),
        "clicks_counted": shop.bought + 0.5 * counted,
        "clicks_weighted": shop.bought + 0.5 * weighted,
        "passed_over_.02": shop.bought + 0.5 * weighted - 0.02 * passed,
        "passed_over_.1": shop.bought + 0.5 * weighted - 0.1 * passed,
    }
    return {name: _quality(shop, sparse.csr_matrix(one)) for name, one in ways.items()}


def _quality(shop, table):
    gram = (table.T @ table).toarray()
    gram[np.diag_indices(len(gram))] += 60 + 0.4 * np.diag(gram)
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    ranked = best_of_rows(np.asarray(table @ weights), n=10, seen=shop.bought)
    return float(ndcg(ranked, shop.later).mean())


def online_tests(*, runs=1_000, people=2_000, seed=0):
    """Looked at after every person: how often equals get a winner, how many people others take."""
    rng = np.random.default_rng(seed)
    sizes = np.arange(1, people + 1)
    found = {}
    for chance in (0.5, 0.6, 0.85):
        hits = (rng.random((runs, people)) < chance).cumsum(axis=1)
        stakes = _stakes(hits, sizes)
        clear = stakes > np.log(20)
        first = np.where(clear.any(axis=1), clear.argmax(axis=1) + 1, people + 1)
        found[f"named_at_{chance}"] = float(clear.any(axis=1).mean())
        found[f"people_at_{chance}"] = float(np.median(first))
        if chance == 0.5:
            apart = np.abs(hits / sizes - 0.5) * 2 * np.sqrt(sizes)
            found["z_test_names_equals"] = float((apart[:, 19:] > 1.96).any(axis=1).mean())
    return found


def _stakes(hits, sizes):
    """`gain` of every look of every run: many share their counts, each is asked once."""
    keys = hits * (sizes[-1] + 1) + sizes
    known, places = np.unique(keys, return_inverse=True)
    width = sizes[-1] + 1
    asked = [gain(int(key // width), int(key % width), against=0.5) for key in known]
    return np.array(asked)[places].reshape(hits.shape)


def main():
    shops = [Shop(seed) for seed in SEEDS]
    report = {
        "positions": _means([positions(shop) for shop in shops]),
        "positions_ranked_well": _means([positions(Shop(seed, knows=6)) for seed in SEEDS]),
        "passed_over": _means([taught(shop) for shop in shops]),
        "tests": online_tests(),
    }
    print(json.dumps(report))


def _means(found):
    return {name: round(float(np.mean([one[name] for one in found])), 4) for name in found[0]}


if __name__ == "__main__":
    main()
