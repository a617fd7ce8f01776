"""Several rating predictors in one: boosted trees over what each foretells of ratings it never saw.

Stacking (Wolpert 1992) with the members of Surprise: every rating is foretold by members that
were fitted without its fold; trees learn from these, from how much is known of customer and
product, and, where moments are known, from the mood of the customer's other ratings around then.
"""

from typing import Any, ClassVar, Self

import numpy as np

from crm.ml.compiled import Trees
from crm.ml.estimator import State
from recommendations.ml.interactions import Interactions
from recommendations.ml.ratings import KnnBaseline, Svd, SvdPlusPlus, product_means
from recommendations.ml.recommender import Recommender

FOLDS = 5
MOODS = (0.02, 2.0)  # days within which ratings share a mood: one sitting, one visit
CALM = 3.0  # ratings of an even mood that everybody is thought to have given
FEWEST = 50  # ratings below which there is nothing to learn a blend from
TREES: dict[str, Any] = {
    "learning_rate": 0.05,
    "max_iter": 150,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 100,
    "l2_regularization": 10.0,
    "early_stopping": False,
}


class RatingBlend(Recommender):
    """`rate` as the other predictors have it; it needs the ratings that it was fitted on."""

    name: ClassVar[str] = "blend"
    members_: list[Any]
    trees_: Trees | None  # None where there was too little to learn from
    start_: float
    scale_: np.ndarray  # (2,) lowest and highest rating

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        from sklearn.ensemble import HistGradientBoostingRegressor  # slow to import

        from crm.ml import flatten

        ratings = interactions.values.data
        self.scale_ = np.array([ratings.min(), ratings.max()])
        self.members_ = self._fitted(interactions)
        self.trees_, self.start_ = None, 0.0
        if len(ratings) >= FEWEST:
            model = HistGradientBoostingRegressor(random_state=self.seed, **TREES)
            model.fit(self._unseen(interactions), ratings)
            self.trees_, self.start_ = flatten.regression(model)
        return self

    def rate(
        self,
        fitted: Interactions,
        customers: np.ndarray,
        products: np.ndarray,
        days: np.ndarray | None = None,
    ) -> np.ndarray:
        """(pairs,) ratings on the scale for rows of `fitted`; -1 is unknown; days: when, if known.

        Without days the mood is even.
        """
        told = _told(self.members_, fitted, customers, products)
        if self.trees_ is None:
            return np.asarray(told.mean(axis=1))
        known = _known(fitted, customers, products, days)
        rating = self.start_ + self.trees_.margin(np.hstack([told, known]))
        return np.clip(rating, *self.scale_)

    def state(self) -> State:
        arrays = {"scale_": self.scale_, "start_": np.array(self.start_)}
        if self.trees_ is not None:
            arrays |= {f"trees/{key}": value for key, value in vars(self.trees_).items()}
        inner = []
        for number, member in enumerate(self.members_):
            state = member.state()
            inner.append({"name": member.name, **state.settings})
            arrays |= {f"{number}/{key}": value for key, value in state.arrays.items()}
        return State(arrays, {"seed": self.seed, "members": inner})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(seed=state.settings["seed"])
        self.scale_, self.start_ = state.arrays["scale_"], float(state.arrays["start_"])
        trees = _under(state, "trees")
        self.trees_ = Trees(**trees) if trees else None
        self.members_ = []
        for number, settings in enumerate(state.settings["members"]):
            kind = {one.name: one for one in (Svd, SvdPlusPlus, KnnBaseline)}[settings["name"]]
            own = {key: value for key, value in settings.items() if key != "name"}
            self.members_.append(kind.from_state(State(_under(state, str(number)), own)))
        return self

    def _fitted(self, interactions: Interactions) -> list[Any]:
        wide: dict[str, Any] = {
            "factors": 200,
            "regularization": 0.1,
            "epochs": 80,
            "rate_of_learning": 0.01,
        }
        return [
            Svd(seed=self.seed, **wide).fit(interactions),
            Svd(seed=self.seed + 1, **wide).fit(interactions),
            SvdPlusPlus(seed=self.seed, regularization=0.05, epochs=25).fit(interactions),
            KnnBaseline().fit(interactions),
            KnnBaseline(k=15, shrinkage=30.0).fit(interactions),
        ]

    def _unseen(self, interactions: Interactions) -> np.ndarray:
        """(ratings, columns) what would have been told of every rating without its fold."""
        cells = interactions.values.tocoo()
        fold = np.random.default_rng(self.seed).permutation(len(cells.data)) % FOLDS
        columns = []
        for number in range(FOLDS):
            held = fold == number
            rest = interactions.keep(~held)
            pairs = _strangers_out(rest, cells.row[held], cells.col[held])
            told = _told(self._fitted(rest), rest, *pairs)
            columns.append(np.hstack([told, _known(rest, *pairs, interactions.days[held])]))
        order = np.argsort(np.argsort(fold, kind="stable"), kind="stable")
        return np.asarray(np.vstack(columns)[order])


def _told(
    members: list[Any], fitted: Interactions, customers: np.ndarray, products: np.ndarray
) -> np.ndarray:
    """(pairs, members) what each member foretells."""
    return np.stack(
        [
            one.rate(fitted, customers, products)
            if isinstance(one, KnnBaseline)
            else one.rate(customers, products)
            for one in members
        ],
        axis=1,
    )


def _known(
    fitted: Interactions, customers: np.ndarray, products: np.ndarray, days: np.ndarray | None
) -> np.ndarray:
    """(pairs, 8) number, mean and spread of the ratings of both, and the moods around the days."""
    cells = fitted.values.tocoo()
    size, means = fitted.shape, product_means(fitted)
    of_customer = np.bincount(cells.row, minlength=size[0])
    of_product = np.bincount(cells.col, minlength=size[1])
    off = cells.data - means[cells.col]
    leaning = np.bincount(cells.row, off, minlength=size[0]) / (of_customer + 5.0)
    wide = np.bincount(cells.row, (cells.data - cells.data.mean()) ** 2, minlength=size[0])
    torn = np.bincount(cells.col, off**2, minlength=size[1])
    knows, listed = customers >= 0, products >= 0
    columns = [
        np.where(knows, np.log1p(of_customer)[customers], 0.0),
        np.where(listed, np.log1p(of_product)[products], 0.0),
        np.where(knows, leaning[customers], 0.0),
        np.where(listed, means[products], cells.data.mean()),
        np.where(knows, np.sqrt(wide / (of_customer + 1.0))[customers], 1.0),
        np.where(listed, np.sqrt((torn + 5.0) / (of_product + 5.0))[products], 1.0),
    ]
    left = off - leaning[cells.row]
    return np.stack([*columns, *_moods(fitted, left, customers, days)], axis=1)


def _moods(
    fitted: Interactions, left: np.ndarray, customers: np.ndarray, days: np.ndarray | None
) -> np.ndarray:
    """(moods, pairs) mean of what is `left` of a customer's ratings, more of the nearer."""
    moods = np.zeros((len(MOODS), len(customers)))
    if days is None or not np.ptp(fitted.days):
        return moods
    indptr = fitted.values.indptr
    for pair in np.flatnonzero(customers >= 0):
        mine = slice(indptr[customers[pair]], indptr[customers[pair] + 1])
        apart = np.abs(fitted.days[mine] - days[pair])
        for number, width in enumerate(MOODS):
            near = np.exp(-apart / width)
            moods[number, pair] = near @ left[mine] / (near.sum() + CALM)
    return moods


def _strangers_out(
    fitted: Interactions, customers: np.ndarray, products: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same pairs, with -1 for whom nothing is left in the other folds."""
    rows = np.diff(fitted.values.indptr) > 0
    columns = np.bincount(fitted.values.indices, minlength=fitted.shape[1]) > 0
    return np.where(rows[customers], customers, -1), np.where(columns[products], products, -1)


def _under(state: State, name: str) -> dict[str, np.ndarray]:
    prefix = f"{name}/"
    return {
        key.removeprefix(prefix): value
        for key, value in state.arrays.items()
        if key.startswith(prefix)
    }
