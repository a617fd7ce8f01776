"""Error bars stand where their numbers are, zero always among them."""

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from crm import intervals

ENDS = st.floats(-1.0, 1.0, allow_nan=False)


@given(st.lists(st.tuples(ENDS, ENDS, ENDS).map(sorted), min_size=1, max_size=5))
def test_everything_lies_within_the_width(numbers):
    found = intervals.drawn([("one", mean, low, high) for low, mean, high in numbers])
    for bar in found.bars:
        left, width, point = float(bar.left), float(bar.width), float(bar.point)
        assert 0 <= left <= point + 0.02
        assert point <= left + width + 0.02 <= 100.1
    assert 0 <= float(found.zero) <= 100


def test_an_interval_without_zero_is_clear_and_one_with_it_is_not():
    found = intervals.drawn([("sure", 0.2, 0.1, 0.3), ("open", 0.2, -0.1, 0.3)])
    assert [bar.is_clear for bar in found.bars] == [True, False]


def test_another_value_may_be_the_middle():
    assert intervals.drawn([("half", 0.7, 0.6, 0.8)], zero=0.5).bars[0].is_clear
    assert not intervals.drawn([("half", 0.7, 0.4, 0.8)], zero=0.5).bars[0].is_clear


def test_nothing_to_compare_is_not_drawn():
    assert intervals.drawn([]) is None
    assert render_to_string("crm/intervals.html", {"drawn": None}).strip() == ""


def test_the_numbers_are_read_aloud_and_names_are_escaped():
    found = intervals.drawn([("<b>", 0.01234, -0.02, 0.05)])
    shown = render_to_string("crm/intervals.html", {"drawn": found})
    assert "+0.012 (−0.020 … +0.050)" in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


@pytest.mark.parametrize("language", ["en", "zh-hans", "de"])
def test_places_are_read_by_css_in_every_language(language):
    with override(language):
        bar = intervals.drawn([("one", 0.5, 0.25, 0.75)]).bars[0]
    assert "," not in bar.left + bar.width + bar.point
