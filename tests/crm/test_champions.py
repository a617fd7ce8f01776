"""A champion is judged by its settings: as it serves it has seen the days that are judged on."""

import numpy as np
import pytest

from crm import training
from crm.ml.next_order import NextOrder, pauses


@pytest.fixture
def seen():
    rng = np.random.default_rng(0)
    return pauses(rng.integers(0, 30, 400), rng.integers(0, 300, 400), today=300, count=30)


def test_without_a_champion_there_is_nobody_to_beat(seen):
    assert training.again(None, NextOrder().fit(seen), lambda _: 1 / 0) is None


def test_equal_settings_are_an_equal(seen):
    candidate = NextOrder().fit(seen)
    champion = NextOrder().fit(seen)
    assert training.again(champion, candidate, lambda _: 1 / 0) is candidate


def test_other_settings_are_fitted_on_the_same_days(seen):
    champion, candidate = NextOrder(personal=False).fit(seen), NextOrder().fit(seen)
    asked = []

    def fit(settings):
        asked.append(settings)
        return NextOrder(**settings).fit(seen)

    assert training.again(champion, candidate, fit).personal is False
    assert asked == [{"personal": False}]
