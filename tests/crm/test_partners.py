"""Whom a key opens what for. A key is shown once; another's customer does not exist."""

from datetime import timedelta

import pytest

from crm import customers, partners
from crm.models import Membership, Partner, PartnerKey, Segment
from crm.rates import TokenBuckets
from tests.factories import NOON, make_customer, make_key, make_partner

pytestmark = pytest.mark.django_db


def make_segment(*members, slug="seen"):
    segment = Segment.objects.create(slug=slug, name_en=slug, kind=Segment.Kind.STATIC)
    for member in members:
        Membership.objects.create(segment=segment, customer=member, entered_at=NOON)
    return segment


class TestKeys:
    def test_a_key_is_found_by_its_text(self):
        key, text = make_key(make_partner())
        assert partners.key_of(text, now=NOON) == key

    def test_the_text_is_kept_nowhere(self):
        _, text = make_key(make_partner())
        [kept] = PartnerKey.objects.values()
        assert text not in str(kept)
        assert text.startswith(kept["begins"])

    @pytest.mark.parametrize("text", ["", "rk_wrong", "x" * 10_000, "rk_\0", "rk_ключ"])
    def test_nobody_else_is_let_in(self, text):
        make_key(make_partner())
        assert partners.key_of(text, now=NOON) is None

    def test_no_text_that_is_too_long_is_looked_up(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert partners.key_of("x" * 10_000, now=NOON) is None

    def test_an_expired_key_opens_nothing(self):
        _, text = make_key(make_partner(), expires_at=NOON)
        assert partners.key_of(text, now=NOON - timedelta(seconds=1)) is not None
        assert partners.key_of(text, now=NOON) is None

    def test_a_revoked_key_opens_nothing(self):
        _, text = make_key(make_partner(), revoked_at=NOON)
        assert partners.key_of(text, now=NOON) is None

    def test_no_key_of_a_stopped_partner_opens_anything(self):
        _, text = make_key(make_partner(is_active=False))
        assert partners.key_of(text, now=NOON) is None

    def test_two_keys_are_two(self):
        partner = make_partner()
        assert make_key(partner)[1] != make_key(partner)[1]


class TestWhomAPartnerSees:
    def test_a_shop_of_ours_sees_everybody(self):
        customer = make_customer()
        partner = make_partner(sees_everybody=True)
        assert partners.find_customer(partner, str(customer.public_id)) == customer

    def test_a_partner_sees_the_customers_of_their_segments(self):
        ada, bob = make_customer("Ada"), make_customer("Bob")
        partner = make_partner()
        partner.segments.set([make_segment(ada, slug="a"), make_segment(ada, slug="b")])
        assert list(partners.customers_of(partner)) == [ada]
        assert partners.find_customer(partner, str(ada.public_id)) == ada
        assert partners.find_customer(partner, str(bob.public_id)) is None

    def test_a_partner_without_segments_sees_nobody(self):
        ada = make_customer("Ada")
        assert not partners.customers_of(make_partner()).exists()
        assert partners.find_customer(make_partner(), str(ada.public_id)) is None

    def test_who_left_the_segment_is_no_longer_seen(self):
        ada = make_customer("Ada")
        partner = make_partner()
        segment = make_segment(ada)
        partner.segments.add(segment)
        segment.memberships.all().delete()
        assert partners.find_customer(partner, str(ada.public_id)) is None

    def test_a_customer_is_found_by_an_identifier(self):
        ada = make_customer("Ada", email="ada@example.org")
        partner = make_partner(sees_everybody=True)
        assert partners.find_customer(partner, "email:Ada@Example.org") == ada

    @pytest.mark.parametrize(
        "reference", ["", "nobody", "email:", "email:x@example.org", "id:1", "1", "a:b:c", "\0"]
    )
    def test_nobody_is_found_by_nonsense(self, reference):
        make_customer("Ada")
        assert partners.find_customer(make_partner(sees_everybody=True), reference) is None

    def test_who_was_merged_is_found_as_who_they_are_now(self):
        winner, loser = make_customer("Ada"), make_customer("Ada")
        customers.merge(winner, loser, evidence="test", source="test", at=NOON)
        partner = make_partner(sees_everybody=True)
        assert partners.find_customer(partner, str(loser.public_id)) == winner

    def test_a_merge_opens_nobody_who_was_not_open(self):
        """The loser's id leads to a winner outside of the partner's segments."""
        winner, loser = make_customer("Ada"), make_customer("Ada")
        partner = make_partner()
        partner.segments.add(make_segment(loser))
        customers.merge(winner, loser, evidence="test", source="test", at=NOON)
        Membership.objects.filter(customer=winner).delete()
        assert partners.find_customer(partner, str(loser.public_id)) is None

    def test_a_partner_may_ask_at_least_once_a_second(self):
        from django.db import IntegrityError

        with pytest.raises(IntegrityError):
            Partner.objects.create(name="Nobody", requests_per_second=0)


class TestTokenBuckets:
    def test_a_second_s_worth_and_no_more(self):
        buckets = TokenBuckets()
        taken = [buckets.take("a", per_second=3, at=10.0) for _ in range(4)]
        assert [one.allowed for one in taken] == [True, True, True, False]
        assert [one.left for one in taken] == [2, 1, 0, 0]

    def test_it_fills_again_with_time(self):
        buckets = TokenBuckets()
        for _ in range(4):
            buckets.take("a", per_second=4, at=10.0)
        assert not buckets.take("a", per_second=4, at=10.2).allowed
        assert buckets.take("a", per_second=4, at=10.3).allowed

    def test_it_never_holds_more_than_a_second_s_worth(self):
        buckets = TokenBuckets()
        buckets.take("a", per_second=2, at=10.0)
        assert buckets.take("a", per_second=2, at=1_000.0).left == 1

    def test_one_does_not_take_from_another(self):
        buckets = TokenBuckets()
        buckets.take("a", per_second=1, at=10.0)
        assert buckets.take("b", per_second=1, at=10.0).allowed
