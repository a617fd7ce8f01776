"""Two encodings of a text are one row, in which cosines add up by their worth."""

import numpy as np
import pytest

from crm.ml.joined import ENGLISH_WIDTH, JOINED, MULTILINGUAL, WIDTH, WIDTHS, WORTH, joined

RNG = np.random.default_rng(0)
ONE = RNG.normal(size=(4, WIDTH)) * [[1], [7], [0.1], [3]]
TWO = RNG.normal(size=(4, ENGLISH_WIDTH)) * [[2], [1], [5], [0.3]]
ALL = np.ones(4, bool)


def cosines(rows):
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def test_a_row_is_as_wide_as_both_and_of_unit_length():
    rows = joined(ONE, TWO, ALL)
    assert rows.shape == (4, WIDTHS[JOINED]) == (4, WIDTHS[MULTILINGUAL] + ENGLISH_WIDTH)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)


def test_cosines_are_added_by_their_worth():
    rows = joined(ONE, TWO, ALL, worth=0.25)
    assert rows @ rows.T == pytest.approx(0.75 * cosines(ONE) + 0.25 * cosines(TWO), abs=1e-6)


@pytest.mark.parametrize(("worth", "alone"), [(0.0, ONE), (1.0, TWO)])
def test_of_no_worth_is_as_if_it_were_not_there(worth, alone):
    rows = joined(ONE, TWO, ALL, worth=worth)
    assert rows @ rows.T == pytest.approx(cosines(alone), abs=1e-6)


def test_what_the_second_cannot_read_is_left_to_the_first_whole():
    is_read = np.array([True, False, False, True])
    rows = joined(ONE, TWO, is_read)
    assert (rows[~is_read, WIDTH:] == 0).all()
    assert (rows[is_read, WIDTH:] != 0).any(axis=1).all()
    alike = rows @ rows.T
    assert alike[1, 2] == pytest.approx(cosines(ONE)[1, 2], abs=1e-6)
    assert alike[0, 1] == pytest.approx(np.sqrt(1 - WORTH) * cosines(ONE)[0, 1], abs=1e-6)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)


def test_a_text_of_zeros_stays_zero():
    nothing = joined(np.zeros((1, WIDTH)), np.zeros((1, ENGLISH_WIDTH)), np.ones(1, bool))
    assert (nothing == 0).all()


def test_no_text_is_no_row():
    none = joined(np.zeros((0, WIDTH)), np.zeros((0, ENGLISH_WIDTH)), np.zeros(0, bool))
    assert none.shape == (0, WIDTHS[JOINED])
