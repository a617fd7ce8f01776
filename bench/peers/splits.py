"""The public splits as Interactions, and what was chosen afterwards."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from recommendations.ml.content import describe
from recommendations.ml.interactions import Interactions
from recommendations.ml.ranking import best_of_rows

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SPLITS = DATA / "splits"
LIKED = 4  # stars from which a later rating of the temporal split is a wish
DAY = 86_400
PRODUCTS = {
    "movielens_random": "movielens",
    "movielens_temporal": "movielens",
    "movielens_last": "movielens",
    "retail_new": "retail",
    "retail_all": "retail",
}


@dataclass(frozen=True)
class Split:
    """relevant: (customers, products) what each customer of data chose afterwards."""

    name: str
    data: Interactions
    relevant: sparse.csr_matrix
    genres: sparse.csr_matrix | None  # (products, genres)

    @property
    def repeats(self) -> bool:
        return self.name == "retail_all"

    @property
    def asked(self) -> np.ndarray:
        return np.flatnonzero(np.diff(self.relevant.indptr) > 0)

    def lists(self, scores, *, n: int = 10) -> np.ndarray:
        """(asked, n) of (customers, products) scores, without what was chosen before."""
        seen = None if self.repeats else self.data.touched()[self.asked]
        return best_of_rows(scores[self.asked], n=n, seen=seen)


def are_absent() -> bool:
    """Whether there is nothing to measure on; says so where the figures would stand."""
    if SPLITS.exists():
        return False
    print("skipped: ../shared/data/splits is absent")
    print(json.dumps({}))
    return True


def load(name: str) -> Split:
    train, test = _tables(name)
    customers = pd.Index(train.customer.unique())
    products = pd.Index(pd.concat([train["product"], test["product"]]).unique())
    shape = (len(customers), len(products))
    features, genres = _features(name, products)
    data = Interactions.from_rows(
        _cells(train, customers, products),
        train.value.to_numpy(float),
        train.timestamp.to_numpy() / DAY,
        shape=shape,
        features=features,
    )
    if name == "movielens_temporal":
        test = test[test.value >= LIKED]
    test = test[test.customer.isin(customers)]
    relevant = sparse.csr_matrix(
        (np.ones(len(test)), _cells(test, customers, products)), shape=shape
    )
    relevant.data[:] = 1
    return Split(name, data, relevant, genres)


def ratings(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    return _tables(name)


def _tables(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    text = {"customer": str, "product": str}
    if name == "movielens_last":
        return _last_left_out()
    train, test = (
        pd.read_csv(SPLITS / f"{name}.{part}.csv.gz", dtype=text) for part in ("train", "test")
    )
    return train, test


def _last_left_out() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everybody's last rating is the test; of ratings in one second the last in the file."""
    table = pd.read_csv(
        DATA / "movielens" / "ratings.csv.gz", dtype={"userId": str, "movieId": str}
    )
    table.columns = ["customer", "product", "value", "timestamp"]
    table = table.sort_values(["customer", "timestamp"], kind="stable")
    last = ~table.duplicated("customer", keep="last")
    return table[~last], table[last]


def _cells(table, customers, products):
    return customers.get_indexer(table.customer), products.get_indexer(table["product"])


def _features(name, products):
    about = pd.read_csv(
        SPLITS / f"{PRODUCTS[name]}.products.csv.gz", dtype=str, keep_default_na=False
    )
    about = about.drop_duplicates("product").set_index("product").reindex(products, fill_value="")
    if "genres" not in about:
        return describe(about["description"].tolist(), [[] for _ in products]), None
    kinds = [one.split("|") if one else [] for one in about["genres"]]
    names = pd.Index(sorted({kind for one in kinds for kind in one}))
    cells = [(row, names.get_loc(kind)) for row, one in enumerate(kinds) for kind in one]
    rows, columns = np.array(cells).T
    genres = sparse.csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(kinds), len(names))
    )
    return describe(about["title"].tolist(), kinds), genres
