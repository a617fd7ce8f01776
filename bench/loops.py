"""Everybody's ten best: Surprise's own loop, a prediction a pair, beside ours as matrices.

    python bench/loops.py

CPU seconds of fit and all lists on MovieLens in one run, and whether the lists are the same. One thread
for all of them: threads that wait for each other count as work. Ours, a tenth of a second, is the middle
of five.
"""

import json
import os
import sys
import time
import warnings
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.peers import splits  # noqa: E402
from recommendations.ml.factors import Als  # noqa: E402
from recommendations.ml.ranking import best_of_rows  # noqa: E402
from recommendations.ml.ratings import Svd, SvdPlusPlus, trainset  # noqa: E402

SETTINGS = {
    "SVD": {"n_factors": 100, "n_epochs": 30, "lr_all": 0.007, "reg_all": 0.07},
    "SVDpp": {"n_factors": 20, "n_epochs": 20, "lr_all": 0.007, "reg_all": 0.02},
}
OURS = {"SVD": Svd(), "SVDpp": SvdPlusPlus()}


def theirs(kind, data):
    """(customers, 10) by Surprise's `estimate`, which does not clip, for every pair."""
    import surprise

    more = {"cache_ratings": True} if kind == "SVDpp" else {}
    model = getattr(surprise, kind)(random_state=0, **SETTINGS[kind], **more).fit(trainset(data))
    seen, lists = data.touched(), []
    for customer in range(data.shape[0]):
        left = np.setdiff1d(np.arange(data.shape[1]), seen[customer].indices)
        told = sorted((-model.estimate(customer, product), product) for product in left)
        lists.append([product for _, product in told[:10]])
    return np.array(lists)


def model_and_lists(data, seen):
    return best_of_rows(Als().fit(data).score(data), n=10, seen=seen)


def timed(made):
    started = time.process_time()
    return made(), time.process_time() - started


def main():
    warnings.filterwarnings("ignore")
    import implicit.als  # noqa: F401  (reading libraries is not what is measured)
    import surprise  # noqa: F401

    if splits.are_absent():
        return
    data = splits.load("movielens_random").data
    everybody, touched = np.arange(data.shape[0]), data.touched()
    whole = partial(model_and_lists, data, touched)
    production = float(np.median([timed(whole)[1] for _ in range(5)]))
    found = {"als_seconds": round(production, 3)}
    for kind, ours in OURS.items():
        lists, slow = timed(lambda kind=kind: theirs(kind, data))
        mine, fast = timed(
            lambda ours=ours: best_of_rows(
                ours.fit(data).score_known(everybody), n=10, seen=touched
            )
        )
        found[kind] = {
            "own_loop_seconds": round(slow, 2),
            "as_matrices_seconds": round(fast, 2),
            "equal_lists": round(float((lists == mine).all(axis=1).mean()), 4),
            "als_times_faster": round(slow / production, 1),
        }
        print(kind, found[kind], flush=True)
    print(json.dumps({"loops": found}))


if __name__ == "__main__":
    main()
