"""Promises that every estimator of a family keeps. Test modules inherit them.

A family says what is made, what it is fitted on and what its answer is; the promises are the same.
"""

import json

import numpy as np


class EstimatorContract:
    """Subclasses give the fixtures `estimator` and `data`, and `fit` and `answer`."""

    def fit(self, estimator, data):
        return estimator.fit(data)

    def answer(self, estimator, data):
        raise NotImplementedError

    def test_fit_returns_itself(self, estimator, data):
        assert self.fit(estimator, data) is estimator

    def test_settings_are_stored_and_nothing_is_learned_before_fit(self, estimator):
        assert not [name for name in vars(estimator) if name.endswith("_")]

    def test_state_survives_the_round_trip(self, estimator, data):
        state = self.fit(estimator, data).state()
        again = type(estimator).from_state(state)
        assert np.allclose(self.answer(again, data), self.answer(estimator, data))

    def test_state_is_arrays_without_objects_and_settings_that_fit_in_json(self, estimator, data):
        state = self.fit(estimator, data).state()
        assert all(isinstance(a, np.ndarray) and a.dtype != object for a in state.arrays.values())
        json.dumps(state.settings)

    def test_the_same_seed_gives_the_same_answer(self, estimator, data):
        first = self.answer(self.fit(estimator, data), data)
        second = self.answer(self.fit(estimator, data), data)
        assert np.array_equal(first, second)

    def test_answers_are_finite(self, estimator, data):
        assert np.all(np.isfinite(self.answer(self.fit(estimator, data), data)))


class RecommenderContract(EstimatorContract):
    """A family that fits on Interactions and scores rows of them."""

    def answer(self, estimator, data):
        return estimator.score(data)

    def test_fit_leaves_its_input_alone(self, estimator, data):
        before, days = data.values.copy(), data.days.copy()
        self.fit(estimator, data)
        assert (before != data.values).nnz == 0
        assert np.array_equal(days, data.days)

    def test_scores_have_a_row_per_customer_and_a_column_per_product(self, estimator, data):
        assert self.fit(estimator, data).score(data.take([0, 2])).shape == (2, data.shape[1])

    def test_one_row_scores_as_it_does_in_a_batch(self, estimator, data):
        self.fit(estimator, data)
        assert np.allclose(estimator.score(data)[3], estimator.score(data.take([3]))[0])

    def test_a_customer_without_history_is_scored_too(self, estimator, data):
        from dataclasses import replace

        from scipy import sparse

        nobody = replace(
            data, values=sparse.csr_matrix((1, data.shape[1])), days=np.zeros(0), log=None
        )
        assert np.all(np.isfinite(self.fit(estimator, data).score(nobody)))

    def test_pieces_are_of_the_choices_of_the_row(self, estimator, data):
        row = data.take([1])
        pieces = self.fit(estimator, data).pieces(row, 0)
        assert pieces is None or len(pieces) == row.values.nnz

    def test_pieces_add_up_to_the_score(self, estimator, data):
        row = data.take([1])
        self.fit(estimator, data)
        for product in (0, 5):
            pieces = estimator.pieces(row, product)
            if pieces is not None:
                assert np.isclose(
                    pieces.sum(), estimator.score(row)[0, product], rtol=1e-4, atol=1e-5
                )
