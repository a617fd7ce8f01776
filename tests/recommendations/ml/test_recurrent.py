"""The recurrent network: read step by step, learned with torch, served without it."""

import json
import sys

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml import recurrent
from recommendations.ml.hybrid import Hybrid
from recommendations.ml.interactions import Interactions
from recommendations.ml.recurrent import Gru, NoTorch, candidates, windows
from tests.recommendations.ml.extras import NEEDS_TORCH
from tests.recommendations.ml.worlds import chain, two_tastes

QUICK = {"size": 16, "epochs": 25, "rate": 0.03, "dropout": 0.2}


def steps(*rows, products=8, days=None):
    """Customers by what they chose, one a day unless the days say otherwise."""
    cells = [(r, product, day) for r, row in enumerate(rows) for day, product in enumerate(row)]
    customers, chosen, when = (np.array(part, int) for part in zip(*cells, strict=True))
    when = when if days is None else np.array(days)
    return Interactions.from_rows(
        (customers, chosen), np.ones(len(when)), when.astype(float), shape=(len(rows), products)
    )


def written(*, size=3, products=8, seed=0):
    """A network whose numbers were made up, not learned."""
    rng, made = np.random.default_rng(seed), Gru(size=size)
    made.products_ = rng.normal(size=(products, size)).astype(np.float32)
    made.popular_ = rng.normal(size=products).astype(np.float32)
    for name in ("inward", "onward"):
        weights = rng.normal(size=(3 * size, size)).astype(np.float32)
        setattr(made, f"{name}_", weights)
        setattr(made, f"{name}_bias_", weights[:, 0] / 2)
    return made


def by_hand(made, chosen):
    """The state after these products by the equations of Cho et al. (2014), one number at a time."""
    size, state = made.size, np.zeros(made.size)
    for product in chosen:
        x, h = made.products_[product], state
        a = [made.inward_[i] @ x + made.inward_bias_[i] for i in range(3 * size)]
        b = [made.onward_[i] @ h + made.onward_bias_[i] for i in range(3 * size)]
        state = np.zeros(size)
        for i in range(size):
            r = 1 / (1 + np.exp(-a[i] - b[i]))
            z = 1 / (1 + np.exp(-a[size + i] - b[size + i]))
            n = np.tanh(a[2 * size + i] + r * b[2 * size + i])
            state[i] = (1 - z) * n + z * h[i]
    return state


class TestScoring:
    """Needs no torch: a fitted network is arrays."""

    def test_a_state_moves_by_the_equations(self):
        made, chosen = written(), [3, 1, 7, 2]
        expected = made.products_ @ by_hand(made, chosen) + made.popular_
        assert np.allclose(made.score(steps(chosen))[0], expected, atol=1e-5)

    def test_rows_of_any_length_are_read_beside_each_other(self):
        made, rows = written(), ([3, 1, 7, 2, 0], [5], [6, 4])
        whole = made.score(steps(*rows))
        for row, chosen in zip(whole, rows, strict=True):
            assert np.allclose(row, made.score(steps(chosen))[0], atol=1e-5)

    def test_the_order_is_that_of_time(self):
        made = written()
        there, back = steps([1, 2, 3]), steps([1, 2, 3], days=[3, 2, 1])
        assert not np.allclose(made.score(there), made.score(back), atol=1e-3)
        assert np.allclose(made.score(back), made.score(steps([3, 2, 1])), atol=1e-5)

    def test_only_the_last_steps_are_read(self):
        made = written()
        made.length = 2
        assert np.allclose(made.score(steps([0, 5, 1, 2])), made.score(steps([1, 2])), atol=1e-5)

    def test_who_chose_nothing_is_told_what_is_popular(self):
        made = written()
        nobody = Interactions(sparse.csr_matrix((2, 8)), np.zeros(0), 0.0)
        assert np.allclose(made.score(nobody), made.popular_)

    def test_what_is_written_and_read_back_scores_the_same(self):
        made, row = written(), steps([3, 1, 7], [2])
        state = made.state()
        assert all(array.dtype == np.float32 for array in state.arrays.values())
        state.settings.update(json.loads(json.dumps(state.settings)))
        assert np.array_equal(Gru.from_state(state).score(row), made.score(row))

    def test_it_serves_in_a_blend_that_is_read_back(self):
        data, made = steps([3, 1, 7], [2, 0]), written()
        blend = Hybrid(parts=(("popularity", {}), ("gru", {"size": 3})))
        blend.weights_, blend.heard_ = np.tile([0.0, 1.0], (4, 1)), np.array([1])
        blend.voices_ = [None, made]
        again = Hybrid.from_state(blend.state())
        assert np.allclose(again.score(data), blend.score(data))
        assert np.argsort(again.score(data)).tolist() == np.argsort(made.score(data)).tolist()

    def test_a_blend_whose_weights_are_known_does_not_learn_it(self, monkeypatch):
        """Those of repeats that cannot be seen have none for the network: no torch is needed."""
        monkeypatch.setitem(sys.modules, "torch", None)
        data, _ = two_tastes()
        with_it, without = (
            Hybrid(repeats=True, recurrent=recurrent).fit(data) for recurrent in (True, False)
        )
        assert with_it.weights_.shape[1] == without.weights_.shape[1] + 1
        assert np.allclose(with_it.score(data), without.score(data))

    def test_a_blend_without_the_switch_never_asks_for_torch(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        data, _ = two_tastes()
        assert "gru" not in {voice.name for voice in Hybrid().fit(data).voices().values()}
        with pytest.raises(NoTorch):
            Hybrid(parts=(("popularity", {}),), recurrent=True).fit(data)

    def test_without_torch_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(NoTorch, match="requirements-neural.txt"):
            Gru().fit(steps([1, 2]))


class TestWindows:
    def cut(self, data, *, length=50, ahead=0.0, seed=0):
        return windows(data, length=length, ahead=ahead, rng=np.random.default_rng(seed))

    def pairs(self, cut):
        asked = cut.targets >= 0
        return sorted(zip(cut.inputs[asked].tolist(), cut.targets[asked].tolist(), strict=True))

    @pytest.mark.parametrize("length", [1, 2, 3, 50])
    def test_every_step_is_followed_by_the_next_of_the_same_customer(self, length):
        data = steps([0, 1, 2, 3], [4, 5], [6])
        for seed in range(5):
            cut = self.cut(data, length=length, seed=seed)
            assert self.pairs(cut) == [(0, 1), (1, 2), (2, 3), (4, 5)]
            assert cut.inputs.shape[1] == length

    def test_a_window_is_of_one_customer_in_order_from_its_beginning(self):
        cut = self.cut(chain(), length=3)
        asked = cut.targets >= 0
        assert asked[:, 0].all()
        assert (asked[:, :-1] >= asked[:, 1:]).all()
        both = asked[:, 1:]
        assert np.array_equal(cut.inputs[:, 1:][both], cut.targets[:, :-1][both])

    def test_after_the_end_stands_the_number_of_products(self):
        cut = self.cut(steps([0, 1]), length=4)
        assert cut.inputs.tolist() == [[0, 8, 8, 8]]
        assert cut.targets.tolist() == [[1, -1, -1, -1]]

    def test_histories_are_cut_at_other_places_at_every_turn(self):
        data = steps([0, 1, 2, 3, 4, 5, 6, 7])
        cuts = {tuple(self.cut(data, length=4, seed=seed).inputs[:, 0]) for seed in range(60)}
        assert len(cuts) == 4

    def test_what_was_chosen_at_one_moment_comes_in_any_order(self):
        data = steps([0, 1, 2], days=[5, 5, 9])
        seen = {tuple(self.pairs(self.cut(data, seed=seed))) for seed in range(20)}
        assert seen == {((0, 1), (1, 2)), ((0, 2), (1, 0))}

    def test_further_ahead_asks_for_later_choices_of_the_same_customer(self):
        data = steps([0, 1, 2, 3], [4, 5])
        seen = set().union(*(self.pairs(self.cut(data, ahead=0.6, seed=s)) for s in range(50)))
        assert seen == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (4, 5)}

    def test_nobody_who_goes_on_is_no_window(self):
        assert self.cut(steps([0], [1])).inputs.shape == (0, 50)
        assert self.cut(Interactions(sparse.csr_matrix((2, 3)), np.zeros(0), 0.0)).inputs.size == 0


class TestCandidates:
    def test_a_small_catalogue_is_compared_whole(self):
        among, right = candidates(np.array([2, 0]), 4, np.random.default_rng(0))
        assert among.tolist() == [0, 1, 2, 3]
        assert right.tolist() == [2, 0]

    def test_of_a_large_one_a_sample_with_every_choice_in_it(self, monkeypatch):
        monkeypatch.setattr(recurrent, "EVERYTHING", 50)
        chosen = np.array([900, 3, 3, 512])
        among, right = candidates(chosen, 1_000, np.random.default_rng(0))
        assert 4 < len(among) <= 53
        assert np.array_equal(among[right], chosen)
        assert len(set(among)) == len(among)


@NEEDS_TORCH
@pytest.mark.scale
class TestLearning:
    def test_the_next_step_of_a_circle_is_found(self):
        data = chain()
        scores = Gru(**QUICK, ahead=0.0).fit(data).score(data)
        for customer in range(data.shape[0]):
            assert scores[customer].argmax() == (customer * 3 + 5) % 10

    def test_what_comes_depends_on_more_than_the_last_step(self):
        """After 2 comes 3 for who began with 0, and 4 for who began with 1."""
        rows = [[0, 2, 3], [1, 2, 4]] * 20
        data = steps(*rows, products=5)
        learned = Gru(**QUICK | {"epochs": 60, "dropout": 0.0}, ahead=0.0).fit(data)
        asked = learned.score(steps([0, 2], [1, 2], products=5))
        assert asked.argmax(axis=1).tolist() == [3, 4]

    def test_it_is_learned_from_a_sample_of_a_large_catalogue_too(self, monkeypatch):
        monkeypatch.setattr(recurrent, "EVERYTHING", 4)
        data = chain()
        scores = Gru(**QUICK, ahead=0.0).fit(data).score(data)
        best = [(customer * 3 + 5) % 10 for customer in range(data.shape[0])]
        assert np.mean(scores.argmax(axis=1) == best) > 0.9

    def test_numpy_says_what_torch_says(self):
        import torch

        learned, rows = Gru(**QUICK).fit(two_tastes()[0]), [[3, 1, 7, 2], [5, 0, 9, 11]]
        cell = torch.nn.GRU(learned.size, learned.size, batch_first=True)
        arrays = (learned.inward_, learned.onward_, learned.inward_bias_, learned.onward_bias_)
        with torch.no_grad():
            for its, ours in zip(cell.parameters(), arrays, strict=True):
                its.copy_(torch.from_numpy(ours))
            state = cell(torch.from_numpy(learned.products_[np.array(rows)]))[1][0].numpy()
        expected = state @ learned.products_.T + learned.popular_
        assert np.allclose(learned.score(steps(*rows, products=20)), expected, atol=1e-4)

    def test_another_seed_is_another_network_and_chance_elsewhere_is_left_alone(self):
        import torch

        data = chain()
        torch.manual_seed(5)
        undisturbed = torch.rand(3)
        torch.manual_seed(5)
        first, second = (Gru(**QUICK, seed=seed).fit(data).score(data) for seed in (0, 1))
        assert torch.equal(torch.rand(3), undisturbed)
        assert not np.allclose(first, second)

    def test_it_learns_in_one_thread_and_leaves_the_others_to_others(self, monkeypatch):
        import torch

        before, seen = torch.get_num_threads(), []
        torch.set_num_threads(2)
        step = torch.optim.AdamW.step
        monkeypatch.setattr(
            torch.optim.AdamW,
            "step",
            lambda self: seen.append(torch.get_num_threads()) or step(self),
        )
        Gru(**QUICK | {"epochs": 1}).fit(chain())
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
        torch.set_num_threads(before)

    def test_what_is_learned_are_plain_small_arrays(self):
        learned = Gru(**QUICK).fit(chain())
        for array in learned.state().arrays.values():
            assert type(array) is np.ndarray
            assert array.dtype == np.float32

    def test_nobody_who_goes_on_is_answered(self):
        data = steps([0], [1], products=3)
        assert np.all(np.isfinite(Gru(**QUICK).fit(data).score(data)))

    def test_an_empty_table_is_answered(self):
        empty = Interactions(sparse.csr_matrix((2, 3)), np.zeros(0), 0.0)
        assert np.all(np.isfinite(Gru(**QUICK).fit(empty).score(empty)))

    def test_a_blend_listens_to_it_where_it_is_right(self):
        rng = np.random.default_rng(0)
        starts = rng.integers(0, 30, 150)
        data = steps(
            *[[(start + step) % 30 for step in range(10)] for start in starts], products=30
        )
        blend = Hybrid(parts=(("popularity", {}), ("gru", {**QUICK, "ahead": 0.0}))).fit(data)
        assert blend.weights_[-1, 1] > 0.5

    def test_a_blend_with_the_switch_is_read_back_with_it(self):
        data, _ = two_tastes(customers=120, products=40)
        blend = Hybrid(parts=(("popularity", {}),), recurrent=True).fit(data)
        again = Hybrid.from_state(blend.state())
        assert again.recurrent
        assert [voice.name for voice in again.voices().values()][-1] == "gru"
        assert np.allclose(again.score(data), blend.score(data))
