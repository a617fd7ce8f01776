"""Products that nobody chose yet take the place that their attributes foretell."""

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml.cold import AttributeFactors, foretell
from recommendations.ml.factors import Als
from recommendations.ml.interactions import Interactions
from tests.contracts import RecommenderContract


def world(*, customers=60, products=60, cold=6, features=True, seed=0):
    """Customers choose within one of three kinds; the last `cold` products were never chosen."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(products) % 3
    rows, columns = [], []
    for customer in range(customers):
        mine = np.flatnonzero((kinds == customer % 3) & (np.arange(products) < products - cold))
        chosen = rng.choice(mine, min(8, len(mine)), replace=False)
        rows += [customer] * len(chosen)
        columns += chosen.tolist()
    about = sparse.csr_matrix(np.hstack([np.eye(3)[kinds], rng.random((products, 2)) * 0.1]))
    return Interactions.from_rows(
        (np.array(rows), np.array(columns)),
        np.ones(len(rows)),
        np.arange(len(rows), dtype=float),
        shape=(customers, products),
        features=about if features else None,
    )


class TestAttributeFactors(RecommenderContract):
    @pytest.fixture
    def data(self):
        return world()

    @pytest.fixture
    def estimator(self):
        return AttributeFactors(factors=8)


def test_a_product_that_nobody_chose_is_ranked_by_what_it_is():
    data = world()
    scores = AttributeFactors(factors=8).fit(data).score(data)[:, -6:]
    of_my_kind = (np.arange(54, 60) % 3)[None, :] == (np.arange(60) % 3)[:, None]
    assert scores[of_my_kind].min() > scores[~of_my_kind].max()


def test_als_alone_knows_nothing_of_it():
    data = world()
    scores = Als(factors=8).fit(data).score(data)[:, -6:]
    assert np.abs(scores).max() < 1e-6


def test_products_with_customers_keep_their_own_factors():
    data = world()
    own, ours = Als(factors=8, iterations=15).fit(data), AttributeFactors(factors=8).fit(data)
    assert np.allclose(own.products_[:54], ours.products_[:54])
    assert ours.foretold_.tolist() == [False] * 54 + [True] * 6


def test_few_customers_may_be_too_few():
    ours = AttributeFactors(factors=8, fewest=1_000).fit(world())
    assert not ours.foretold_.any()  # nothing is left to learn from: all stay as they are


@pytest.mark.parametrize("data", [world(features=False), world(cold=0), world(products=18)])
def test_where_nothing_can_be_foretold_it_is_als(data):
    ours, own = AttributeFactors(factors=8).fit(data), Als(factors=8, iterations=15).fit(data)
    assert np.allclose(ours.products_, own.products_)


def test_a_product_without_any_attribute_is_like_the_average_one():
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(40, 4)) + 3.0
    features = sparse.csr_matrix(np.vstack([rng.random((39, 5)), np.zeros((1, 5))]))
    known = np.arange(40) < 39
    [one] = foretell(factors, features, known, rng=np.random.default_rng(1))
    assert np.allclose(one, factors[:39].mean(axis=0), atol=1e-5)


def test_a_linear_world_is_foretold():
    rng = np.random.default_rng(0)
    features = sparse.csr_matrix(rng.normal(size=(200, 6)))
    factors = features @ rng.normal(size=(6, 4))
    known = np.arange(200) < 180
    found = foretell(factors, features, known, rng=np.random.default_rng(1))
    assert np.corrcoef(found.ravel(), factors[180:].ravel())[0, 1] > 0.99
