"""Clicks enter training by how likely their position was looked at; nothing else is touched."""

from datetime import timedelta

import numpy as np
import pytest

from recommendations import interactions, loudness, serving
from recommendations.ml.positions import DEEPEST, assumed
from recommendations.models import Impression
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


def show(customer, products, *, at, placement="home"):
    return Impression.objects.bulk_create(
        Impression(
            customer=customer, product=product, placement=placement, position=place,
            artifact="popularity", reason_code="popular", score=0.0, shown_at=at,
        )
        for place, product in enumerate(products, start=1)
    )  # fmt: skip


def visits(count, *, customers=40, seed=0, placement="home", seen=(1.0, 0.3)):
    """Two products in changing order; the lower place is looked at by three in ten."""
    rng = np.random.default_rng(seed)
    products = [make_product(), make_product()]
    for _ in range(customers):
        customer = make_customer()
        for visit in range(count):
            at = NOON - timedelta(days=40 - visit)
            rows = show(customer, rng.permutation(products), at=at, placement=placement)
            for row, chance in zip(rows, seen, strict=True):
                if rng.random() < 0.8 * chance:
                    serving.click(row.pk, at + timedelta(minutes=1))
    return products


def touches():
    return list(interactions.of_everybody(as_of=NOON))


class TestLearned:
    def test_the_planted_bias_is_found_in_the_trail(self):
        visits(12)
        found = loudness.by_placement(loudness.shown(until=NOON))
        assert found["home"].looked_at_[1] == pytest.approx(0.3, abs=0.07)

    def test_every_placement_has_its_own(self):
        visits(12, placement="home", seen=(1.0, 0.3))
        visits(12, placement="cart", seen=(1.0, 1.0), seed=1)
        found = loudness.by_placement(loudness.shown(until=NOON))
        assert found["cart"].looked_at_[1] > 0.8
        assert found["home"].looked_at_[1] < 0.4
        assert found["home"].looked_at_[1] < found[""].looked_at_[1] < found["cart"].looked_at_[1]

    def test_a_placement_with_a_few_clicks_is_judged_by_all(self):
        visits(12)
        visits(1, customers=3, placement="new corner")
        assert set(loudness.by_placement(loudness.shown(until=NOON))) == {"", "home"}

    def test_nothing_shown_is_the_usual_discount(self):
        found = loudness.by_placement(loudness.shown(until=NOON))
        assert np.array_equal(found[""].looked_at_, assumed(DEEPEST))

    def test_clicks_after_the_moment_are_not_seen(self):
        ada, products = make_customer(), [make_product()]
        row = show(ada, products, at=NOON - timedelta(hours=1))[0]
        serving.click(row.pk, NOON + timedelta(hours=1))
        assert loudness.shown(until=NOON).clicked.tolist() == [False]
        assert loudness.shown(until=NOON + timedelta(hours=2)).clicked.tolist() == [True]


class TestWeights:
    def test_a_click_lower_down_weighs_more_and_their_mean_stays(self):
        visits(12)
        done = touches()
        loud = loudness.of(done, as_of=NOON)
        places = np.array([touch.position for touch in done])
        assert loud[places == 2].min() > 2 * loud[places == 1].max()
        assert loud.mean() == pytest.approx(1.0)

    def test_no_click_counts_more_than_the_clip_allows(self):
        ada, products = make_customer(), [make_product() for _ in range(30)]
        for row in show(ada, products, at=NOON - timedelta(hours=1)):
            serving.click(row.pk, NOON - timedelta(minutes=30))
        loud = loudness.of(touches(), as_of=NOON)
        assert loud.max() <= loudness.CLIP * loud.min()

    def test_what_is_no_click_in_a_list_counts_as_it_did(self, django_assert_num_queries):
        make_order(make_customer(), make_product())
        with django_assert_num_queries(4):  # as before: no impressions are read
            done = touches()
            assert loudness.of(done, as_of=NOON).tolist() == [1.0]

    def test_the_table_of_interactions_holds_the_weighted_clicks(self):
        high, low = [make_product() for _ in range(2)]
        ada = make_customer()
        for row in show(ada, [high, make_product(), low], at=NOON - timedelta(hours=1))[::2]:
            serving.click(row.pk, NOON - timedelta(minutes=30))
        table = interactions.table(as_of=NOON)
        cells = dict(zip(table.products[table.interactions.values.indices],
                         table.interactions.values.data, strict=True))  # fmt: skip
        assert cells[low.pk] == pytest.approx(2 * cells[high.pk])
        assert sum(cells.values()) == pytest.approx(2 * interactions.WEIGHTS["clicked"])

    def test_impressions_are_read_in_one_query(self, django_assert_num_queries):
        visits(2)
        done = touches()
        with django_assert_num_queries(1):
            loudness.of(done, as_of=NOON)
