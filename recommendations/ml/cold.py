"""Factors of products that nobody has chosen yet, foretold from what is known about them.

A ridge regression from attributes to the factors of known products, as the attribute-to-feature
mapping of Gantner et al. 2010 (ICDM); a new product then stands among the others as one of them.
"""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse

from recommendations.ml.factors import Als
from recommendations.ml.interactions import Interactions

FEWEST = 20  # known products to learn from
SHRINKAGES = (0.3, 1.0, 3.0, 10.0)
HELD_BACK = 0.2  # of the known products, to choose the shrinkage by


class AttributeFactors(Als):
    """ALS whose products with too few customers have the factors that their attributes foretell.

    Without attributes it is ALS. `foretold_` (products,) says which were.
    """

    name: ClassVar[str] = "als-attributes"

    def __init__(  # noqa: PLR0913  (those of ALS, and when its own factors are trusted)
        self,
        *,
        factors: int = 64,
        l2: float = 30.0,
        alpha: float = 10.0,
        iterations: int = 15,
        half_life: float | None = None,
        fading: float | None = None,
        fewest: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(
            factors=factors,
            l2=l2,
            alpha=alpha,
            iterations=iterations,
            half_life=half_life,
            fading=fading,
            seed=seed,
        )
        self.fewest = fewest

    def fit(self, interactions: Interactions) -> Self:
        super().fit(interactions)
        customers = np.bincount(interactions.values.indices, minlength=interactions.shape[1])
        known = customers >= self.fewest
        self.foretold_ = np.zeros(len(known), dtype=bool)
        features = interactions.features
        if features is None or known.sum() < FEWEST or known.all():
            return self
        rng = np.random.default_rng(self.seed)
        self.products_[~known] = foretell(self.products_, features, known, rng=rng)
        self.foretold_ = ~known
        return self


def foretell(
    factors: np.ndarray, features: sparse.csr_matrix, known: np.ndarray, *, rng: np.random.Generator
) -> np.ndarray:
    """(products that are not known, factors) from the features of all products.

    factors: (products, factors); features: (products, features); known: (products,) bool.
    The shrinkage is the one that foretells known products best that were held back.
    """
    columns = rng.permutation(np.flatnonzero(known))
    held = max(int(len(columns) * HELD_BACK), 1)
    later, earlier = columns[:held], columns[held:]
    wrong = [
        np.square(_ridge(features, factors, earlier, later, shrinkage) - factors[later]).sum()
        for shrinkage in SHRINKAGES
    ]
    best = SHRINKAGES[int(np.argmin(wrong))]
    return _ridge(features, factors, columns, np.flatnonzero(~known), best)


def _ridge(
    features: sparse.csr_matrix,
    factors: np.ndarray,
    taught: np.ndarray,
    asked: np.ndarray,
    shrinkage: float,
) -> np.ndarray:
    """Factors of the asked products, by the mean of the taught and what sets features apart."""
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=shrinkage, solver="sparse_cg", max_iter=200, tol=1e-4)
    # Learned around the mean: a product without any word is like the average one.
    mean = factors[taught].mean(axis=0)
    model.set_params(fit_intercept=False).fit(features[taught], factors[taught] - mean)
    return np.asarray(model.predict(features[asked]) + mean, dtype=np.float32)
