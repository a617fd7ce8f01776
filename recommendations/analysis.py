"""Subjects of the analyst's bench: recommend (lists from interactions) and rating (errors)."""

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table
from recommendations.ml.content import describe
from recommendations.ml.hybrid import Hybrid, standardised
from recommendations.ml.interactions import Interactions
from recommendations.ml.popularity import Popularity
from recommendations.ml.ranking import best_of_rows
from recommendations.ml.rating_blend import RatingBlend
from recommendations.ml.ratings import KnnBaseline, RatingPredictor, product_means
from recommendations.ml.recommender import Recommender
from recommendations.ml.recurrent import NoTorch
from recommendations.ml.voices import VOICES

HIDDEN = ("history", "rarity")  # voices that are no list by themselves
ALGORITHMS = (*(name for name in VOICES if name not in HIDDEN), Hybrid.name)
RATERS = ("svd", "svdpp", "knn-baseline", "blend", "mean")
AT_ONCE = 256
DAY = 86_400.0


@dataclass(frozen=True)
class World:
    """What was read: interactions, and the names of their rows and columns."""

    interactions: Interactions
    customers: pd.Index
    products: pd.Index
    titles: dict[str, str]


def _recommend_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--interactions", required=True, help="customer,product[,value][,timestamp]"
    )
    parser.add_argument("--output", required=True)
    parser.add_argument("--customers", help="ids to serve, one a line; else everybody")
    parser.add_argument("--products", help="product, and its attributes")
    parser.add_argument("--k", type=_positive, default=10)
    parser.add_argument("--algorithm", choices=ALGORITHMS, default=Hybrid.name)
    parser.add_argument("--repeat", action="store_true", help="known products may come again")
    parser.add_argument(
        "--holdout",
        choices=["time", "chance"],
        default="time",
        help="what hybrid learns its weights for: what comes next, or gaps at random",
    )
    parser.add_argument(
        "--recurrent",
        action="store_true",
        help="hybrid hears a recurrent network, too (slow to learn; needs requirements-neural.txt)",
    )
    parser.add_argument("--seed", type=int, default=0)


def _recommend(options: argparse.Namespace) -> dict[str, Any]:
    world = read_world(options.interactions, options.products)
    asked = _asked(options.customers, world)
    started = time.process_time()
    recommender = _fitted(options, world.interactions)
    popular = Popularity().fit(world.interactions)
    fitted = time.process_time()
    known = world.customers.get_indexer(pd.Index(asked))
    frames = []
    for start in range(0, len(asked), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        frames.append(_lists(world, (recommender, popular), asked[part], known[part], options))
    columns = ["customer", "product", "rank", "score", "reason"]
    table = pd.concat(frames) if frames else pd.DataFrame(columns=columns)
    table.to_csv(options.output, index=False)
    return {
        "algorithm": options.algorithm,
        "customers": len(asked),
        "unknown_customers": int((known < 0).sum()),
        "products": len(world.products),
        "rows": len(table),
        "fit_seconds": round(fitted - started, 3),
        "score_seconds": round(time.process_time() - fitted, 3),
        **_voices_heard(recommender),
    }


def read_world(path: str, products: str | None) -> World:
    """Read interactions and, where given, what is known of the products."""
    table = read_table(path, needs=["customer", "product"], numbers=["value"])
    if table.empty:
        raise UnusableInput(f"{path}: no rows")
    catalogue = read_table(products, needs=["product"]) if products else None
    names = [table["product"]] if catalogue is None else [table["product"], catalogue["product"]]
    customer_ids = pd.Index(table["customer"].unique())
    product_ids = pd.Index(pd.concat(names).unique())
    about = None
    if catalogue is not None:
        about = catalogue.drop_duplicates("product").set_index("product")
        about = about.reindex(product_ids, fill_value="")
    values = table["value"].to_numpy() if "value" in table else np.ones(len(table))
    interactions = Interactions.from_rows(
        (customer_ids.get_indexer(table["customer"]), product_ids.get_indexer(table["product"])),
        values,
        _days(path, table["timestamp"]) if "timestamp" in table else None,
        shape=(len(customer_ids), len(product_ids)),
        features=_described(about) if about is not None and len(about.columns) else None,
    )
    return World(interactions, customer_ids, product_ids, _titles(about))


def _days(path: str, column: pd.Series) -> np.ndarray:
    """(rows,) moments in days, from seconds since 1970 or ISO times."""
    seconds = pd.to_numeric(column, errors="coerce")
    if seconds.notna().all():
        return np.asarray(seconds, dtype=float) / DAY
    parsed = pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)
    bad = parsed.isna().to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise UnusableInput(
            f"{path}: column timestamp, line {row + 2}: {column.iloc[row]!r} is neither seconds "
            "nor an ISO time"
        )
    return np.asarray(parsed.map(lambda moment: moment.timestamp()), dtype=float) / DAY


def _described(about: pd.DataFrame) -> Any:
    """Features of the products: long text by its words, short values as they are."""
    texts = about.apply(lambda row: " ".join(row), axis=1).tolist()
    exact = [
        [f"{name}={part}" for name in about.columns for part in row[name].split("|") if part]
        for _, row in about.iterrows()
    ]
    return describe(texts, exact)


def _titles(about: pd.DataFrame | None) -> dict[str, str]:
    for name in ("title", "name", "description"):
        if about is not None and name in about.columns:
            return {pk: title.strip() for pk, title in about[name].items() if title.strip()}
    return {}


def _asked(path: str | None, world: World) -> list[str]:
    if path is None:
        return list(world.customers)
    try:
        with open(path, encoding="utf-8-sig") as file:
            ids = [line.strip() for line in file if line.strip()]
    except FileNotFoundError:
        raise UnusableInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise UnusableInput(f"{path}: not UTF-8 (byte {error.start})") from None
    if ids and ids[0] == "customer" and "customer" not in world.customers:
        ids = ids[1:]  # a header
    return list(dict.fromkeys(ids))


def _fitted(options: argparse.Namespace, interactions: Interactions) -> Recommender:
    try:
        return _made(options).fit(interactions)
    except NoTorch as missing:
        raise UnusableInput(str(missing)) from None


def _made(options: argparse.Namespace) -> Recommender:
    if options.algorithm == Hybrid.name:
        return Hybrid(
            repeats=options.repeat,
            by_chance=options.holdout == "chance",
            recurrent=options.recurrent,
            seed=options.seed,
        )
    return _seeded(options.algorithm, options.seed)


def _seeded(name: str, seed: int) -> Recommender:
    kind: Any = VOICES[name]
    made: Recommender = kind(seed=seed) if hasattr(kind(), "seed") else kind()
    return made


def _lists(
    world: World,
    recommenders: tuple[Recommender, Popularity],
    asked: list[str],
    known: np.ndarray,
    options: argparse.Namespace,
) -> pd.DataFrame:
    recommender, popular = recommenders
    rows = world.interactions.take(np.maximum(known, 0))
    scores = recommender.score(rows)
    strangers = known < 0
    scores[strangers] = popular.score(rows.take(np.flatnonzero(strangers)))
    seen = rows.touched().tolil()
    seen[np.flatnonzero(strangers)] = 0
    ranked = best_of_rows(scores, n=options.k, seen=None if options.repeat else seen.tocsr())
    because = _Because(world, recommender, rows)
    found = []
    for row, customer in enumerate(asked):
        columns = ranked[row][ranked[row] >= 0]
        for rank, column in enumerate(columns, start=1):
            reason = "popular" if strangers[row] else because.sentence(row, int(column))
            found.append(
                (customer, world.products[column], rank, round(scores[row, column], 6), reason)
            )
    return pd.DataFrame(found, columns=["customer", "product", "rank", "score", "reason"])


class _Because:
    """Reasons for the lists of some rows: the loudest voice, and the choice it speaks from."""

    def __init__(self, world: World, recommender: Recommender, rows: Interactions) -> None:
        self.world, self.rows = world, rows
        if isinstance(recommender, Hybrid):
            voices, weights = recommender.voices(), recommender.weights_of(rows)
            self.voices = list(voices.values())
            said = [weights[:, n, None] * standardised(v.score(rows)) for n, v in voices.items()]
        else:
            self.voices, said = [recommender], [np.zeros(rows.shape)]
        self.said = np.stack(said) if said else np.zeros((0, *rows.shape))

    def sentence(self, row: int, column: int) -> str:
        if not self.voices:
            return "popular"
        voice = self.voices[int(np.argmax(self.said[:, row, column]))]
        mine = self.rows.take([row])
        pieces = voice.pieces(mine, column)
        if pieces is not None and len(pieces) and pieces.max() > 0:
            product = self.world.products[mine.values.indices[int(np.argmax(pieces))]]
            return f"because of {self.world.titles.get(product, product)}"
        if voice.name == Popularity.name:
            return "popular"
        if pieces is not None or not mine.values.nnz:
            return "something different"
        return "chosen by customers with a like taste"


def _voices_heard(recommender: Recommender) -> dict[str, Any]:
    if not isinstance(recommender, Hybrid):
        return {}
    heard = [
        {"voice": voice.name, "weight": round(float(recommender.weights_[-1, number]), 3)}
        for number, voice in recommender.voices().items()
    ]
    return {"voices": heard}


def _rating_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", required=True, help="customer,product,value[,timestamp]")
    parser.add_argument("--test", required=True, help="customer,product,value[,timestamp]")
    parser.add_argument("--algorithm", choices=RATERS, default="svd")
    parser.add_argument("--seed", type=int, default=0)


def _rating(options: argparse.Namespace) -> dict[str, Any]:
    columns = ["customer", "product", "value"]
    train, test = (
        read_table(path, needs=columns, numbers=["value"]) for path in (options.train, options.test)
    )
    if train.empty or test.empty:
        raise UnusableInput(f"{options.train if train.empty else options.test}: no rows")
    customers = pd.Index(train["customer"].unique())
    products = pd.Index(train["product"].unique())
    interactions = Interactions.from_rows(
        (customers.get_indexer(train["customer"]), products.get_indexer(train["product"])),
        train["value"].to_numpy(),
        _days(options.train, train["timestamp"]) if "timestamp" in train else None,
        shape=(len(customers), len(products)),
        explicit=True,
    )
    started = time.process_time()
    rate = _rater(options, interactions)
    seconds = time.process_time() - started
    pairs: Any = customers.get_indexer(test["customer"]), products.get_indexer(test["product"])
    if options.algorithm == RatingBlend.name and "timestamp" in train and "timestamp" in test:
        pairs = (*pairs, _days(options.test, test["timestamp"]))
    off = rate(*pairs) - test["value"].to_numpy()
    return {
        "algorithm": options.algorithm,
        "rmse": round(float(np.sqrt(np.mean(off**2))), 5),
        "mae": round(float(np.abs(off).mean()), 5),
        "fit_seconds": round(seconds, 3),
        "rows": len(test),
    }


def _rater(options: argparse.Namespace, interactions: Interactions) -> Any:
    if options.algorithm == "mean":
        means = product_means(interactions)
        overall = float(interactions.values.data.mean())
        return lambda _, products: np.where(products >= 0, means[products], overall)
    if options.algorithm == RatingBlend.name:
        blend = RatingBlend(seed=options.seed).fit(interactions)
        return lambda *asked: blend.rate(interactions, *asked)
    if options.algorithm == "knn-baseline":
        neighbours = KnnBaseline().fit(interactions)
        return lambda customers, products: neighbours.rate(interactions, customers, products)
    predictor = _seeded(options.algorithm, options.seed).fit(interactions)
    assert isinstance(predictor, RatingPredictor)
    return predictor.rate


def _positive(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


SUBJECTS = {
    "recommend": Subject("lists from interactions", _recommend_arguments, _recommend),
    "rating": Subject("errors of predicted ratings", _rating_arguments, _rating),
}
