"""Products that nobody chose yet, ranked among themselves: five folds of MovieLens' films.

A fold's films are taken out of everybody's history; the lists of ten are of those films alone, and
what a customer watched of them is relevant. Peers in the same run: chance, content neighbours, and
ALS factors foretold by a plain ridge on genres. Needs ../shared/data/movielens.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from recommendations.ml.cold import AttributeFactors
from recommendations.ml.content import Content, describe
from recommendations.ml.factors import Als
from recommendations.ml.interactions import Interactions
from recommendations.ml.metrics import difference
from recommendations.ml.ranking import best_of_rows, ndcg

DATA = Path(__file__).resolve().parents[2] / "shared/data/movielens"
FOLDS = 5
OURS, PEER = "attributes to factors", "ridge on genres"


@dataclass(frozen=True)
class Films:
    """Ratings by number of customer and film, and what is known of the films."""

    customers: np.ndarray
    films: np.ndarray
    values: np.ndarray
    days: np.ndarray
    words: sparse.csr_matrix  # titles, years and genres, as a shop describes its products
    genres: sparse.csr_matrix
    shape: tuple[int, int]


def read() -> Films:
    ratings = pd.read_csv(DATA / "ratings.csv.gz")
    about = pd.read_csv(DATA / "movies.csv.gz").set_index("movieId")
    customers, films = pd.Index(ratings.userId.unique()), pd.Index(ratings.movieId.unique())
    about = about.reindex(films).fillna("")
    kinds = [[kind for kind in row.split("|") if kind] for row in about.genres]
    ones = [[f"genres={kind}" for kind in row] for row in kinds]
    return Films(
        customers.get_indexer(ratings.userId),
        films.get_indexer(ratings.movieId),
        ratings.rating.to_numpy(float),
        ratings.timestamp.to_numpy() / 86_400,
        describe((about.title + " " + about.genres).tolist(), ones),
        describe([""] * len(films), kinds),
        (len(customers), len(films)),
    )


def fold(films: Films, cold: np.ndarray) -> dict[str, np.ndarray]:
    """NDCG@10 of each customer who watched any of the cold films, by method."""
    known = ~cold[films.films]
    place = np.cumsum(cold) - 1
    watched = sparse.csr_matrix(
        (np.ones((~known).sum()), (films.customers[~known], place[films.films[~known]])),
        shape=(films.shape[0], int(cold.sum())),
    )
    rows = (films.customers[known], films.films[known])

    def data(features: sparse.csr_matrix) -> Interactions:
        when = films.days[known]
        return Interactions.from_rows(
            rows, films.values[known], when, shape=films.shape, features=features
        )

    words, genres = data(films.words), data(films.genres)
    scores = {
        "chance": np.random.default_rng(0).random(watched.shape),
        "content": Content().fit(words).score(words)[:, cold],
        PEER: _plain(genres, cold).score(genres)[:, cold],
        OURS: AttributeFactors().fit(words).score(words)[:, cold],
    }
    return {name: ndcg(best_of_rows(one, n=10, seen=None), watched) for name, one in scores.items()}


def _plain(data: Interactions, cold: np.ndarray) -> Als:
    """ALS with the factors of cold films foretold by a ridge of fixed strength on the genres."""
    from sklearn.linear_model import Ridge

    als = Als(factors=64).fit(data)
    assert data.features is not None
    ridge = Ridge(alpha=1.0).fit(data.features[~cold].toarray(), als.products_[~cold])
    als.products_[cold] = ridge.predict(data.features[cold].toarray())
    return als


def main() -> None:
    if not DATA.exists():
        print(json.dumps({"skipped": "../shared/data/movielens is absent"}))
        return
    films = read()
    folds = np.random.default_rng(0).integers(0, FOLDS, films.shape[1])
    found = [fold(films, folds == number) for number in range(FOLDS)]
    together = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    over = difference(together[OURS], together[PEER], rng=np.random.default_rng(0))
    figures = {name: round(float(one.mean()), 4) for name, one in together.items()}
    worst = min(float(one[OURS].mean()) for one in found)
    print(
        json.dumps(
            {
                "ndcg@10": figures,
                "worst_fold": round(worst, 4),
                "over_the_peer": [round(over.low, 4), round(over.high, 4)],
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())
