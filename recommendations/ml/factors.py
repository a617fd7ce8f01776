"""Tastes in few numbers: implicit ALS and BPR, and the truncated SVD.

A row is folded in at scoring: its tastes are solved for from the product factors, so a customer
who came a second ago is served like any other.
"""

from typing import Any, ClassVar, Protocol, Self

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender

BOOST = 3.0  # a row that fades has fewer words in all, so each is believed more


class ImplicitFactors(Recommender):
    """Product factors, and tastes by weighted least squares (Hu, Koren, Volinsky 2008).

    (Q'Q + Q' diag(c) Q + l2 I) p = Q' (s + c), with confidence c = alpha * weight and s one;
    for a row that fades s is its weight, so that what is all but forgotten asks for nothing.
    """

    alpha: float
    l2: float
    half_life: float | None
    fading: float | None = None
    products_: np.ndarray  # (products, factors)

    def score(self, rows: Interactions) -> np.ndarray:
        products = self.products_.astype(float)
        ground = products.T @ products + self.l2 * np.eye(products.shape[1])
        weights = self._weights(rows)
        tastes = np.zeros((rows.shape[0], products.shape[1]))
        for row in range(rows.shape[0]):
            cells = slice(weights.indptr[row], weights.indptr[row + 1])
            mine = products[weights.indices[cells]]
            trust, asked = self.confidence(weights.data[cells])
            believed = mine * np.sqrt(trust)[:, None]
            tastes[row] = solved(ground + believed.T @ believed, mine.T @ asked)
        return np.asarray(tastes @ products.T)

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        """The score is a sum over the choices (Hu, Koren, Volinsky 2008, section 5)."""
        products = self.products_.astype(float)
        weights = self._weights(row)
        mine = products[weights.indices]
        trust, asked = self.confidence(weights.data)
        left = products.T @ products + self.l2 * np.eye(products.shape[1])
        seen_by = np.linalg.solve(left + (mine.T * trust) @ mine, products[product])
        return np.asarray((mine @ seen_by) * asked)

    def _weights(self, rows: Interactions) -> sparse.csr_matrix:
        return rows.weights(half_life=self.half_life, likes=0.5, fading=self.fading)

    def confidence(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(cells,) c and s + c of the choices of a row, from their weights."""
        trust = self.alpha * weights
        if self.fading is None:
            return trust, trust + 1.0
        return BOOST * trust, BOOST * trust + weights


def solved(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """By Cholesky, at half the cost of the general way: what is shrunk is positive definite."""
    _, solved, failed = lapack.dposv(left, right)
    return np.linalg.solve(left, right) if failed else np.asarray(solved)


class Factoriser(Protocol):
    """What learns the factors of ALS: here, or on other machines."""

    def __call__(
        self, confidence: sparse.csr_matrix, *, factors: int, l2: float, iterations: int, seed: int
    ) -> np.ndarray:
        """(products, factors) from (customers, products) confidences, 1 + c where chosen."""
        ...


def in_process(
    confidence: sparse.csr_matrix, *, factors: int, l2: float, iterations: int, seed: int
) -> np.ndarray:
    """By the implicit library, in one thread, so that a seed is a result."""
    from implicit.als import AlternatingLeastSquares  # slow to import

    model = AlternatingLeastSquares(
        factors=factors,
        regularization=l2,
        alpha=1.0,
        iterations=iterations,
        random_state=seed,
        num_threads=1,
        use_gpu=False,
    )
    model.fit(confidence, show_progress=False)
    return np.asarray(model.item_factors, dtype=np.float32)


factoriser: Factoriser = in_process


def factorise_with(other: Factoriser) -> None:
    """From now on ALS of this process learns its factors by this."""
    global factoriser  # noqa: PLW0603  (one for the process, chosen when it starts)
    factoriser = other


class Als(ImplicitFactors):
    """Alternating least squares (Hu, Koren, Volinsky 2008) by the factoriser of the process."""

    name: ClassVar[str] = "als"

    def __init__(  # noqa: PLR0913
        self,
        *,
        factors: int = 32,
        l2: float = 30.0,
        alpha: float = 10.0,
        iterations: int = 8,
        half_life: float | None = None,
        fading: float | None = None,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.l2 = l2
        self.alpha = alpha
        self.iterations = iterations
        self.half_life = half_life
        self.fading = fading
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        weights = interactions.weights(half_life=self.half_life, likes=0.5)
        # The library takes confidences 1 + c; ours scores with the same.
        confidence = sparse.csr_matrix(weights * self.alpha + interactions.touched(), dtype="f4")
        self.products_ = factoriser(
            confidence,
            factors=self.factors,
            l2=self.l2,
            iterations=self.iterations,
            seed=self.seed,
        )
        return self


class Bpr(ImplicitFactors):
    """Bayesian personalised ranking (Rendle et al. 2009), folded in by least squares."""

    name: ClassVar[str] = "bpr"

    def __init__(
        self,
        *,
        factors: int = 32,
        l2: float = 0.05,
        rate: float = 0.05,
        iterations: int = 100,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.l2 = l2
        self.rate = rate
        self.iterations = iterations
        self.seed = seed

    alpha = 1.0
    half_life = None

    def fit(self, interactions: Interactions) -> Self:
        from implicit.bpr import BayesianPersonalizedRanking  # slow to import

        model: Any = BayesianPersonalizedRanking(
            factors=self.factors,
            regularization=self.l2,
            learning_rate=self.rate,
            iterations=self.iterations,
            random_state=self.seed,
            num_threads=1,
            use_gpu=False,
        )
        model.fit(sparse.csr_matrix(interactions.touched(), dtype="f4"), show_progress=False)
        self.products_ = np.asarray(model.item_factors, dtype=np.float32)
        return self


class TruncatedSvd(Recommender):
    """PureSVD (Cremonesi, Koren, Turrin 2010): rows projected on the leading directions."""

    name: ClassVar[str] = "truncated-svd"

    def __init__(
        self,
        *,
        factors: int = 32,
        half_life: float | None = None,
        fading: float | None = None,
        seed: int = 0,
    ) -> None:
        self.factors = factors
        self.half_life = half_life
        self.fading = fading
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        from sklearn.utils.extmath import randomized_svd

        weights = interactions.weights(half_life=self.half_life, likes=0.5)
        # Half of the usual normalisation: popular products keep part of their say.
        self.scale_ = (1.0 + np.asarray(weights.power(2).sum(axis=0)).ravel()) ** -0.25
        scaled = weights @ sparse.diags(self.scale_)
        factors = max(1, min(self.factors, min(scaled.shape) - 1))
        _, _, right = randomized_svd(scaled, factors, n_iter=5, random_state=self.seed)
        self.directions_ = right.T.astype(np.float32)
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        weights = self._weights(rows) @ sparse.diags(self.scale_)
        projected = (weights @ self.directions_) @ self.directions_.T
        return np.asarray(projected / self.scale_, dtype=float)

    def pieces(self, row: Interactions, product: int) -> np.ndarray | None:
        weights = self._weights(row)
        chosen = weights.indices
        likeness = self.directions_[chosen] @ self.directions_[product]
        return np.asarray(weights.data * self.scale_[chosen] * likeness / self.scale_[product])

    def _weights(self, rows: Interactions) -> sparse.csr_matrix:
        return rows.weights(half_life=self.half_life, likes=0.5, fading=self.fading)
