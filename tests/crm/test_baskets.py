"""Baskets of sales become rules that serve, judged on later baskets."""

from datetime import timedelta

import numpy as np
import pytest

from crm import baskets
from crm.models import Artifact, Order, OrderLine
from crm.trainers import TRAINERS, train_baskets
from crm.training import Order as TrainingOrder
from crm.training import TooLittleData
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return [make_product(f"P{number}") for number in range(30)]


def fill(shop, *, count=600, seed=0):
    """Orders of a year: P0 and P1 go together, P2 and P3 … P11, too; the rest is chance."""
    rng = np.random.default_rng(seed)
    ada = make_customer()
    orders, lines = [], []
    for number in range(count):
        at = NOON - timedelta(days=365) + timedelta(days=365 * number / count)
        first = int(rng.integers(12))
        chosen = {first, first ^ 1} if rng.random() < 0.7 else {first}
        chosen |= {int(product) for product in rng.integers(12, 30, 2)}
        orders.append(
            Order(number=f"O{number}", customer=ada, total=1, placed_at=at, source="test")
        )
        lines.append([shop[place] for place in sorted(chosen)])
    for order, products in zip(Order.objects.bulk_create(orders), lines, strict=True):
        OrderLine.objects.bulk_create(
            OrderLine(order=order, product=product, quantity=1, unit_price=1, key=str(place))
            for place, product in enumerate(products)
        )


class TestBaskets:
    def test_a_sale_is_a_basket_of_its_products(self, shop):
        make_order(make_customer(), shop[2], shop[0], shop[2])
        assert baskets.until(NOON + timedelta(days=1)) == [(shop[0].pk, shop[2].pk)]

    def test_what_comes_later_is_not_seen(self, shop):
        make_order(make_customer(), shop[0], at=NOON)
        assert baskets.until(NOON) == []

    def test_cancelled_orders_refunds_and_returned_lines_are_no_baskets(self, shop):
        ada = make_customer()
        make_order(ada, shop[0], status="cancelled")
        refunded = make_order(ada, shop[1], status="refunded")
        Order.objects.filter(pk=refunded.pk).update(is_refund=True)
        make_order(ada, shop[2], quantity=-1)
        assert baskets.until(NOON + timedelta(days=1)) == []

    def test_they_are_read_with_one_query(self, shop, django_assert_num_queries):
        fill(shop, count=20)
        with django_assert_num_queries(1):
            assert len(baskets.until(NOON)) == 20

    def test_only_the_newest_are_read(self, shop, monkeypatch):
        monkeypatch.setattr(baskets, "MOST", 5)
        fill(shop, count=20)
        assert len(baskets.until(NOON)) == 5


class TestTraining:
    def test_rules_are_judged_on_later_baskets_and_promoted(self, shop):
        fill(shop)
        report = train_baskets(TrainingOrder(as_of=NOON, now=NOON))
        assert report["promoted"], report["reason"]
        assert report["metrics"]["hit_rate"] > report["baseline_metrics"]["hit_rate"]
        assert Artifact.objects.get().name == "baskets"
        assert TRAINERS["baskets"] is train_baskets

    def test_the_second_training_compares_with_the_first_on_the_same_baskets(self, shop):
        fill(shop)
        order = TrainingOrder(as_of=NOON, now=NOON)
        first = train_baskets(order)
        again = train_baskets(order)
        assert again["champion_metrics"]["hit_rate"] == first["metrics"]["hit_rate"]

    def test_too_few_orders_are_said(self, shop):
        make_order(make_customer(), shop[0], shop[1])
        with pytest.raises(TooLittleData, match="fewer than 200"):
            train_baskets(TrainingOrder(as_of=NOON + timedelta(days=1), now=NOON))


class TestServing:
    def test_nothing_trained_says_nothing(self, shop):
        assert baskets.together([shop[0].pk], n=3) == []
        assert baskets.strongest(3) == []
        assert baskets.artifact_name() == ""

    def test_each_of_many_products_is_asked_alone_and_the_rules_looked_up_once(
        self, shop, django_assert_num_queries
    ):
        assert baskets.around([shop[0].pk], n=3) == []
        fill(shop)
        train_baskets(TrainingOrder(as_of=NOON, now=NOON))
        ids = [shop[place].pk for place in (0, 2, 4, 20)]
        alone = [pair for pk in ids for pair in baskets.together([pk], n=2)]
        with django_assert_num_queries(1):
            assert baskets.around(ids, n=2) == alone
        assert {(pair.left, pair.right) for pair in alone} >= {(ids[0], shop[1].pk)}

    def test_a_pair_carries_its_evidence(self, shop):
        fill(shop)
        train_baskets(TrainingOrder(as_of=NOON, now=NOON))
        pair = baskets.together([shop[0].pk], n=3)[0]
        assert pair.right == shop[1].pk
        assert pair.baskets == 600
        assert 0.5 < pair.confidence < 1
        assert pair.lift > 1
        assert pair.p_value < 0.001

    def test_the_strongest_pairs_are_the_planted_ones(self, shop):
        fill(shop)
        train_baskets(TrainingOrder(as_of=NOON, now=NOON))
        found = {frozenset((pair.left, pair.right)) for pair in baskets.strongest(9)}
        assert found == {frozenset((shop[n].pk, shop[n + 1].pk)) for n in range(0, 12, 2)}
