"""Every recommender keeps the same promises, and finds what is planted."""

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml import hybrid as hybrid_module
from recommendations.ml.content import Content, describe
from recommendations.ml.ease import Ease
from recommendations.ml.hybrid import DENSE, Hybrid
from recommendations.ml.interactions import Interactions
from recommendations.ml.neighbours import ItemNeighbours
from recommendations.ml.popularity import History, Popularity, trend
from recommendations.ml.ranking import best
from recommendations.ml.sequential import LinearTransitions, Sequential
from recommendations.ml.sessions import SessionNeighbours
from recommendations.ml.voices import VOICES
from recommendations.ml.window import first_steps
from tests.contracts import RecommenderContract
from tests.recommendations.ml.extras import algorithms
from tests.recommendations.ml.worlds import chain, two_tastes

SMALL = {
    "truncated-svd": {"factors": 2},
    "als": {"factors": 8},
    "bpr": {"factors": 8},
    "linear-transitions": {"l2": 5.0},
    "svd": {"epochs": 5},
    "svdpp": {"epochs": 5},
    "gru": {"size": 16, "epochs": 25, "rate": 0.03, "ahead": 0.8},
}
QUICK_PARTS = (("popularity", {}), ("ease", {}), ("item-knn", {}), ("content", {}))
FINDERS = (
    "item-knn",
    "user-knn",
    "als",
    "truncated-svd",
    "ease",
    "content",
    "sequential",
    "linear-transitions",
    "session-knn",
    "gru",
)
FADING = ("item-knn", "user-knn", "als", "truncated-svd", "ease", "content")


def make(name):
    return Hybrid(parts=QUICK_PARTS) if name == "hybrid" else VOICES[name](**SMALL.get(name, {}))


@pytest.mark.parametrize("name", algorithms(*VOICES, "hybrid"))
class TestEveryRecommender(RecommenderContract):
    @pytest.fixture
    def data(self):
        return two_tastes(ratings=True)[0]

    @pytest.fixture
    def estimator(self, name):
        return make(name)


@pytest.mark.parametrize("name", algorithms(*FINDERS, "hybrid"))
def test_planted_tastes_are_recovered(name):
    data, held = two_tastes()
    scores = make(name).fit(data).score(data)
    found = [
        best(scores[customer], n=1, exclude=data.take([customer]).values.indices)[0]
        for customer in range(data.shape[0])
    ]
    assert np.mean(np.array(found) == held) > 0.95


@pytest.mark.parametrize("name", algorithms(*VOICES, "hybrid"))
class TestSmallWorlds:
    def world(self, customers, products, cells):
        rows, columns = (np.array(part, dtype=int) for part in cells)
        return Interactions.from_rows(
            (rows, columns),
            np.ones(len(rows)),
            np.arange(len(rows), dtype=float),
            shape=(customers, products),
        )

    def test_one_customer_is_enough_to_answer(self, name):
        data = self.world(1, 4, ([0, 0], [0, 1]))
        assert np.all(np.isfinite(make(name).fit(data).score(data)))

    def test_a_catalogue_of_three_is_enough_to_answer(self, name):
        data = self.world(3, 3, ([0, 0, 1, 2], [0, 1, 1, 2]))
        assert make(name).fit(data).score(data).shape == (3, 3)

    def test_a_product_that_nobody_chose_gets_a_finite_score(self, name):
        data = self.world(4, 5, ([0, 0, 1, 1, 2, 3], [0, 1, 0, 1, 2, 2]))
        assert np.all(np.isfinite(make(name).fit(data).score(data)[:, 4]))


@pytest.mark.parametrize("name", FADING)
class TestFading:
    def test_what_was_chosen_last_says_most(self, name):
        """Somebody of both tastes is shown what goes with the later one."""
        data, _ = two_tastes(customers=60)
        voice = VOICES[name](fading=0.5, **SMALL.get(name, {})).fit(data)
        columns = np.array([0, 2, 4, 6, 1, 3, 5, 7])
        for order, later in ((np.arange(8.0), 1), (np.arange(8.0)[::-1], 0)):
            row = Interactions.from_rows(
                (np.zeros(8, int), columns), np.ones(8), order, shape=(1, 20)
            )
            score = voice.score(row)[0]
            unseen = np.arange(8, 20)
            assert (
                score[unseen[unseen % 2 == later]].min() > score[unseen[unseen % 2 != later]].max()
            )

    def test_pieces_add_up_to_the_score(self, name):
        data, _ = two_tastes()
        voice = VOICES[name](fading=0.8, **SMALL.get(name, {})).fit(data)
        row = data.take([3])
        pieces = voice.pieces(row, 4)
        assert np.isclose(pieces.sum(), voice.score(row)[0, 4], rtol=1e-4, atol=1e-5)


class TestPopularity:
    def test_what_more_customers_chose_scores_higher(self):
        data = Interactions.from_rows(
            (np.array([0, 1, 2]), np.array([1, 1, 0])), np.ones(3), None, shape=(3, 3)
        )
        assert Popularity().fit(data).score(data)[0].tolist() == [1.0, 2.0, 0.0]

    def test_what_was_chosen_lately_counts_more(self):
        data = Interactions.from_rows(
            (np.array([0, 1, 2]), np.array([0, 0, 1])),
            np.ones(3),
            np.array([0.0, 0.0, 100.0]),
            shape=(3, 2),
        )
        scores = Popularity(half_life=10.0).fit(data).score(data)[0]
        assert scores[1] > scores[0]


def test_rarity_is_popularity_the_other_way_round():
    data = Interactions.from_rows(
        (np.array([0, 1, 2]), np.array([1, 1, 0])), np.ones(3), None, shape=(3, 3)
    )
    assert np.argsort(-VOICES["rarity"]().fit(data).score(data)[0]).tolist() == [2, 0, 1]


class TestTrend:
    def risen(self):
        """Product 0 was chosen long ago, product 1 lately, by as many."""
        rows = np.arange(20)
        return Interactions.from_rows(
            (rows, rows % 2), np.ones(20), np.where(rows % 2, 100.0, 0.0), shape=(20, 3)
        )

    def test_what_is_chosen_lately_is_above_one_and_what_stopped_is_below(self):
        found = trend(self.risen(), 1.0)
        assert found[1] > 1.0 > found[0]

    def test_power_nothing_and_a_table_without_times_change_nothing(self):
        assert trend(self.risen(), 0.0).tolist() == [1.0, 1.0, 1.0]
        flat = Interactions.from_rows(
            (np.arange(4), np.arange(4) % 2), np.ones(4), None, shape=(4, 3)
        )
        assert np.allclose(trend(flat, 1.0), 1.0)

    @pytest.mark.parametrize("name", ["ease", "item-knn", "user-knn"])
    def test_scores_are_those_without_it_times_the_trend(self, name):
        data, _ = two_tastes()
        plain, rising = VOICES[name]().fit(data), VOICES[name](rising=0.7).fit(data)
        expected = plain.score(data) * trend(data, 0.7)
        assert np.allclose(rising.score(data), expected, rtol=1e-4, atol=1e-6)
        pieces = rising.pieces(data.take([4]), 6)
        assert np.isclose(pieces.sum(), rising.score(data.take([4]))[0, 6], atol=1e-5)


class TestHistory:
    def test_what_a_customer_buys_again_and_again_comes_first(self):
        data = Interactions.from_rows(
            (np.array([0, 0, 0, 0]), np.array([0, 1, 1, 1])),
            np.ones(4),
            np.arange(4.0),
            shape=(1, 3),
        )
        assert History().fit(data).score(data)[0].argmax() == 1

    def test_amounts_are_in_parts_of_what_is_usual(self):
        """Twelve napkins are one packet; two teapots are a second one."""
        data = Interactions.from_rows(
            (np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1])),
            np.array([12.0, 2.0, 12.0, 1.0, 12.0, 1.0]),
            np.zeros(6),
            shape=(3, 2),
        )
        assert History().fit(data).score(data)[0].argmax() == 1

    def test_what_nobody_buys_any_more_comes_after_what_is_still_bought(self):
        data = Interactions.from_rows(
            (np.array([0, 0, 1, 2, 3, 4]), np.array([0, 1, 0, 0, 1, 1])),
            np.ones(6),
            np.array([50.0, 50.0, 0.0, 0.0, 100.0, 100.0]),
            shape=(5, 2),
        )
        assert History().fit(data).score(data)[0].argmax() == 1

    def test_pieces_are_the_choice_itself(self):
        data, _ = two_tastes()
        history = History().fit(data)
        row = data.take([1])
        column = int(row.values.indices[0])
        assert np.isclose(history.pieces(row, column).sum(), history.score(row)[0, column])
        assert history.pieces(row, 0).sum() == 0.0


class TestNeighbours:
    def test_likeness_is_symmetric_in_its_choice_and_free_of_itself(self):
        data, _ = two_tastes()
        likeness = ItemNeighbours(k=100).fit(data).likeness_.toarray()
        assert np.allclose(likeness, likeness.T)
        assert np.all(likeness.diagonal() == 0)

    def test_only_the_nearest_are_kept(self):
        data, _ = two_tastes()
        kept = ItemNeighbours(k=3).fit(data).likeness_
        assert np.all(kept.tocsc().getnnz(axis=0) <= 3)


class TestEase:
    def test_no_product_is_explained_by_itself(self):
        data, _ = two_tastes()
        assert np.all(Ease().fit(data).taught_.diagonal() == 0)

    def test_it_solves_the_ridge_regression_it_claims_to(self):
        data, _ = two_tastes(customers=60)
        taught = Ease(l2=7.0, dropout=0.0, likes=0.0).fit(data).taught_
        x = data.touched().toarray()
        others = np.arange(1, x.shape[1])
        a = x[:, others]
        expected = np.linalg.solve(a.T @ a + 7.0 * np.eye(len(others)), a.T @ x[:, 0])
        assert np.allclose(taught[others, 0], expected, atol=1e-5)

    def test_pieces_add_up_to_the_score(self):
        data, _ = two_tastes()
        ease = Ease().fit(data)
        row = data.take([5])
        assert np.isclose(ease.pieces(row, 3).sum(), ease.score(row)[0, 3], atol=1e-5)


class TestSequential:
    def test_the_next_step_of_a_circle_is_found(self):
        data = chain()
        scores = Sequential(window=1, last=1).fit(data).score(data)
        for customer in range(data.shape[0]):
            assert scores[customer].argmax() == (customer * 3 + 5) % 10

    def test_pieces_add_up_to_the_score(self):
        data = chain()
        sequential = Sequential().fit(data)
        row = data.take([2])
        assert np.isclose(sequential.pieces(row, 4).sum(), sequential.score(row)[0, 4])


class TestLinearTransitions:
    def test_the_next_step_of_a_circle_is_found(self):
        data = chain()
        scores = LinearTransitions(l2=1.0).fit(data).score(data)
        for customer in range(data.shape[0]):
            assert scores[customer].argmax() == (customer * 3 + 5) % 10

    def test_it_solves_the_ridge_regression_it_claims_to(self):
        data = chain(customers=4, products=6)
        fitted = LinearTransitions(l2=3.0, past=0.5, next=0.25, ahead=2).fit(data)
        until, after = [], []
        for customer in range(4):
            steps = [(customer * 3 + step) % 6 for step in range(5)]
            for t in range(5):
                x, y = np.zeros(6), np.zeros(6)
                for step in range(t + 1):
                    x[steps[step]] = 0.5 ** (t - step)
                for ahead in (1, 2):
                    if t + ahead < 5:
                        y[steps[t + ahead]] = 0.25 ** (ahead - 1)
                until.append(x)
                after.append(y)
        x, y = np.array(until), np.array(after)
        expected = np.linalg.solve(x.T @ x + 3.0 * np.eye(6), x.T @ y)
        assert np.allclose(fitted.leads_, expected, atol=1e-5)

    def test_it_is_the_same_in_small_parts(self, monkeypatch):
        data = chain()
        whole = LinearTransitions().fit(data).leads_
        monkeypatch.setattr("recommendations.ml.sequential.AT_ONCE", 7)
        assert np.allclose(LinearTransitions().fit(data).leads_, whole, atol=1e-6)


class TestSessionNeighbours:
    def steps(self, *rows):
        cells = [
            (r, product, step) for r, row in enumerate(rows) for step, product in enumerate(row)
        ]
        customers, products, days = (np.array(part) for part in zip(*cells, strict=True))
        return Interactions.from_rows(
            (customers, products), np.ones(len(days)), days.astype(float), shape=(len(rows), 8)
        )

    def test_what_a_neighbour_chose_near_the_shared_step_counts_most(self):
        data = self.steps([0, 1, 2, 3, 4, 5], [6, 1])
        score = SessionNeighbours(near=0.5).fit(data).score(data.take([1]))[0]
        assert score[2] > score[3] > score[4] > score[5] > 0

    def test_the_customer_who_shares_the_last_choice_is_nearer(self):
        data = self.steps([0, 2], [1, 3], [0, 1])
        score = SessionNeighbours(fading=0.5).fit(data).score(data.take([2]))[0]
        assert score[3] > score[2] > 0

    def test_only_the_nearest_are_asked(self):
        data = self.steps([1, 2], [1, 3], [1, 4], [1, 2])
        score = SessionNeighbours(k=1).fit(data).score(data.take([0]))[0]
        assert np.count_nonzero(score) == 2

    def test_pieces_add_up_to_the_score(self):
        data = chain()
        voice = SessionNeighbours().fit(data)
        row = data.take([2])
        assert np.isclose(voice.pieces(row, 4).sum(), voice.score(row)[0, 4])


class TestContent:
    def test_a_product_that_nobody_chose_is_found_by_its_words(self):
        features = describe(["red phone", "blue phone", "oak table"], [[], [], []])
        data = Interactions.from_rows(
            (np.array([0]), np.array([0])), np.ones(1), None, shape=(1, 3), features=features
        )
        scores = Content().fit(data).score(data)[0]
        assert scores[1] > scores[2]

    def test_chinese_is_compared_by_pairs_of_characters(self):
        features = describe(["智能手机", "手机壳", "运动鞋"], [[], [], []]).toarray()
        assert features[0] @ features[1] > features[0] @ features[2]

    def test_attributes_alone_are_enough(self):
        features = describe(["", ""], [["brand=a"], ["brand=a"]]).toarray()
        assert np.isclose(features[0] @ features[1], 1.0)

    def test_nothing_written_is_likeness_to_nothing(self):
        assert describe(["", ""], [[], []]).nnz == 0
        assert describe([], []).shape[0] == 0


class TestHybrid:
    def test_it_listens_to_the_voice_that_is_right_on_later_time(self):
        data, _ = two_tastes(customers=120, products=40)
        hybrid = Hybrid(parts=(("popularity", {}), ("item-knn", {}))).fit(data)
        assert hybrid.weights_[1, 1] > hybrid.weights_[1, 0]

    def test_of_somebody_unknown_only_what_sells_is_heard(self):
        data, _ = two_tastes(customers=120, products=40)
        hybrid = Hybrid(parts=QUICK_PARTS).fit(data)
        nobody = data.take([0]).keep(np.zeros(19, dtype=bool))
        popular = Popularity().fit(data).score(nobody)[0]
        assert np.array_equal(np.argsort(hybrid.score(nobody)[0]), np.argsort(popular))

    def test_groups_are_by_the_length_of_the_history(self):
        data, _ = two_tastes(customers=120, products=40)
        hybrid = Hybrid(parts=QUICK_PARTS).fit(data)
        hybrid.weights_ = np.arange(16.0).reshape(4, 4)
        heard = [
            int(hybrid.weights_of(first_steps(data.take([0]), n)[0])[0, 0]) for n in (0, 1, 2, 3, 6)
        ]
        assert heard == [0, 4, 4, 8, 12]

    def test_newcomers_weights_are_learned_on_customers_that_no_voice_was_taught(self, monkeypatch):
        taught = []
        fit = Popularity.fit
        monkeypatch.setattr(
            Popularity, "fit", lambda self, data: taught.append(data) or fit(self, data)
        )
        data, _ = two_tastes(customers=300, products=40)
        Hybrid(parts=QUICK_PARTS).fit(data)
        inner, final = taught
        left_out = np.flatnonzero(np.diff(inner.values.indptr) == 0)
        assert len(left_out) == 45
        assert np.all(np.diff(final.values.indptr) > 0)

    def test_voices_that_differ_only_at_scoring_are_taught_once(self, monkeypatch):
        taught = []
        fit = Ease.fit
        monkeypatch.setattr(Ease, "fit", lambda self, data: taught.append(self) or fit(self, data))
        data, _ = two_tastes()
        parts = (("ease", {}), ("ease", {"fading": 0.5}), ("ease", {"l2": 5.0}))
        hybrid = Hybrid(parts=parts)
        hybrid.weights_, hybrid.heard_ = np.full((4, 3), 1 / 3), np.arange(3)
        again = hybrid.refit(data)
        assert len(taught) == 2
        assert np.array_equal(again.voices_[0].taught_, again.voices_[1].taught_)
        assert again.voices_[1].fading == 0.5

    def test_nothing_of_the_window_is_taught_before_it_is_judged(self, monkeypatch):
        """The first fit must not see what the later part, and only it, holds."""
        taught = []
        fit = Popularity.fit
        monkeypatch.setattr(
            Popularity, "fit", lambda self, data: taught.append(data) or fit(self, data)
        )
        rng = np.random.default_rng(0)
        days = rng.random(2_000) * 100
        data = Interactions.from_rows(
            (rng.integers(0, 40, 2_000), rng.integers(0, 60, 2_000)),
            np.ones(2_000),
            days,
            shape=(40, 60),
        )
        Hybrid(parts=QUICK_PARTS).fit(data)
        assert taught[0].days.max() < np.quantile(days, 0.8)
        assert taught[1].days.max() == days.max()

    def test_weights_add_up_to_one(self):
        data, _ = two_tastes()
        assert np.allclose(Hybrid(parts=QUICK_PARTS).fit(data).weights_.sum(axis=1), 1.0)

    def test_refit_keeps_the_weights_and_learns_the_rest_anew(self):
        data, _ = two_tastes()
        hybrid = Hybrid(parts=QUICK_PARTS).fit(data)
        again = hybrid.refit(two_tastes(seed=1)[0])
        assert np.array_equal(again.weights_, hybrid.weights_)
        assert not np.allclose(again.score(data), hybrid.score(data))

    def test_nothing_to_judge_by_lets_everybody_speak_alike(self):
        data = Interactions.from_rows(
            (np.arange(4), np.arange(4)), np.ones(4), np.arange(4.0), shape=(4, 4)
        )
        weights = Hybrid(parts=QUICK_PARTS).fit(data).weights_
        assert np.allclose(weights, 0.25)


def test_a_matrix_without_a_single_interaction_is_scored_with_zeros():
    empty = Interactions(sparse.csr_matrix((2, 3)), np.zeros(0), 0.0)
    for name in (
        "popularity",
        "item-knn",
        "user-knn",
        "ease",
        "content",
        "sequential",
        "history",
        "linear-transitions",
        "session-knn",
    ):
        assert np.all(VOICES[name]().fit(empty).score(empty) == 0), name


class TestHybridOfALargeCatalogue:
    PARTS = (*QUICK_PARTS, ("linear-transitions", {}))

    def test_voices_that_hold_every_pair_of_products_are_left_out(self, monkeypatch):
        monkeypatch.setattr(hybrid_module, "DENSE_UP_TO", 10)
        data, held = two_tastes()
        large = Hybrid(parts=self.PARTS).fit(data)
        dense = [number for number, (name, _) in enumerate(self.PARTS) if name in DENSE]
        assert len(dense) == 2
        assert not large.weights_[:, dense].any()
        assert np.allclose(large.weights_.sum(axis=1), 1.0)
        assert {voice.name for voice in large.voices().values()}.isdisjoint(DENSE)
        scores = Hybrid.from_state(large.state()).score(data)
        found = [
            best(scores[customer], n=1, exclude=data.take([customer]).values.indices)[0]
            for customer in range(data.shape[0])
        ]
        assert np.mean(np.array(found) == held) > 0.95

    def test_weights_of_repeats_that_cannot_be_seen_leave_them_out_too(self, monkeypatch):
        monkeypatch.setattr(hybrid_module, "DENSE_UP_TO", 10)
        data, _ = two_tastes()
        weights = Hybrid(repeats=True).fit(data).weights_
        assert np.allclose(weights.sum(axis=1), 1.0)

    def test_judging_a_few_rows_at_once_is_judging_all(self, monkeypatch):
        data, _ = two_tastes(customers=80)
        whole = Hybrid(parts=QUICK_PARTS).fit(data).weights_
        monkeypatch.setattr(hybrid_module, "IN_HAND", 1)
        assert np.allclose(Hybrid(parts=QUICK_PARTS).fit(data).weights_, whole)
