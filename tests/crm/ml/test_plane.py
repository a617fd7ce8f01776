import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crm.ml.plane import plane


def test_the_first_direction_is_the_one_of_most_difference():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 3)) * [1.0, 9.0, 3.0]
    drawn = plane(points)
    assert np.abs(drawn.directions[0]).argmax() == 1
    assert np.abs(drawn.directions[1]).argmax() == 2
    assert drawn.coordinates[:, 0].var() > drawn.coordinates[:, 1].var()


def test_its_heaviest_feature_points_up():
    rng = np.random.default_rng(1)
    for drawn in (plane(rng.normal(size=(50, 4))) for _ in range(5)):
        heaviest = np.abs(drawn.directions).argmax(axis=1)
        assert (drawn.directions[[0, 1], heaviest] > 0).all()


def test_two_features_are_shown_whole():
    points = np.random.default_rng(2).normal(size=(30, 2))
    assert np.isclose(plane(points).shown, 1.0)


def test_one_feature_lies_on_a_line():
    drawn = plane(np.arange(5.0)[:, None])
    assert np.allclose(drawn.coordinates[:, 1], 0.0)


@given(arrays(float, (6, 3), elements=st.floats(-1e3, 1e3)))
def test_it_is_finite_even_where_all_are_alike(points):
    drawn = plane(points)
    assert np.isfinite(drawn.coordinates).all()
    assert 0.0 <= drawn.shown <= 1.0 + 1e-9
