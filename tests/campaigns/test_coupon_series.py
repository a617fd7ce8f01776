"""Codes of one's own: one for each customer, no more than the series has, used as often as said."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns import coupons, personal, rendering, tasks
from campaigns.models import Coupon, CouponSeries, Redemption, Template
from crm import orders
from crm.models import Event
from tests.campaigns.world import make_campaign, make_members, make_template, send_all, start
from tests.factories import NOON, make_customer, make_product

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def make_series(slug="autumn", **fields):
    values = {"text_en": "10 off", "text_zh": "减十元", "prefix": "AUT"}
    return CouponSeries.objects.create(slug=slug, **(values | fields))


def give(series, *customers, now=NOON):
    found = coupons.give(series, [one.pk for one in customers], now=now)
    return [found[one.pk].code if one.pk in found else None for one in customers]


class TestGiving:
    def test_each_has_a_code_of_their_own_and_keeps_it(self):
        series, ada, bo = make_series(), make_customer("Ada"), make_customer("Bo")
        first = give(series, ada, bo)
        assert len(set(first)) == 2
        assert all(code.startswith("AUT") and len(code) == 13 for code in first)
        assert give(series, bo, ada, ada) == [first[1], first[0], first[0]]
        assert Coupon.objects.count() == 2

    def test_the_same_customer_has_other_codes_of_other_series(self):
        ada = make_customer()
        assert give(make_series("a"), ada) != give(make_series("b"), ada)

    def test_no_more_are_given_than_there_are(self):
        series = make_series(most=2)
        people = [make_customer(f"P{n}") for n in range(4)]
        codes = give(series, *people)
        assert [code is not None for code in codes] == [True, True, False, False]
        assert give(series, *people) == codes

    def test_it_is_valid_for_its_days_and_never_beyond_the_last(self):
        series = make_series(days=30, ends_on=(NOON + 10 * DAY).date())
        give(series, make_customer())
        assert Coupon.objects.get().valid_to == (NOON + 10 * DAY).date()
        assert make_series("open", days=5).last_day(NOON) == (NOON + 5 * DAY).date()

    @pytest.mark.parametrize("fields", [{"is_active": False}, {"ends_on": (NOON - DAY).date()}])
    def test_a_series_that_is_over_gives_none_and_takes_none_away(self, fields):
        series, ada = make_series(), make_customer()
        code = give(series, ada)
        CouponSeries.objects.update(**fields)
        series.refresh_from_db()
        assert give(series, ada, make_customer("Late")) == [*code, None]

    def test_the_queries_do_not_grow(self, django_assert_max_num_queries):
        series = make_series(most=100)
        people = [make_customer(f"P{n}") for n in range(50)]
        with django_assert_max_num_queries(9):
            give(series, *people)
        with django_assert_max_num_queries(1):
            give(series, *people)


class TestUsing:
    @pytest.fixture
    def coupon(self):
        ada = make_customer("Ada")
        give(make_series(), ada)
        return Coupon.objects.get()

    def test_once_for_each_order_however_often_it_is_told(self, coupon):
        for _ in range(2):
            used = coupons.redeem(coupon.code, coupon.customer, order="1", at=NOON)
        coupon.refresh_from_db()
        assert (used.is_allowed, coupon.uses, coupon.is_used_up) == (True, 1, True)

    def test_beyond_its_limit_it_is_kept_and_marked(self, coupon):
        coupons.redeem(coupon.code, coupon.customer, order="1", at=NOON)
        again = coupons.redeem(coupon.code, coupon.customer, order="2", at=NOON)
        assert (again.is_allowed, again.reason) == (False, "used_up")

    def test_somebody_else_s_is_marked(self, coupon):
        used = coupons.redeem(coupon.code, make_customer("Eve"), order="1", at=NOON)
        assert (used.is_allowed, used.reason) == (False, "of_another")

    def test_after_its_last_day_it_is_marked(self, coupon):
        used = coupons.redeem(coupon.code, coupon.customer, order="1", at=NOON + 40 * DAY)
        assert (used.is_allowed, used.reason) == (False, "not_valid")

    def test_a_code_that_is_none_of_ours_is_nothing(self):
        assert coupons.redeem("OTHER", make_customer(), order="1", at=NOON) is None

    def test_a_used_one_is_offered_no_more(self, coupon):
        ada = coupon.customer
        assert Coupon.objects.valid_for(ada, on=NOON.date()).exists()
        coupons.redeem(coupon.code, ada, order="1", at=NOON)
        assert not Coupon.objects.valid_for(ada, on=NOON.date()).exists()

    def test_an_order_says_so_by_itself(self, coupon):
        make_product("tea")
        line = {"sku": "tea", "quantity": 1, "price": 30}
        said = {"order_id": "7", "products": [line], "coupon": f" {coupon.code} "}
        orders.complete(coupon.customer, said, source="shop", at=NOON)
        event = Event.objects.get(kind="crm.order_placed")
        for _ in range(2):
            assert tasks.redeem_coupon(event_id=event.pk)
        assert Redemption.objects.get().order == "7"

    def test_an_order_without_a_code_is_nothing(self):
        line = {"sku": "tea", "quantity": 1, "price": 30}
        orders.complete(
            make_customer(), {"order_id": "7", "products": [line]}, source="shop", at=NOON
        )
        assert not tasks.redeem_coupon(event_id=Event.objects.get(kind="crm.order_placed").pk)


class TestMessages:
    BODY = "<p>{{ coupons['autumn'].code | default: 'no code' }} {{ coupons.autumn.text }}</p>"

    def test_each_reader_has_their_own_code_and_a_second_making_says_the_same(
        self, outbox_of_channel
    ):
        series = make_series(most=3)
        template = make_template(body_en=self.BODY, body_zh=self.BODY)
        campaign = make_campaign(template=template, labels=("A",), holdout_share="0")
        make_members(campaign, 5)
        start(campaign)
        send_all(campaign)
        bodies = [message["html"] for message in outbox_of_channel]
        codes = set(Coupon.objects.values_list("code", flat=True))
        assert len(codes) == series.coupons.count() == 3
        assert sum(any(code in body for code in codes) for body in bodies) == 3
        assert sum("no code" in body for body in bodies) == 2

    def test_a_preview_gives_nothing_away(self):
        make_series()
        template = make_template(body_en=self.BODY)
        message = rendering.preview(template, make_customer(), now=NOON)
        assert "AUTXXXXXXXXXX 10 off" in message.html
        assert not Coupon.objects.exists()

    def test_a_preview_of_who_has_one_shows_it(self):
        series, ada = make_series(), make_customer()
        code = give(series, ada)[0]
        assert code in rendering.preview(make_template(body_en=self.BODY), ada, now=NOON).html

    def test_a_series_that_nobody_knows_is_an_error_of_its_field(self):
        errors = rendering.errors(Template(name="x", subject_en="hi", body_en=self.BODY))
        assert "autumn" in errors["body_en"].why

    def test_one_s_own_coupon_is_still_another_thing(self):
        template = Template(subject_en="{{ coupon.code }}", body_en="{{ coupons.autumn.code }}")
        assert personal.wanted(template, "en") == ["coupon"]
        assert personal.wanted(Template(body_en="{{ coupons.a.code }}"), "en") == []
        assert personal.series(template, "en") == ["autumn"]


class TestPages:
    def test_staff_make_a_series_and_see_how_many_are_given(self, admin_client):
        said = {"slug": "autumn", "prefix": "AUT", "text_en": "10 off", "text_zh": "减十元"}
        said |= {"days": 30, "uses_each": 1, "is_active": "on", "most": 5}
        add = reverse("admin:campaigns_couponseries_add")
        assert admin_client.post(add, said).status_code == 302
        give(CouponSeries.objects.get(), make_customer())
        listed = admin_client.get(reverse("admin:campaigns_couponseries_changelist"))
        assert listed.status_code == 200
        assert "autumn" in listed.content.decode()
        wrong = admin_client.post(add, said | {"slug": "b", "prefix": "<b>"})
        assert wrong.status_code == 200

    def test_what_should_not_have_been_taken_says_why(self, admin_client):
        ada = make_customer()
        give(make_series(), ada)
        for order in ("1", "2"):
            coupons.redeem(Coupon.objects.get().code, ada, order=order, at=NOON)
        page = admin_client.get(reverse("admin:campaigns_redemption_changelist"))
        assert "It was used up" in page.content.decode()


class TestMany(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(most=st.integers(0, 6), asks=st.lists(st.lists(st.integers(0, 7)), max_size=6))
    def test_whatever_is_asked_nobody_has_two_and_the_series_never_gives_more(self, most, asks):
        series = make_series(most=most)
        people = [make_customer(f"P{n}") for n in range(8)]
        seen = {}
        for ask in asks:
            found = coupons.give(series, [people[n].pk for n in ask], now=NOON)
            for pk, coupon in found.items():
                assert seen.setdefault(pk, coupon.code) == coupon.code
        assert Coupon.objects.filter(series=series).count() == len(seen) <= most
        Coupon.objects.all().delete()
        series.delete()


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_for_the_last_code_at_once():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    series = make_series(most=1)
    people = [make_customer(f"P{n}") for n in range(4)]
    found, begin = [], threading.Barrier(len(people))

    def ask(customer):
        begin.wait(20)
        found.extend(coupons.give(series, [customer.pk], now=NOON))
        connection.close()

    asking = [threading.Thread(target=ask, args=[one]) for one in people]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(found) == Coupon.objects.count() == 1
