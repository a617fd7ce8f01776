"""A reason is what a product would not be in the list without."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml import because as reasons
from recommendations.ml.because import because
from recommendations.ml.compiled.blend import CompiledBlend
from recommendations.ml.ease import Ease
from recommendations.ml.hybrid import Hybrid
from recommendations.ml.interactions import Interactions
from recommendations.ml.ranking import best

ITEMS = (("ease", {}), ("item-knn", {}), ("sequential", {}))


def planted(*, customers=300, kinds=6, of_each=15, seed=0):
    """Customers of two kinds of products each, chosen by popularity within the kind."""
    rng = np.random.default_rng(seed)
    popular = 1.0 / np.arange(1, of_each + 1)
    rows, columns = [], []
    for customer in range(customers):
        for kind in rng.choice(kinds, 2, replace=False):
            chosen = rng.choice(of_each, 4, replace=False, p=popular / popular.sum())
            rows += [customer] * 4
            columns += (chosen + kind * of_each).tolist()
    days = rng.random(len(rows)) * 50
    return Interactions.from_rows(
        (np.array(rows), np.array(columns)),
        np.ones(len(rows)),
        days,
        shape=(customers, kinds * of_each),
        explicit=False,
    )


def explain(blend, row, *, n=8, following=20):
    """(columns of the list, why) of one row."""
    fast = CompiledBlend(blend, products=row.shape[1])
    said, weights = fast.listen(row), blend.weights_of(row)[0]
    seen = row.values.indices
    ranked = best(fast.score(said, weights).astype(float), n=n + following, exclude=seen)
    return ranked[:n], because(said, weights, ranked[:n], ranked[n:])


def without(row, choices):
    kept = np.ones(row.values.nnz, dtype=bool)
    kept[list(choices)] = False
    return replace(row.keep(kept), today=row.today)


@pytest.fixture(scope="module")
def world():
    data = planted()
    return data, Hybrid(parts=ITEMS).fit(data)


def still_listed(blend, row, column, choices, *, n=8):
    """Whether the estimators, taught nothing new, list it for who had not made these choices."""
    scores = blend.score(without(row, choices))[0]
    return column in best(scores, n=n, exclude=row.values.indices)


def test_looking_at_a_few_choices_first_changes_no_reason(world, monkeypatch):
    data, blend = world
    for customer in range(0, 80, 8):
        found = []
        for some in (1, 3, 1_000):
            monkeypatch.setattr(reasons, "SOME", some)
            found.append(explain(blend, data.take([customer]))[1])
        assert found[0] == found[1] == found[2]
        assert max(len(one.choices) for one in found[0]) > 1


def test_nine_of_ten_products_leave_the_list_with_their_evidence(world):
    data, blend = world
    left, enough = [], []
    for customer in range(80):
        row = data.take([customer])
        for column, why in zip(*explain(blend, row), strict=True):
            assert why.choices
            left.append(not still_listed(blend, row, column, why.choices))
            enough.append(why.is_enough)
    assert np.mean(left) >= 0.9
    assert np.mean(enough) >= 0.7


def test_as_many_other_choices_taken_away_leave_most_products_where_they_are(world):
    data, blend = world
    rng = np.random.default_rng(0)
    left = []
    for customer in range(80):
        row = data.take([customer])
        for column, why in zip(*explain(blend, row), strict=True):
            others = np.setdiff1d(np.arange(row.values.nnz), why.choices)
            if len(others) >= len(why.choices):
                chosen = rng.choice(others, len(why.choices), replace=False)
                left.append(not still_listed(blend, row, column, chosen))
    assert len(left) > 200
    assert np.mean(left) < 0.35


def test_no_more_is_named_than_is_needed(world):
    data, blend = world
    row = data.take([3])
    for _, why in zip(*explain(blend, row), strict=True):
        assert len(set(why.choices)) == len(why.choices) <= row.values.nnz
    sizes = [len(why.choices) for c in range(40) for why in explain(blend, data.take([c]))[1]]
    assert np.median(sizes) <= 4


def test_the_heaviest_three_of_many_move_most_products_off_the_list(world):
    data, blend = world
    left, moved = [], []
    for customer in range(80):
        row = data.take([customer])
        columns, found = explain(blend, row)
        before = blend.score(row)[0]
        for column, why in zip(columns, found, strict=True):
            heaviest = np.argsort(why.shares)[::-1][:3]
            if len(why.choices) <= 3 or np.array(why.shares)[heaviest].sum() <= 0.5:
                continue
            choices = [why.choices[place] for place in heaviest]
            after = blend.score(without(row, choices))[0]
            left.append(not still_listed(blend, row, column, choices))
            moved.append(after[column] < before[column])
    assert len(left) > 30
    # All the choices are nine of ten (above); the three that a sentence has room for, two of three.
    assert np.mean(left) > 0.6
    assert np.mean(moved) > 0.95


def test_shares_are_parts_of_all_that_is_added(world):
    data, blend = world
    for customer in range(20):
        for why in explain(blend, data.take([customer]))[1]:
            assert len(why.shares) == len(why.choices)
            assert min(why.shares, default=1.0) > 0
            assert sum(why.shares) <= 1.0 + 1e-6


def taught(matrix):
    """EASE of a given matrix: what each choice (row) adds to each product (column)."""
    voice = Ease()
    voice.taught_ = np.array(matrix, dtype=np.float32)
    blend = Hybrid(parts=(("ease", {}),))
    blend.weights_, blend.heard_ = np.ones((4, 1)), np.array([0])
    blend.voices_ = [voice]
    return blend


def chose(*columns, products=6):
    cells = (np.zeros(len(columns), dtype=int), np.array(columns))
    return Interactions.from_rows(
        cells, np.ones(len(columns)), np.zeros(len(columns)), shape=(1, products), explicit=False
    )


def test_the_choice_that_a_score_is_made_of_is_the_reason():
    matrix = np.zeros((6, 6))
    matrix[0, 3], matrix[1, 4], matrix[2, 5] = 1.0, 0.8, 0.6
    columns, why = explain(taught(matrix), chose(0, 1, 2), n=2, following=1)
    assert columns.tolist() == [3, 4]
    assert [one.choices for one in why] == [(0,), (1,)]
    assert all(one.is_enough and one.said == 0 for one in why)


def test_where_two_choices_hold_a_product_up_both_are_named():
    matrix = np.zeros((6, 6))
    matrix[0, 3] = matrix[1, 3] = 1.0
    matrix[2, 4] = 0.8
    _, why = explain(taught(matrix), chose(0, 1, 2), n=1, following=2)
    assert set(why[0].choices) == {0, 1}


def test_a_choice_that_speaks_against_a_product_is_never_named():
    matrix = np.zeros((6, 6))
    matrix[0, 3], matrix[1, 3], matrix[1, 4] = 2.0, -1.0, 0.4
    _, why = explain(taught(matrix), chose(0, 1), n=1, following=2)
    assert why[0].choices == (0,)


def test_what_is_there_whatever_was_chosen_names_no_choice():
    data = planted(customers=60)
    blend = Hybrid(parts=(("popularity", {}),)).fit(data)
    _, why = explain(blend, data.take([0]))
    assert {one.choices for one in why} == {()}
    assert {one.said for one in why} <= {0, None}
    assert why[0].said == 0


def test_other_voices_that_speak_for_a_product_support_it(world):
    data, blend = world
    named = {voice.name for voice in blend.voices().values()}
    assert len(named) >= 2
    supported = [
        len(why.supporting) for c in range(30) for why in explain(blend, data.take([c]))[1]
    ]
    assert np.mean(np.array(supported) > 0) > 0.5
    for _, why in zip(*explain(blend, data.take([0])), strict=True):
        assert why.said not in [number for number, _ in why.supporting]


def test_with_no_voice_that_tells_products_apart_nothing_is_said():
    _, why = explain(taught(np.zeros((6, 6))), chose(0), n=2, following=1)
    assert [(one.said, one.choices, one.supporting) for one in why] == [(None, (), ())] * 2


def test_a_list_of_nothing_has_no_reasons(world):
    data, blend = world
    fast = CompiledBlend(blend, products=data.shape[1])
    row = data.take([0])
    none = np.zeros(0, dtype=int)
    assert because(fast.listen(row), blend.weights_of(row)[0], none, none) == []


def test_a_row_of_choices_without_any_neighbour_is_answered():
    matrix = sparse.csr_matrix((6, 6))
    _, why = explain(taught(matrix.toarray()), chose(1, 2), n=3, following=0)
    assert len(why) == 3
