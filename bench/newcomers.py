"""Lists for customers of whom little is known: a fifth is kept from teaching, and cut short.

    python bench/newcomers.py

NDCG@10 with 0, 1, 3 and 5 choices known, their first ones or any, and all others to be found,
beside popularity and a plain fold-in of EASE, on the training parts of MovieLens and of a shop.
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
from recommendations.ml.ease import Ease  # noqa: E402
from recommendations.ml.hybrid import Hybrid  # noqa: E402
from recommendations.ml.popularity import Popularity  # noqa: E402
from recommendations.ml.ranking import best_of_rows, ndcg  # noqa: E402
from recommendations.ml.window import first_steps, without  # noqa: E402

KNOWN = (0, 1, 3, 5)
LONG = 15  # choices of a customer who can be asked about
SEED = 7


def table(name):
    data = splits.load(name).data
    rng = np.random.default_rng(SEED)
    long = np.flatnonzero(np.diff(data.values.indptr) >= LONG)
    new = np.sort(rng.choice(long, len(long) // 5, replace=False))
    taught = without(data, new)
    methods = {"popularity": Popularity(), "EASE folded in": Ease(), "hybrid": Hybrid()}
    for one in methods.values():
        one.fit(taught)
    found = {}
    for which, known in [(one, n) for one in ("first", "any") for n in KNOWN]:
        rows, later = first_steps(data.take(new), known, rng=rng if which == "any" else None)
        quality = {
            kind: ndcg(best_of_rows(one.score(rows), n=10, seen=rows.touched()), later)
            for kind, one in methods.items()
        }
        gap = metrics.difference(quality["hybrid"], quality["popularity"], rng=rng)
        key = f"{which} {known}"
        found[key] = {kind: round(float(one.mean()), 4) for kind, one in quality.items()}
        found[key] |= {"low": round(gap.low, 4), "high": round(gap.high, 4)}
        print(f"  {key} known: {found[key]}", flush=True)
    return found


def main():
    warnings.filterwarnings("ignore")
    if splits.are_absent():
        return
    results = {}
    for name in ("movielens_random", "movielens_temporal", "retail_new"):
        print(name, flush=True)
        results[name] = table(name)
    print(json.dumps({"newcomers": results}))


if __name__ == "__main__":
    main()
