"""Who is hardly known: what people like them buy, what they look at; and products nobody knows."""

from datetime import timedelta

import pytest

from crm.models import Membership, Segment
from crm.training import Order
from recommendations import cold, newcomers, serving
from recommendations.training import train_recommender
from tests.factories import NOON, make_brand, make_category, make_customer, make_order, make_product
from tests.recommendations.worlds import make_shop, view

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """Three phones that sell best, three boots that the hikers buy, a hat that nobody buys."""
    phones = [make_product(f"PHONE{n}", category=make_category()) for n in range(3)]
    boots = [make_product(f"BOOT{n}", category=make_category("boots", "靴")) for n in range(3)]
    hat = make_product("HAT", category=make_category("hats", "帽"))
    for number in range(60):
        make_order(make_customer("Buyer"), phones[number % 3], at=NOON - timedelta(days=3))
    return phones, boots, hat


@pytest.fixture
def hikers(shop):
    segment = Segment.objects.create(slug="hikers", name_en="Hikers", kind="static", size=31)
    for number in range(30):
        hiker = make_customer("Hiker")
        join(segment, hiker)
        make_order(hiker, shop[1][number % 3], at=NOON - timedelta(days=3))
    return segment


def join(segment, customer):
    Membership.objects.create(segment=segment, customer=customer, entered_at=NOON)
    return customer


def skus(lines):
    return [line.product.sku for line in lines]


class TestPeopleLikeThem:
    def test_who_belongs_to_nothing_is_shown_what_sells(self, shop, hikers):
        listed = serving.recommend(make_customer(), n=3, now=NOON)
        assert {sku[:5] for sku in skus(listed)} == {"PHONE"}
        assert listed[0].reason_code == "popular_in"

    def test_a_new_member_is_shown_what_the_segment_buys(self, shop, hikers):
        listed = serving.recommend(join(hikers, make_customer()), n=3, now=NOON)
        assert {sku[:4] for sku in skus(listed)} == {"BOOT"}
        assert listed[0].reason_code == "people_like_you"
        assert listed[0].reason("en") == "popular with customers like you"
        assert "hikers" not in listed[0].reason("en") + listed[0].reason("zh-hans")

    def test_the_smallest_segment_with_buyers_speaks(self, shop, hikers):
        everybody = Segment.objects.create(slug="all", name_en="All", kind="static", size=500)
        few = Segment.objects.create(slug="few", name_en="Few", kind="static", size=2)
        ada = join(hikers, make_customer())
        for segment in (everybody, few):
            join(segment, ada)
        line = serving.recommend(ada, n=1, now=NOON)[0]
        assert line.evidence == {"segment": "hikers"}

    def test_what_only_others_buy_is_not_said_to_be_liked_by_their_like(self, shop, hikers):
        listed = serving.recommend(join(hikers, make_customer()), n=7, now=NOON)
        for line in listed:
            if line.product.sku.startswith("PHONE"):
                assert line.reason_code == "popular_in"

    def test_a_segment_without_buyers_changes_nothing(self, shop):
        segment = Segment.objects.create(slug="new", name_en="New", kind="static", size=9)
        listed = serving.recommend(join(segment, make_customer()), n=3, now=NOON)
        assert {sku[:5] for sku in skus(listed)} == {"PHONE"}

    def test_the_buyers_of_a_segment_are_counted_once_for_a_while(
        self, shop, hikers, django_assert_num_queries
    ):
        first, second = (join(hikers, make_customer()) for _ in range(2))
        cold.cold(first, [], now=NOON)
        with django_assert_num_queries(4):
            cold.cold(second, [], now=NOON + timedelta(minutes=1))


class TestWhatTheyLookAt:
    def test_the_category_of_this_session_comes_first(self, shop):
        ada = make_customer()
        view(ada, shop[1][0], at=NOON - timedelta(minutes=1))
        listed = serving.recommend(ada, n=6, now=NOON)
        assert listed[0].product.category.slug == "phone"  # nobody bought a boot yet
        for hiker in range(24):
            make_order(make_customer("Hiker"), shop[1][hiker % 3], at=NOON - timedelta(days=2))
        later = NOON + timedelta(minutes=5)
        assert skus(serving.recommend(ada, n=1, now=later))[0].startswith("BOOT")

    def test_products_looked_at_by_nobody_in_particular_count_as_well(self, shop):
        for hiker in range(24):
            make_order(make_customer("Hiker"), shop[1][hiker % 3], at=NOON - timedelta(days=2))
        nobody = type(make_customer())(first_seen_at=NOON, last_seen_at=NOON)
        session = [shop[1][0].pk]
        line = serving.recommend(nobody, n=1, now=NOON, session=session)[0]
        assert line.product.category.slug == "boots"
        assert line.reason_code == "looking"
        assert line.reason("en") == "in Boots, which you are looking at"

    def test_ids_of_no_product_do_no_harm(self, shop):
        nobody = type(make_customer())(first_seen_at=NOON, last_seen_at=NOON)
        assert len(serving.recommend(nobody, n=3, now=NOON, session=[10**9, -1])) == 3


class TestBadDays:
    def test_a_catalogue_of_three_gives_three(self):
        for number in range(3):
            make_product(f"P{number}")
        assert len(serving.recommend(make_customer(), n=10, now=NOON)) == 3
        assert len(serving.recommend(make_customer(), n=10_000, now=NOON)) == 3

    def test_everything_sold_out_is_an_empty_list(self):
        make_product(stock=0)
        assert serving.recommend(make_customer(), n=10, now=NOON) == []

    def test_who_bought_the_whole_shop_is_shown_nothing_new(self, shop):
        ada = make_customer()
        make_order(ada, *shop[0], *shop[1], shop[2], at=NOON)
        assert serving.recommend(ada, n=5, now=NOON) == []
        assert len(serving.recommend(ada, n=5, now=NOON, mode="again")) == 5

    def test_a_customer_who_was_deleted_meanwhile_is_a_stranger(self, shop):
        ada = make_customer()
        stale = type(ada).objects.get(pk=ada.pk)
        ada.delete()
        assert len(serving.recommend(stale, n=3, now=NOON)) == 3

    def test_a_product_deleted_between_scoring_and_rendering_is_left_out(self, shop, monkeypatch):
        from recommendations import lines

        read = lines._rows

        def too_late(ids):
            shop[2].delete()
            return read(ids)

        monkeypatch.setattr(lines, "_rows", too_late)
        listed = serving.recommend(make_customer(), n=7, now=NOON)
        assert len(listed) == 6
        assert [line.rank for line in listed] == [1, 2, 3, 4, 5, 6]


class TestNewcomers:
    @pytest.fixture
    def trained(self):
        shop = make_shop()
        assert train_recommender(Order(as_of=NOON, now=NOON))["promoted"]
        return shop

    def test_a_product_of_yesterday_finds_those_who_like_its_kind(self, trained):
        products, people = trained
        new = make_product(
            "NEW", category=products[1][0].category, brand=products[1][0].brand, price=150
        )
        fans = [new in [o.product for o in serving.recommend(c, n=10, now=NOON)] for c in people[1]]
        others = [
            new in [o.product for o in serving.recommend(c, n=10, now=NOON)] for c in people[0]
        ]
        assert sum(fans) / len(fans) > 0.8
        assert sum(others) < sum(fans)

    def test_it_says_that_it_is_new(self, trained):
        products, people = trained
        new = make_product("NEW", category=products[1][0].category)
        for line in serving.recommend(people[1][0], n=10, now=NOON):
            if line.product == new:
                assert line.reason_code == "new"
                assert line.reasons("en")[0] == "new in the shop"

    def test_newcomers_take_no_more_than_their_share_and_never_the_top(self, trained):
        products, people = trained
        for number in range(12):
            make_product(f"NEW{number}", category=products[1][0].category, brand=make_brand())
        listed = serving.recommend(people[1][0], n=10, now=NOON)
        new = [line.rank for line in listed if line.product.sku.startswith("NEW")]
        assert len(new) <= 2
        assert 1 not in new
        assert len(listed) == 10

    def test_what_is_unlike_everything_fills_what_is_left_over(self, trained):
        make_product("ODD")
        listed = serving.recommend(trained[1][0][0], n=200, now=NOON)
        assert listed[-1].product.sku == "ODD"

    def test_a_list_keeps_its_length_and_its_order(self):
        listed = [(1, 5.0), (2, 4.0), (3, 3.0), (4, 2.0), (5, 1.0)]
        merged = newcomers.among(listed, [(9, 3.5), (8, 3.4)])
        assert merged == [(1, 5.0), (2, 4.0), (9, 3.5), (3, 3.0), (4, 2.0)]
        assert newcomers.among(listed, [(9, 9.9)])[0] == (1, 5.0)
        assert newcomers.among(listed, [(9, -1.0)]) == listed
        assert newcomers.among([], [(9, 1.0)]) == []
