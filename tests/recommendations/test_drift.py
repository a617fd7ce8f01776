"""Drift is told where what is bought has moved, and not where chance moves a few lines."""

from datetime import timedelta

import numpy as np
import pytest

from crm.models import Category
from recommendations import drift
from tests.factories import NOON, make_brand, make_category, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=20)


def sell(counts, *, at):
    """So many order lines of each category."""
    ada = make_customer()
    for slug, count in counts.items():
        product = make_product(category=make_category(slug), brand=make_brand(slug))
        for _ in range(count):
            make_order(ada, product, at=at)


def shift(then, now):
    sell(then, at=NOON - timedelta(days=3))
    sell(now, at=NOON + timedelta(days=3))
    return drift.since(NOON, now=LATER)


class TestShift:
    def test_the_same_shares_are_little(self):
        assert shift({"a": 120, "b": 60}, {"a": 80, "b": 40}).categories.level == "little"

    def test_shares_that_turn_around_are_strong_and_named(self):
        found = shift({"a": 120, "b": 30}, {"a": 30, "b": 120}).categories
        assert found.level == "strong"
        assert {one.group.slug for one in found.moved} == {"a", "b"}
        assert found.moved[0].then == pytest.approx(0.8) or found.moved[0].then == pytest.approx(
            0.2
        )

    def test_brands_and_products_have_their_own(self):
        found = shift({"a": 120, "b": 30}, {"a": 30, "b": 120})
        assert found.brands.level == "strong"
        assert found.products.moved == []

    def test_a_category_that_is_new_is_no_infinity(self):
        assert np.isfinite(shift({"a": 120}, {"a": 100, "b": 60}).categories.index)

    def test_too_few_lines_say_nothing(self):
        found = shift({"a": 120, "b": 30}, {"b": 99}).categories
        assert (found.index, found.level, found.lines_now) == (None, "unknown", 99)

    def test_what_was_sold_before_the_four_weeks_does_not_count(self):
        sell({"a": 200}, at=NOON - timedelta(days=40))
        assert drift.since(NOON, now=LATER).categories.lines_then == 0

    def test_products_without_a_category_are_a_group_without_a_name(self):
        ada, product = make_customer(), make_product()
        for day in range(-10, 11):
            for _ in range(12):
                make_order(ada, product, at=NOON + timedelta(days=day, minutes=1))
        found = drift.since(NOON, now=LATER).categories
        assert found.level == "little"
        assert found.moved == []
        assert not Category.objects.exists()

    def test_it_is_read_in_four_queries(self, django_assert_num_queries):
        sell({"a": 5}, at=NOON - timedelta(days=3))
        with django_assert_num_queries(4):
            drift.since(NOON, now=LATER)


@pytest.mark.parametrize(("groups", "lines"), [(8, 150), (40, 400), (176, 1_000)])
def test_chance_alone_is_called_little_nearly_always(groups, lines):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(groups, 2.0))
    found = []
    for _ in range(100):
        one, other = (dict(enumerate(rng.multinomial(lines, shares).tolist())) for _ in range(2))
        found.append(drift.index(one, other))
    assert np.mean(np.array(found) < drift.NOTICED) >= 0.95
