"""Surprise's numbers, faster: the same predictions as its own loop."""

import json

import numpy as np
import pytest

from crm.ml.estimator import State
from recommendations.ml.interactions import Interactions
from recommendations.ml.rating_blend import RatingBlend
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


class TestBlend:
    @pytest.fixture(scope="class")
    def dated(self, ratings):
        """Ratings with moments, in sittings of good and of bad mood."""
        rng = np.random.default_rng(1)
        cells = ratings.values.tocoo()
        days = np.floor(rng.random(len(cells.data)) * 6) * 10
        mood = np.where((days / 10 + cells.row) % 2 == 0, 0.8, -0.8)
        return Interactions.from_rows(
            (cells.row, cells.col),
            np.clip(cells.data + mood, 1, 5),
            days,
            shape=ratings.shape,
            explicit=True,
        )

    @pytest.fixture(scope="class")
    def split(self, dated):
        held = np.random.default_rng(2).random(dated.values.nnz) < 0.2
        return dated.keep(~held), dated.keep(held)

    @pytest.fixture(scope="class")
    def blend(self, split):
        return RatingBlend().fit(split[0])

    def wrong(self, held, predicted):
        return np.sqrt(np.mean((predicted - held.values.tocoo().data) ** 2))

    def test_it_is_better_on_ratings_it_never_saw_than_its_best_member(self, split, blend):
        earlier, held = split
        cells = held.values.tocoo()
        alone = [self.wrong(held, blend.members_[n].rate(cells.row, cells.col)) for n in range(3)]
        together = self.wrong(held, blend.rate(earlier, cells.row, cells.col, held.days))
        assert together < min(alone)

    def test_the_mood_of_a_sitting_is_heard_where_the_moment_is_known(self, split, blend):
        earlier, held = split
        cells = held.values.tocoo()
        told = self.wrong(held, blend.rate(earlier, cells.row, cells.col, held.days))
        assert told < self.wrong(held, blend.rate(earlier, cells.row, cells.col))

    def test_what_the_trees_learn_from_never_saw_the_rating(self, split):
        """A rating that is wildly off moves what its own fold is told by nothing."""
        earlier, _ = split
        values = earlier.values.copy()
        values.data[7] = 1.0 if values.data[7] > 3 else 5.0
        other = Interactions(values, earlier.days, earlier.today, None, True)
        one, two = (RatingBlend()._unseen(data)[7] for data in (earlier, other))
        assert np.allclose(one, two)

    def test_unknown_customers_and_products_get_what_is_known(self, split, blend):
        rated = blend.rate(split[0], np.array([-1, -1, 0]), np.array([-1, 0, -1]), np.zeros(3))
        assert np.all((rated >= 1) & (rated <= 5))

    def test_state_survives_the_round_trip(self, split, blend):
        state = blend.state()
        assert all(array.dtype != object for array in state.arrays.values())
        again = RatingBlend.from_state(State(state.arrays, json.loads(json.dumps(state.settings))))
        cells = split[1].values.tocoo()
        asked = (split[0], cells.row, cells.col, split[1].days)
        assert np.allclose(again.rate(*asked), blend.rate(*asked))

    def test_a_handful_of_ratings_is_the_mean_of_the_members(self):
        few = Interactions.from_rows(
            (np.arange(6) % 3, np.arange(6) % 4),
            np.array([5.0, 4, 3, 5, 1, 2]),
            None,
            shape=(3, 4),
            explicit=True,
        )
        blend = RatingBlend().fit(few)
        rated = blend.rate(few, np.array([0, -1]), np.array([1, 2]))
        assert blend.trees_ is None
        assert np.all((rated >= 1) & (rated <= 5))
        again = RatingBlend.from_state(blend.state())
        assert np.allclose(again.rate(few, np.array([0]), np.array([1])), rated[:1])
