"""Surprise's numbers, faster: the same predictions as its own loop."""

import numpy as np
import pytest

from recommendations.ml.interactions import Interactions
from recommendations.ml.ratings import KnnBaseline, Svd, SvdPlusPlus, product_means, trainset


@pytest.fixture(scope="module")
def ratings():
    rng = np.random.default_rng(0)
    tastes, kinds = rng.normal(size=(60, 2)), rng.normal(size=(30, 2))
    whole = np.clip(np.round(3.5 + tastes @ kinds.T * 0.7), 1, 5)
    rows, columns = np.nonzero(rng.random((60, 30)) < 0.5)
    return Interactions.from_rows(
        (rows, columns), whole[rows, columns], None, shape=(60, 30), explicit=True
    )


def errors(ratings, predicted):
    cells = ratings.values.tocoo()
    return np.sqrt(np.mean((predicted(cells.row, cells.col) - cells.data) ** 2))


def test_svd_predicts_as_surprise_does(ratings):
    from surprise import SVD

    ours = Svd(factors=5, epochs=10, rate_of_learning=0.005, regularization=0.02).fit(ratings)
    theirs = SVD(n_factors=5, n_epochs=10, random_state=0).fit(trainset(ratings))
    for customer, product in ((0, 0), (7, 21), (59, 29)):
        predicted = ours.rate(np.array([customer]), np.array([product]))[0]
        assert np.isclose(predicted, theirs.predict(customer, product).est)


def test_svdpp_predicts_as_surprise_does(ratings):
    from surprise import SVDpp

    ours = SvdPlusPlus(factors=4, epochs=5).fit(ratings)
    theirs = SVDpp(n_factors=4, n_epochs=5, random_state=0, cache_ratings=True)
    theirs.fit(trainset(ratings))
    predicted = ours.rate(np.array([3]), np.array([4]))[0]
    assert np.isclose(predicted, theirs.predict(3, 4).est)


def test_knn_baseline_predicts_as_surprise_does(ratings):
    from surprise import KNNBaseline as Theirs

    options = {"name": "pearson_baseline", "user_based": False, "shrinkage": 100.0}
    theirs = Theirs(k=40, sim_options=options, verbose=False).fit(trainset(ratings))
    ours = KnnBaseline(k=40).fit(ratings)
    predicted = ours.rate(ratings, np.array([3]), np.array([4]))[0]
    assert np.isclose(predicted, theirs.predict(3, 4).est, atol=0.02)


def test_a_row_of_all_products_is_what_single_predictions_say(ratings):
    svd = Svd(factors=5, epochs=5).fit(ratings)
    known = svd.score_known(np.array([2]))[0]
    single = svd.rate(np.full(30, 2), np.arange(30))
    assert np.allclose(np.clip(known, *svd.scale_), single)


def test_it_learns_more_than_the_mean_of_each_product(ratings):
    svd = Svd(factors=5).fit(ratings)
    means = product_means(ratings)
    assert errors(ratings, svd.rate) < errors(ratings, lambda _, products: means[products])


def test_unknown_customers_and_products_get_what_is_known(ratings):
    svd = Svd(factors=5, epochs=5).fit(ratings)
    nobody = svd.rate(np.array([-1, -1]), np.array([0, -1]))
    assert np.isclose(nobody[1], ratings.values.data.mean())
    assert np.all((nobody >= 1) & (nobody <= 5))


def test_predictions_stay_on_the_scale(ratings):
    rated = Svd(factors=5, epochs=50).fit(ratings).rate(np.zeros(30, int), np.arange(30))
    assert rated.min() >= 1
    assert rated.max() <= 5


def test_a_product_rated_once_has_a_mean_near_that_of_all():
    data = Interactions.from_rows(
        (np.arange(5), np.array([0, 0, 0, 0, 1])),
        np.array([5.0, 5, 5, 5, 1]),
        None,
        shape=(5, 3),
        explicit=True,
    )
    means = product_means(data)
    assert means[1] > 3
    assert np.isclose(means[2], data.values.data.mean())
