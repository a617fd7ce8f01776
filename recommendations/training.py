"""Train the shop's recommender and its rating predictor, compare on later time, promote."""

import time
from typing import TYPE_CHECKING, Any

from crm import artifacts, training
from crm.training import Evidence, Order, TooLittleData, Trainer
from recommendations import interactions, quality, retraining
from recommendations.interactions import Table

if TYPE_CHECKING:
    import numpy as np
    from scipy import sparse

    from recommendations.ml.interactions import Interactions
    from recommendations.ml.shop import ShopRatings, ShopRecommender

FEWEST_CUSTOMERS = 30
FEWEST_INTERACTIONS = 200
FEWEST_RATINGS = 200


def train_recommender(order: Order) -> dict[str, Any]:
    """Learn weights before the later window, judge on it, then teach the same blend all of it.

    Where the champion's weights do better, they are the ones that are taught what came since: a
    champion is never left behind by the shop because new weights were not better.
    One worker at a time. Raises AlreadyTraining, TooLittleData.
    """
    with retraining.turn(order) as outcome:
        report = _train_recommender(order)
        outcome["said"] = report["reason"]
        return report


def _train_recommender(order: Order) -> dict[str, Any]:
    import numpy as np

    from recommendations.ml.popularity import Popularity
    from recommendations.ml.shop import ShopRecommender

    started = time.process_time()
    table = interactions.table(as_of=order.as_of)
    _refuse_too_little(table.interactions)
    earlier, later = _window(table)
    candidate = ShopRecommender(seed=order.seed).fit(earlier, products=table.products)
    rivals: dict[str, Any] = {"baseline": Popularity(half_life=30.0).fit(earlier)}
    champion = _champion_on(earlier, table.products)
    if champion is not None:
        rivals["champion"] = champion
    window = quality.Window.of(
        earlier, later, products=table.products, rng=np.random.default_rng(order.seed)
    )
    ours = window.judge(candidate)
    theirs = {name: window.judge(rival) for name, rival in rivals.items()}
    is_kept = champion is not None and ours.is_below(theirs["champion"])
    if champion is not None and is_kept:  # its weights are better: teach them what is new
        candidate, ours = champion, theirs["champion"]
    apart = quality.gaps(ours, theirs, rng=np.random.default_rng(order.seed))
    final = candidate.refit(table.interactions)
    evidence = Evidence(
        metric=quality.METRIC,
        metrics=ours.figures,
        baseline=theirs["baseline"].figures,
        champion=theirs["champion"].figures if "champion" in theirs else None,
        data_fingerprint=_fingerprint(table),
        rows=_rows(table),
        seconds=time.process_time() - started,
        backtest=quality.backtest(window, ours, theirs, apart) | _learned(final, is_kept),
        gaps=apart,
    )
    return training.conclude(final, evidence, order)


def train_ratings(order: Order) -> dict[str, Any]:
    """Surprise's SVD on explicit ratings against the mean of each product, on later ratings."""
    from recommendations.ml.shop import ShopRatings

    started = time.process_time()
    table = interactions.ratings(as_of=order.as_of)
    if table.interactions.values.nnz < FEWEST_RATINGS:
        raise TooLittleData(
            f"{table.interactions.values.nnz} ratings of products; at least {FEWEST_RATINGS} needed"
        )
    earlier, later = _last_fifth(table.interactions)
    candidate = ShopRatings(seed=order.seed).fit(earlier, products=table.products)
    champion = _champion_ratings_on(earlier, table.products)
    final = ShopRatings(seed=order.seed).fit(table.interactions, products=table.products)
    evidence = Evidence(
        metric="negative_rmse",
        metrics=_errors(candidate, earlier, later),
        baseline=_errors(None, earlier, later),
        champion=_errors(champion, earlier, later) if champion else None,
        data_fingerprint=_fingerprint(table),
        rows=_rows(table),
        seconds=time.process_time() - started,
    )
    return training.conclude(final, evidence, order)


TRAINERS: dict[str, Trainer] = {"recommender": train_recommender, "ratings": train_ratings}


def _refuse_too_little(table: "Interactions") -> None:
    customers, products = table.shape
    if customers < FEWEST_CUSTOMERS or table.values.nnz < FEWEST_INTERACTIONS:
        raise TooLittleData(
            f"{table.values.nnz} interactions of {customers} customers; at least "
            f"{FEWEST_INTERACTIONS} of {FEWEST_CUSTOMERS} customers needed"
        )
    if products < 3:
        raise TooLittleData(f"{products} products; nothing to choose from")


def _window(table: Table) -> "tuple[Interactions, sparse.csr_matrix]":
    from recommendations.ml.window import hold_back

    earlier, later = hold_back(table.interactions)
    if not later.nnz:
        raise TooLittleData("nobody chose anything new in the later part: nothing to judge by")
    return earlier, later


def _champion_on(earlier: "Interactions", products: "np.ndarray") -> "ShopRecommender | None":
    """The champion's blend taught only what was before the window, as the candidate was."""
    from recommendations.ml.shop import ShopRecommender

    champion = artifacts.load_serving(ShopRecommender)
    if champion is None:
        return None
    again = champion.refit(earlier)
    again.products_ = products
    return again


def _champion_ratings_on(earlier: "Interactions", products: "np.ndarray") -> "ShopRatings | None":
    from recommendations.ml.shop import ShopRatings

    champion = artifacts.load_serving(ShopRatings)
    # Refitted before the window: the artifact itself may have seen the very ratings.
    return type(champion)(seed=champion.seed).fit(earlier, products=products) if champion else None


def _learned(final: "ShopRecommender", is_kept: bool) -> dict[str, Any]:
    """What the artifact's page tells of the blend."""
    blend = final.blend_
    voices = [
        {
            "name": voice.name,
            "half_life": getattr(voice, "half_life", None),
            "weights": [round(float(weight), 4) for weight in blend.weights_[:, number]],
        }
        for number, voice in blend.voices().items()
    ]
    return {"voices": voices, "is_kept": is_kept}


def _last_fifth(table: "Interactions") -> "tuple[Interactions, Interactions]":
    import numpy as np

    from crm.ml.evaluation import split_by_time

    before, after = split_by_time(table.days, share=0.2)
    if not len(before):
        raise TooLittleData("all ratings are of the same moment: there is no later part")
    cells = np.zeros(len(table.days), dtype=bool)
    cells[before] = True
    return table.keep(cells), table.keep(~cells)


def _errors(
    predictor: "ShopRatings | None", earlier: "Interactions", later: "Interactions"
) -> dict[str, float]:
    import numpy as np

    from recommendations.ml.ratings import product_means

    cells = later.values.tocoo()
    if predictor is None:
        predicted = product_means(earlier)[cells.col]
    else:
        known = np.diff(earlier.values.indptr)[cells.row] > 0
        predicted = predictor.rate(np.where(known, cells.row, -1), cells.col)
    off = predicted - cells.data
    rmse = float(np.sqrt(np.mean(off**2)))
    return {
        "negative_rmse": round(-rmse, 5),
        "rmse": round(rmse, 5),
        "mae": round(float(np.abs(off).mean()), 5),
    }


def _fingerprint(table: Table) -> str:
    values = table.interactions.values
    return training.fingerprint(values.indptr, values.indices, values.data, table.products)


def _rows(table: Table) -> int:
    log = table.interactions.log
    return int(len(log.days)) if log is not None else int(table.interactions.values.nnz)
