"""Quality and speed of every recommender on the public splits, beside Surprise SVD's own loop.

    python bench/recommendations.py [SPLIT…] [--algorithms NAME…]

Needs ../shared/data/splits. NDCG@10 over all products; training items are left out unless
repeats count. CPU seconds of fit and of all lists.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SPLITS = ROOT.parent / "shared" / "data" / "splits"

from recommendations.ml.content import describe  # noqa: E402
from recommendations.ml.hybrid import Hybrid  # noqa: E402
from recommendations.ml.interactions import Interactions  # noqa: E402
from recommendations.ml.ranking import best_of_rows, ndcg  # noqa: E402
from recommendations.ml.voices import VOICES  # noqa: E402

NAMES = {
    "movielens_random": "movielens",
    "movielens_temporal": "movielens",
    "retail_new": "retail",
    "retail_all": "retail",
}


def load(split):
    """(train interactions, relevant, repeats count) of one split."""
    train, test = (
        pd.read_csv(SPLITS / f"{split}.{part}.csv.gz", dtype={"customer": str, "product": str})
        for part in ("train", "test")
    )
    products = pd.read_csv(
        SPLITS / f"{NAMES[split]}.products.csv.gz", dtype=str, keep_default_na=False
    )
    customer_ids = pd.Index(train.customer.unique())
    product_ids = pd.Index(pd.concat([train["product"], test["product"]]).unique())
    shape = (len(customer_ids), len(product_ids))
    about = (
        products.drop_duplicates("product").set_index("product").reindex(product_ids, fill_value="")
    )
    text = about.get("description", about.get("title"))
    genres = about.get("genres")
    features = describe(
        text.tolist(),
        [g.split("|") for g in genres] if genres is not None else [[] for _ in product_ids],
    )
    cells = customer_ids.get_indexer(train.customer), product_ids.get_indexer(train["product"])
    data = Interactions.from_rows(
        cells,
        train.value.to_numpy(float),
        train.timestamp.to_numpy() / 86400,
        shape=shape,
        features=features,
    )
    if split == "movielens_temporal":
        test = test[test.value >= 4]
    test = test[test.customer.isin(customer_ids)]
    cells = customer_ids.get_indexer(test.customer), product_ids.get_indexer(test["product"])
    relevant = sparse.csr_matrix((np.ones(len(test)), cells), shape=shape)
    relevant.data[:] = 1
    return data, relevant, split == "retail_all"


def measure(recommender, data, relevant, repeats):
    started = time.process_time()
    recommender.fit(data)
    fitted = time.process_time()
    asked = np.flatnonzero(np.diff(relevant.indptr) > 0)
    parts = []
    for start in range(0, len(asked), 512):
        rows = data.take(asked[start : start + 512])
        parts.append(
            best_of_rows(recommender.score(rows), n=10, seen=None if repeats else rows.touched())
        )
    done = time.process_time()
    return {
        "ndcg@10": float(ndcg(np.vstack(parts), relevant[asked]).mean()),
        "fit": fitted - started,
        "lists": done - fitted,
    }


def surprise_loop(data):
    """CPU seconds of Surprise's own way to everybody's ten best with SVD: a prediction a pair."""
    from surprise import SVD

    from recommendations.ml.ratings import trainset

    started = time.process_time()
    model = SVD(random_state=0).fit(trainset(data))
    seen = data.touched()
    for customer in range(data.shape[0]):
        left = np.setdiff1d(np.arange(data.shape[1]), seen[customer].indices)
        sorted(((model.estimate(customer, product), product) for product in left), reverse=True)[
            :10
        ]
    return time.process_time() - started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("splits", nargs="*", default=list(NAMES))
    parser.add_argument("--algorithms", nargs="*", default=[*VOICES, "hybrid"])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if not SPLITS.exists():
        print("skipped: ../shared/data/splits is absent")
        return
    results = {}
    for split in options.splits:
        data, relevant, repeats = load(split)
        print(
            f"{split}: {data.shape[0]} customers, {data.shape[1]} products, {data.values.nnz} cells"
        )
        for name in options.algorithms:
            recommender = (
                Hybrid(repeats=repeats, by_chance=split.endswith("random"))
                if name == "hybrid"
                else VOICES[name]()
            )
            row = results.setdefault(split, {})[name] = measure(
                recommender, data, relevant, repeats
            )
            print(
                f"  {name:14} {row['ndcg@10']:.4f}  fit {row['fit']:7.2f}  lists {row['lists']:6.2f} CPU s",
                flush=True,
            )
            if name == "hybrid":
                print(
                    "   ",
                    [
                        (v.name if v else "-", w.round(2).tolist())
                        for v, w in zip(recommender.voices_, recommender.weights_.T, strict=True)
                    ],
                )
        if NAMES[split] == "movielens" and "svd" in options.algorithms:
            slow = results[split]["surprise svd, own loop"] = {"seconds": surprise_loop(data)}
            ours = results[split].get("als")
            print(
                f"  Surprise SVD, its own loop over all products: {slow['seconds']:.2f} CPU s",
                end="",
            )
            print(
                f"; als {slow['seconds'] / (ours['fit'] + ours['lists']):.0f} times faster"
                if ours
                else ""
            )
    print(json.dumps({"recommendations": results}))


if __name__ == "__main__":
    main()
