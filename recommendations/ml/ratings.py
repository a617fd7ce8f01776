"""Rating predictors of scikit-surprise: fitted in memory, their factors read once.

Surprise predicts one pair at a time, clipped to the scale; a list needs every product at once,
unclipped, or the best ones tie. So `score` and `rate` are matrix products of the factors. A low
error says nothing about lists: these predict ratings, and are at most one voice of a blend.
"""

from collections import defaultdict
from typing import Any, ClassVar, Self

import numpy as np

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender


class RatingPredictor(Recommender):
    """rating = mean + customer bias + product bias + customer factors · product factors."""

    regularization: float
    mean_: np.ndarray  # ()
    customer_bias_: np.ndarray  # (customers,) zero where nothing was rated
    product_bias_: np.ndarray  # (products,)
    customers_: np.ndarray  # (customers, factors)
    products_: np.ndarray  # (products, factors)
    scale_: np.ndarray  # (2,) lowest and highest rating

    def rate(self, customers: np.ndarray, products: np.ndarray) -> np.ndarray:
        """(pairs,) predicted ratings on the scale; -1 is an unknown customer or product."""
        knows_customer, knows_product = customers >= 0, products >= 0
        rating = float(self.mean_) + np.where(knows_customer, self.customer_bias_[customers], 0.0)
        rating = rating + np.where(knows_product, self.product_bias_[products], 0.0)
        inner = (self.customers_[customers] * self.products_[products]).sum(axis=1)
        rating += np.where(knows_customer & knows_product, inner, 0.0)
        return np.clip(rating, *self.scale_)

    def score_known(self, customers: np.ndarray) -> np.ndarray:
        """(customers, products) unclipped ratings of customers by their number at fitting."""
        bias = float(self.mean_) + self.customer_bias_[customers, None] + self.product_bias_
        return np.asarray(bias + self.customers_[customers] @ self.products_.T)

    def score(self, rows: Interactions) -> np.ndarray:
        """Unclipped ratings; bias and factors of each row are solved for by ridge regression."""
        rated, ratings = rows.values, _as_ratings(rows)
        scores = np.tile(float(self.mean_) + self.product_bias_, (rows.shape[0], 1))
        for row in range(rows.shape[0]):
            cells = slice(rated.indptr[row], rated.indptr[row + 1])
            mine = rated.indices[cells]
            if len(mine):
                tacit = self._tacit(mine)
                left = ratings[cells] - scores[row, mine] - self.products_[mine] @ tacit
                solved = self._solve(self.products_[mine], left)
                scores[row] += solved[0] + self.products_ @ (solved[1:] + tacit)
        return scores

    def _tacit(self, rated: np.ndarray) -> np.ndarray:
        """(factors,) what the mere choice of these products says, whatever the rating."""
        return np.zeros(self.products_.shape[1])

    def _solve(self, products: np.ndarray, left: np.ndarray) -> np.ndarray:
        design = np.hstack([np.ones((len(products), 1)), products])
        # Gradient descent shrinks once per rating, so the ridge grows with their number.
        ridge = self.regularization * max(len(left), 5) * np.eye(design.shape[1])
        return np.linalg.solve(design.T @ design + ridge, design.T @ left)

    def _read(self, model: Any, interactions: Interactions) -> Self:
        ratings = _as_ratings(interactions)
        self.mean_ = np.array(model.trainset.global_mean)
        self.customer_bias_, self.product_bias_ = np.asarray(model.bu), np.asarray(model.bi)
        self.customers_, self.products_ = np.asarray(model.pu), np.asarray(model.qi)
        self.scale_ = np.array([ratings.min(), ratings.max()])
        # Surprise starts every factor at random: who has no rating must not keep that.
        self.customers_[np.diff(interactions.values.indptr) == 0] = 0.0
        self.products_[np.bincount(interactions.values.indices, minlength=len(model.bi)) == 0] = 0.0
        return self


class Svd(RatingPredictor):
    """Biased matrix factorisation by stochastic gradient descent (Funk 2006, Koren 2009)."""

    name: ClassVar[str] = "svd"

    def __init__(
        self,
        *,
        factors: int = 100,
        epochs: int = 30,
        rate_of_learning: float = 0.007,
        regularization: float = 0.07,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.epochs = epochs
        self.rate_of_learning = rate_of_learning
        self.regularization = regularization
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        from surprise import SVD  # slow to import

        model = SVD(
            n_factors=self.factors,
            n_epochs=self.epochs,
            lr_all=self.rate_of_learning,
            reg_all=self.regularization,
            random_state=self.seed,
        )
        return self._read(model.fit(trainset(interactions)), interactions)


class SvdPlusPlus(RatingPredictor):
    """SVD with the tacit say of what was rated at all (Koren 2008)."""

    name: ClassVar[str] = "svdpp"

    def __init__(
        self,
        *,
        factors: int = 20,
        epochs: int = 20,
        rate_of_learning: float = 0.007,
        regularization: float = 0.02,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.epochs = epochs
        self.rate_of_learning = rate_of_learning
        self.regularization = regularization
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        from surprise import SVDpp  # slow to import

        model = SVDpp(
            n_factors=self.factors,
            n_epochs=self.epochs,
            lr_all=self.rate_of_learning,
            reg_all=self.regularization,
            random_state=self.seed,
            cache_ratings=True,
        )
        model.fit(trainset(interactions))
        self.says_ = np.asarray(model.yj)
        self._read(model, interactions)
        for customer in range(interactions.shape[0]):
            start, end = interactions.values.indptr[customer : customer + 2]
            if end > start:
                self.customers_[customer] += self._tacit(interactions.values.indices[start:end])
        return self

    def _tacit(self, rated: np.ndarray) -> np.ndarray:
        tacit: np.ndarray = self.says_[rated].sum(axis=0) / np.sqrt(len(rated))
        return tacit


class KnnBaseline(Recommender):
    """Ratings of the k most alike products, as deviations from baselines (Koren 2010)."""

    name: ClassVar[str] = "knn-baseline"

    def __init__(self, *, k: int = 40, shrinkage: float = 100.0) -> None:
        self.k = k
        self.shrinkage = shrinkage

    def fit(self, interactions: Interactions) -> Self:
        from surprise import KNNBaseline as SurpriseKnn  # slow to import

        options = {"name": "pearson_baseline", "user_based": False, "shrinkage": self.shrinkage}
        model = SurpriseKnn(k=self.k, sim_options=options, verbose=False)
        ratings = _as_ratings(interactions)
        try:
            likeness = np.asarray(model.fit(trainset(interactions)).sim)
        except ZeroDivisionError:  # the baselines explain a product exactly: nothing to compare
            likeness = np.zeros((interactions.shape[1], interactions.shape[1]))
        self.likeness_ = np.maximum(likeness, 0.0).astype(np.float32)
        self.mean_ = np.array(model.trainset.global_mean)
        self.product_bias_, self.customer_bias_ = np.asarray(model.bi), np.asarray(model.bu)
        self.scale_ = np.array([ratings.min(), ratings.max()])
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        """Unclipped ratings of every row, whose bias is solved for as Surprise does."""
        rated, ratings = rows.values, _as_ratings(rows)
        scores = np.tile(float(self.mean_) + self.product_bias_, (rows.shape[0], 1))
        for row in range(rows.shape[0]):
            cells = slice(rated.indptr[row], rated.indptr[row + 1])
            mine = rated.indices[cells]
            if len(mine):
                left = ratings[cells] - scores[row, mine]
                bias = left.sum() / (15.0 + len(mine))  # Surprise's ridge for customers
                scores[row] += bias + self._deviation(mine, left - bias)
        return scores

    def rate(self, fitted: Interactions, customers: np.ndarray, products: np.ndarray) -> np.ndarray:
        """(pairs,) ratings on the scale for rows of `fitted`; -1 is unknown."""
        rating = float(self.mean_) + np.where(products >= 0, self.product_bias_[products], 0.0)
        for customer in np.unique(customers[customers >= 0]):
            mine = np.flatnonzero(customers == customer)
            known = mine[products[mine] >= 0]
            rating[mine] += self.customer_bias_[customer]
            rating[known] = self.score(fitted.take([customer]))[0, products[known]]
        return np.clip(rating, *self.scale_)

    def _deviation(self, rated: np.ndarray, left: np.ndarray) -> np.ndarray:
        likeness = self.likeness_[:, rated].astype(float)
        if len(rated) > self.k:
            least = np.partition(likeness, -self.k, axis=1)[:, -self.k, None]
            likeness = np.where(likeness >= least, likeness, 0.0)
        total = likeness.sum(axis=1)
        return np.divide(likeness @ left, total, out=np.zeros(len(total)), where=total > 0)


def trainset(interactions: Interactions) -> Any:
    """A Surprise trainset of the same numbers, built without files."""
    from surprise import Trainset

    cells = interactions.values.tocoo()
    ratings = _as_ratings(interactions)
    by_customer: dict[int, list[tuple[int, float]]] = defaultdict(list)
    by_product: dict[int, list[tuple[int, float]]] = defaultdict(list)
    triples = zip(cells.row.tolist(), cells.col.tolist(), ratings.tolist(), strict=True)
    for customer, product, rating in triples:
        by_customer[customer].append((product, rating))
        by_product[product].append((customer, rating))
    customers, products = interactions.shape
    scale = (float(ratings.min()), float(ratings.max()))
    return Trainset(
        by_customer,
        by_product,
        customers,
        products,
        len(ratings),
        scale,
        {i: i for i in range(customers)},
        {i: i for i in range(products)},
    )


def _as_ratings(interactions: Interactions) -> np.ndarray:
    """(nnz,) ratings; strengths, which have no upper end, by their logarithm."""
    values = interactions.values.data
    return values if interactions.explicit else np.log1p(values)


def product_means(interactions: Interactions, *, shrinkage: float = 5.0) -> np.ndarray:
    """(products,) mean rating of each product, shrunk towards the mean of all: the baseline."""
    values = interactions.values
    mean = values.data.mean() if values.nnz else 0.0
    counts = np.bincount(values.indices, minlength=values.shape[1])
    sums = np.bincount(values.indices, weights=values.data, minlength=values.shape[1])
    means: np.ndarray = (sums + shrinkage * mean) / (counts + shrinkage)
    return means
