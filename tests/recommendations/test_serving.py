"""The one door to recommendations keeps its promises, trained or not."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import baskets
from crm.models import Event
from recommendations import interactions, serving
from recommendations.models import Impression
from recommendations.serving import Constraints
from tests.factories import NOON, make_category, make_customer, make_order, make_product
from tests.recommendations.worlds import rate, view

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """Five phones and a shoe; the first phone sells best."""
    phones = [
        make_product(f"P{i}", title_en=f"Phone {i}", price=1000 * (i + 1), category=make_category())
        for i in range(5)
    ]
    shoe = make_product("S1", title_en="Shoe", category=make_category("shoes", "鞋"), price=300)
    for buyers, phone in zip((3, 2, 1), phones, strict=False):
        for _ in range(buyers):
            make_order(make_customer("Buyer"), phone, at=NOON - timedelta(days=3))
    return [*phones, shoe]


def skus(recommended):
    return [one.product.sku for one in recommended]


class TestWithNothingTrained:
    def test_what_sells_comes_first(self, shop):
        listed = serving.recommend(make_customer(), n=3, now=NOON)
        assert skus(listed) == ["P0", "P1", "P2"]
        assert [one.rank for one in listed] == [1, 2, 3]
        assert {one.artifact for one in listed} == {"popularity"}

    def test_an_empty_shop_gives_an_empty_list(self):
        assert serving.recommend(make_customer(), now=NOON) == []

    def test_without_orders_the_newest_products_are_shown(self):
        for sku in ("OLD", "NEW"):
            make_product(sku)
        assert skus(serving.recommend(make_customer(), now=NOON)) == ["NEW", "OLD"]

    @pytest.mark.parametrize("n", [0, -1])
    def test_a_list_of_none_is_empty(self, shop, n):
        assert serving.recommend(make_customer(), n=n, now=NOON) == []
        assert serving.similar(shop[0], n=n, now=NOON) == []

    def test_a_long_list_is_as_long_as_the_catalogue(self, shop):
        assert len(serving.recommend(make_customer(), n=10_000, now=NOON)) == 6


class TestExclusions:
    def test_a_purchase_is_gone_from_the_next_list(self, shop):
        ada = make_customer()
        assert "P0" in skus(serving.recommend(ada, n=3, now=NOON))
        make_order(ada, shop[0], at=NOON)
        assert "P0" not in skus(serving.recommend(ada, n=10, now=NOON))

    def test_a_purchase_that_is_still_to_come_hides_nothing(self, shop):
        ada = make_customer()
        make_order(ada, shop[0], at=NOON + timedelta(days=1))
        assert "P0" in skus(serving.recommend(ada, n=10, now=NOON))

    def test_sold_out_and_unlisted_products_are_gone(self, shop):
        shop[0].stock = 0
        shop[0].save()
        shop[1].is_active = False
        shop[1].save()
        assert skus(serving.recommend(make_customer(), n=10, now=NOON))[:1] == ["P2"]
        assert len(serving.recommend(make_customer(), n=10, now=NOON)) == 4

    def test_the_caller_can_exclude_products(self, shop):
        listed = serving.recommend(make_customer(), n=10, now=NOON, exclude=[shop[0].pk])
        assert "P0" not in skus(listed)


class TestWhatWasAskedFor:
    def test_a_price_and_a_category_narrow_the_list(self, shop):
        within = Constraints(category="phone", price_max=Decimal(3000))
        assert skus(serving.recommend(make_customer(), now=NOON, within=within)) == [
            "P0",
            "P1",
            "P2",
        ]

    def test_the_reason_says_what_was_asked_in_both_languages(self, shop):
        within = Constraints(category="phone", price_max=Decimal(3000))
        first = serving.recommend(make_customer(), now=NOON, within=within)[0]
        assert first.reason_code == "asked"
        assert first.reason("en").startswith("matches what you asked for: Phone, under 3000")
        assert first.reason("zh-hans").startswith("符合您的要求：手机、3000以下")

    def test_excluded_brands_leave_products_without_a_brand_in(self, shop):
        within = Constraints(exclude_brands=("huawei",))
        assert len(serving.recommend(make_customer(), now=NOON, within=within)) == 6

    def test_colour_feature_and_size_are_matched_whatever_their_case(self, shop):
        make_product("RED", colors=["Red"], features=["5g"], sizes=["42"])
        within = Constraints(color="red", feature="5G", size="42")
        assert skus(serving.recommend(make_customer(), now=NOON, within=within)) == ["RED"]

    def test_what_is_not_sold_gives_an_empty_list(self, shop):
        within = Constraints(category="boats")
        assert serving.recommend(make_customer(), now=NOON, within=within) == []


class TestImpressions:
    def test_what_was_shown_is_written_down_once_with_its_fact(self, shop):
        ada = make_customer()
        listed = serving.recommend(ada, n=3, now=NOON)
        shown = serving.record_impressions(ada, listed, placement="home", now=NOON)
        assert [one.impression for one in shown] == list(
            Impression.objects.order_by("position").values_list("pk", flat=True)
        )
        event = Event.objects.get(kind="recommendations.products_shown")
        assert event.data["skus"] == ["P0", "P1", "P2"]

    def test_an_empty_list_leaves_no_trail(self):
        assert serving.record_impressions(make_customer(), [], placement="home", now=NOON) == []
        assert not Impression.objects.exists()

    def test_a_click_counts_once(self, shop):
        ada = make_customer()
        shown = serving.record_impressions(
            ada, serving.recommend(ada, n=1, now=NOON), placement="home", now=NOON
        )
        later = NOON + timedelta(minutes=1)
        serving.click(shown[0].impression, later)
        serving.click(shown[0].impression, later + timedelta(minutes=1))
        assert Impression.objects.get().clicked_at == later
        assert Event.objects.filter(kind="recommendations.product_clicked").count() == 1

    def test_what_is_passed_over_again_and_again_makes_room(self, shop):
        ada = make_customer()
        for hour in range(8):
            at = NOON + timedelta(hours=hour)
            first = serving.recommend(ada, n=1, now=at, placement="home")
            serving.record_impressions(ada, first, placement="home", now=at)
        later = NOON + timedelta(hours=9)
        assert skus(serving.recommend(ada, n=1, now=later, placement="home")) == ["P1"]
        assert skus(serving.recommend(ada, n=1, now=later, placement="mail")) == ["P0"]

    def test_a_click_on_nothing_is_nothing(self):
        assert serving.click(999, NOON) is None


class TestBoughtTogether:
    @pytest.fixture
    def rules(self, shop, monkeypatch):
        pairs = [
            baskets.Pair(shop[0].pk, shop[place].pk, 30, 300, confidence, 2.0, 1e-9)
            for place, confidence in ((2, 0.6), (1, 0.4))
        ]
        monkeypatch.setattr(baskets, "together", lambda _, *, n: pairs[:n])

    def test_nothing_trained_says_nothing(self, shop):
        assert serving.bought_together(shop[0], now=NOON) == []

    def test_the_surest_comes_first_with_the_numbers_of_its_rule(self, shop, rules):
        first, second = serving.bought_together(shop[0], n=5, now=NOON)
        assert (first.product, second.product) == (shop[2], shop[1])
        assert first.reason_code == "basket"
        assert first.evidence["together"] == 30
        assert first.reason("en") == f"60% of baskets with {shop[0].title_en} hold it, too"

    def test_what_is_sold_out_is_left_out(self, shop, rules):
        shop[2].stock = 0
        shop[2].save()
        assert skus(serving.bought_together(shop[0], now=NOON)) == ["P1"]

    def test_it_asks_few_queries(self, shop, rules, django_assert_max_num_queries):
        with django_assert_max_num_queries(4):
            serving.bought_together(shop[0], now=NOON)


class TestDislikes:
    def test_what_is_disliked_is_gone_from_the_next_list_at_once(self, shop):
        ada = make_customer()
        serving.dislike(ada, shop[0], placement="home", now=NOON)
        assert "P0" not in skus(serving.recommend(ada, n=10, now=NOON))
        assert "P0" in skus(serving.recommend(make_customer(), n=10, now=NOON))

    def test_twice_is_once(self, shop):
        ada = make_customer()
        for _ in range(2):
            serving.dislike(ada, shop[0], now=NOON)
        event = Event.objects.get(kind="recommendations.product_disliked")
        assert event.data["sku"] == "P0"

    def test_it_can_be_taken_back_and_said_again_within_a_minute(self, shop):
        ada, moment = make_customer(), NOON - timedelta(seconds=9)
        for tell, hidden in (
            (serving.dislike, True),
            (serving.take_back_dislike, False),
            (serving.dislike, True),
        ):
            tell(ada, shop[0], now=moment)
            assert ("P0" not in skus(serving.recommend(ada, n=10, now=moment))) is hidden
            assert (shop[0].pk in serving.disliked(ada, now=moment)) is hidden
            moment += timedelta(seconds=1)

    def test_what_was_never_disliked_is_not_taken_back(self, shop):
        serving.take_back_dislike(make_customer(), shop[0], now=NOON)
        assert not Event.objects.exists()

    def test_what_was_disliked_in_a_rating_is_taken_back_too(self, shop):
        ada = make_customer()
        rate(ada, shop[0], 1, at=NOON - timedelta(days=1))
        assert serving.disliked(ada, now=NOON) == {shop[0].pk}
        serving.take_back_dislike(ada, shop[0], now=NOON)
        assert serving.disliked(ada, now=NOON) == set()

    def test_it_says_nothing_of_what_they_like(self, shop):
        ada = make_customer()
        serving.dislike(ada, shop[0], now=NOON - timedelta(seconds=2))
        serving.take_back_dislike(ada, shop[0], now=NOON)
        assert [touch.weight for touch in interactions.of_customer(ada, now=NOON)] == [0.0, 0.0]

    def test_the_queries_of_a_dislike_do_not_grow_with_the_history(self, shop):
        serving.dislike(make_customer(), shop[2], now=NOON)  # asks who listens, once for some time
        counts = []
        for views in (1, 30):
            ada = make_customer()
            for minute in range(views):
                view(ada, shop[1], at=NOON - timedelta(minutes=minute + 1))
            with CaptureQueriesContext(connection) as queries:
                serving.dislike(ada, shop[0], now=NOON)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 12

    def test_a_purchase_of_later_takes_it_back(self, shop):
        ada = make_customer()
        serving.dislike(ada, shop[0], now=NOON - timedelta(days=9))
        assert skus(serving.recommend(ada, n=1, now=NOON, mode="again")) == []
        make_order(ada, shop[0], at=NOON - timedelta(days=1))
        assert skus(serving.recommend(ada, n=1, now=NOON, mode="again")) == ["P0"]
