"""What variety costs: re-ranking the hybrid's lists on the temporal split of MovieLens.

    python bench/variety.py

Maximal marginal relevance by genres, at several trades, against NDCG@10 and the likeness within a
list; and holding back what is common, against coverage and the Gini index of exposure.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.peers import splits  # noqa: E402
from recommendations.ml import metrics  # noqa: E402
from recommendations.ml.hybrid import Hybrid, standardised  # noqa: E402
from recommendations.ml.ranking import diverse, ndcg  # noqa: E402

CANDIDATES = 50
TRADES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.55, 0.53, 0.5)
HELD_BACK = (0.0, 0.3, 0.5, 0.7, 0.9, 1.1)


def likeness(genres):
    """(products, products) cosine of genres."""
    length = np.sqrt(np.asarray(genres.multiply(genres).sum(axis=1)).ravel())
    unit = genres.toarray() / np.maximum(length, 1e-12)[:, None]
    return unit @ unit.T


def relevance(split, lists):
    return float(ndcg(lists, split.relevant[split.asked]).mean())


def by_marginal_relevance(split, scores, trade, alike):
    near = split.lists(scores, n=CANDIDATES)
    lists = np.array(
        [
            row[diverse(scores[customer, row], alike[np.ix_(row, row)], n=10, trade=trade)]
            for customer, row in zip(split.asked, near, strict=True)
        ]
    )
    alone = float(np.nanmean(metrics.similarity(lists, split.genres)))
    return {"ndcg": round(relevance(split, lists), 5), "similarity": round(alone, 4)}


def by_holding_back(split, scores, strength):
    common = np.log1p(np.bincount(split.data.values.indices, minlength=split.data.shape[1]))
    lists = split.lists(scores - strength * standardised(common[None])[0])
    return {
        "ndcg": round(relevance(split, lists), 5),
        "coverage": round(metrics.coverage(lists, split.data.shape[1]), 4),
        "gini": round(metrics.gini(lists, split.data.shape[1]), 4),
    }


def main():
    warnings.filterwarnings("ignore")
    if splits.are_absent():
        return
    split = splits.load("movielens_temporal")
    scores, alike = Hybrid().fit(split.data).score(split.data), likeness(split.genres)
    found = {}
    for trade in TRADES:
        key = f"trade {trade}"
        found[key] = by_marginal_relevance(split, scores, trade, alike)
        print(f"  {key} {found[key]}", flush=True)
    for strength in HELD_BACK:
        key = f"common held back {strength}"
        found[key] = by_holding_back(split, scores, strength)
        print(f"  {key} {found[key]}", flush=True)
    print(json.dumps({"variety": found}))


if __name__ == "__main__":
    main()
