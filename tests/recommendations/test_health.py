"""The health page's numbers: what was shown, clicked, covered, and how fresh it all is."""

import json
from datetime import timedelta

import numpy as np
import pytest

from crm.models import Artifact
from recommendations import health, interleavings
from recommendations.admin import charts
from recommendations.ml import metrics
from recommendations.models import Impression
from tests.factories import NOON, make_customer, make_order, make_product
from tests.recommendations.worlds import view

pytestmark = pytest.mark.django_db


def show(products, *, clicked=(), at=NOON, placement="home", artifact="popularity", customer=None):
    return Impression.objects.bulk_create(
        Impression(
            customer=customer or make_customer(), product=product, placement=placement,
            position=place, artifact=artifact, reason_code="popular", score=0.0, shown_at=at,
            clicked_at=at if place in clicked else None,
        )
        for place, product in enumerate(products, start=1)
    )  # fmt: skip


def train(ndcg, *, days=1, status="archived", rows=100):
    return Artifact.objects.create(
        name="recommender", sha256="0" * 64, format=1, status=status, rows=rows,
        metrics={"ndcg@10": ndcg}, baseline_metrics={"ndcg@10": 0.1},
        as_of=NOON - timedelta(days=days), trained_at=NOON - timedelta(days=days),
        promoted_at=NOON if status == "champion" else None,
    )  # fmt: skip


@pytest.fixture
def products():
    return [make_product() for _ in range(10)]


class TestClicks:
    def test_rates_by_placement_the_most_shown_first(self, products):
        show(products[:2], clicked=(1,), placement="chat")
        show(products[:4], clicked=(1, 2), placement="home")
        found = health.numbers(NOON)["placements"]
        assert [(one.name, one.shown, one.clicked, one.rate) for one in found] == [
            ("home page", 4, 2, 0.5),
            ("chat", 2, 1, 0.5),
        ]

    def test_placements_that_we_do_not_know_are_called_as_the_shop_calls_them(self, products):
        show(products[:1], placement="under the hero")
        show(products[:1], placement="")
        names = [one.name for one in health.numbers(NOON)["placements"]]
        assert names == ["under the hero", "–"]

    def test_the_fair_rate_is_of_those_looked_at(self, products):
        """Nobody was seen at two positions: the usual discount 1 / log2(1 + k) is assumed."""
        show(products[:3], clicked=(3,))
        found = health.numbers(NOON)["positions"]
        assert [one.rate for one in found] == [0.0, 0.0, 1.0]
        assert found[2].fair == pytest.approx(2.0)
        assert found[0].fair == 0.0

    def test_the_same_clicks_far_down_are_worth_more(self, products):
        show(products[:8], clicked=(1,), placement="top")
        show(products[:8], clicked=(8,), placement="bottom")
        found = {one.name: one for one in health.numbers(NOON)["placements"]}
        assert found["top"].rate == found["bottom"].rate
        assert found["top"].fair == pytest.approx(found["bottom"].fair)

    def test_what_is_older_than_four_weeks_or_to_come_is_left_out(self, products):
        show(products, at=NOON - timedelta(days=29))
        show(products, at=NOON + timedelta(days=1))
        assert health.numbers(NOON)["placements"] == []

    def test_no_more_positions_than_are_drawn(self):
        show([make_product() for _ in range(14)])
        assert len(health.numbers(NOON)["positions"]) == health.POSITIONS


class TestReach:
    def test_the_share_of_products_in_any_list(self, products):
        show(products[:4])
        assert health.numbers(NOON)["coverage"] == 0.4

    def test_what_is_no_longer_sold_does_not_count(self, products):
        show(products[:4])
        products[0].is_active = False
        products[0].save()
        assert health.numbers(NOON)["coverage"] == pytest.approx(3 / 9)

    def test_how_much_the_most_shown_tenth_holds(self, products):
        for _ in range(3):
            show(products[:1])
        show(products[:1] + products[5:6])
        assert health.numbers(NOON)["held_by_tenth"] == pytest.approx(4 / 5)

    def test_all_shown_alike_is_no_inequality(self, products):
        show(products)
        assert health.numbers(NOON)["gini"] == pytest.approx(0.0)

    def test_one_that_takes_all_is_nearly_one(self, products):
        for _ in range(4):
            show(products[3:4])
        assert health.numbers(NOON)["gini"] == pytest.approx(0.9)  # 1 - 1 / products

    def test_it_is_the_index_by_which_estimators_are_judged(self, products):
        lists = [[0, 1, 2], [0, 1, 3], [0, 5, -1]]
        for one in lists:
            show([products[place] for place in one if place >= 0])
        expected = metrics.gini(np.array(lists), len(products))
        assert health.numbers(NOON)["gini"] == pytest.approx(expected)

    def test_each_week_has_its_own_reach_the_oldest_first(self, products):
        show(products[:1], at=NOON - timedelta(days=20))
        show(products, at=NOON - timedelta(days=3))
        show(products[:5], at=NOON)
        show(products, at=NOON - timedelta(days=90))
        show(products, at=NOON + timedelta(minutes=1))
        before, lately = health.numbers(NOON)["weeks"]
        assert (before.until, lately.until) == (NOON - timedelta(days=14), NOON)
        assert (before.coverage, before.gini) == (0.1, pytest.approx(0.9))
        assert (lately.coverage, lately.gini) == (1.0, pytest.approx(1 / 6))

    def test_lists_of_what_sells_alone_are_told(self, products):
        show(products[:3])
        show(products[:3], artifact="recommender#1")
        show(products[:3], artifact="recommender#1")
        found = health.numbers(NOON)
        assert (found["lists"], found["plain_lists"]) == (3, pytest.approx(1 / 3))

    def test_customers_without_an_order_or_a_look_are_strangers(self, products):
        buyer, looker, stranger = (make_customer() for _ in range(3))
        make_order(buyer, products[0])
        view(looker, products[0])
        view(stranger, products[0], kind="crm.page_viewed")
        for one in (buyer, looker, stranger, stranger):
            show(products[:2], customer=one)
        assert health.numbers(NOON)["strangers"] == pytest.approx(1 / 3)

    def test_products_nobody_bought_and_those_the_champion_does_not_know(self, products):
        make_order(make_customer(), *products[:4])
        train(0.2, status="champion")
        products[9].created_at = NOON
        products[9].save()
        found = health.numbers(NOON)
        assert (found["unsold"], found["young"]) == (0.6, 0.1)

    def test_an_empty_shop_has_no_shares(self):
        found = health.numbers(NOON)
        assert [
            found[name]
            for name in ("coverage", "gini", "plain_lists", "strangers", "unsold", "young")
        ] == [None] * 6
        assert found["weeks"] == []


class TestTrainings:
    def test_quality_is_drawn_from_the_oldest_to_the_newest(self):
        for number in range(3):
            train(0.2 + number / 10, days=3 - number)
        chart = json.loads(charts.drawn(health.numbers(NOON))["quality_chart"])
        assert chart["datasets"][0]["data"] == pytest.approx([0.2, 0.3, 0.4])
        assert chart["datasets"][1]["data"] == [0.1, 0.1, 0.1]

    def test_promoted_ones_are_larger(self):
        train(0.2, days=2)
        train(0.3, status="champion")
        chart = json.loads(charts.drawn(health.numbers(NOON))["quality_chart"])
        small, large = chart["datasets"][0]["pointRadius"]
        assert large > small

    def test_reach_is_drawn_from_the_second_week_on(self, products):
        show(products[:5])
        assert charts.drawn(health.numbers(NOON))["reach_chart"] == ""
        show(products, at=NOON - timedelta(days=8))
        drawn = json.loads(charts.drawn(health.numbers(NOON))["reach_chart"])
        assert [one["data"] for one in drawn["datasets"]] == [[1.0, 0.5], [0.0, 0.5]]

    def test_one_training_is_no_course_of_time(self):
        train(0.2)
        assert charts.drawn(health.numbers(NOON))["quality_chart"] == ""

    def test_the_running_test_is_told(self):
        pair = train(0.2, days=2), train(0.3, status="champion")
        test = interleavings.Interleaving.objects.create(
            name="recommender", first=pair[0], second=pair[1], started_at=NOON, started_by="x"
        )
        drawn = charts.drawn(health.numbers(NOON))
        assert drawn["test"]["test"] == test
        assert drawn["test_drawn"] is None


def test_the_number_of_queries_is_fixed(products, django_assert_num_queries):
    train(0.2, status="champion")
    show(products[:3])
    with django_assert_num_queries(QUERIES):
        health.numbers(NOON)
    for number in range(5):
        show(products, placement=f"corner {number}", clicked=(1, 2))
        make_order(make_customer(), *products)
        train(0.2, days=number + 2)
    with django_assert_num_queries(QUERIES):
        health.numbers(NOON)


QUERIES = 24
