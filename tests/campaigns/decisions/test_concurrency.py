"""Two workers at the same moment, on PostgreSQL: nothing is given away that is not there."""

from collections import Counter

import pytest
from django.conf import settings
from django.db.models import Count

from campaigns import decisions
from campaigns.models import Action, Decision, Placement
from crm.models import Customer
from tests.campaigns.decisions.world import make_home, make_people
from tests.campaigns.test_concurrency import at_once
from tests.factories import NOON

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has a single writer"),
    pytest.mark.django_db(transaction=True),
]


def worker(slug, ids, *, key="", size=5):
    def work():
        placement = Placement.objects.get(slug=slug)
        for start in range(0, len(ids), size):
            decisions.decide_many(ids[start : start + size], placement, now=NOON, key=key)

    return work


def test_a_stock_and_a_budget_hold_between_two_workers():
    placement, (gift, coupon, _) = make_home("gift", "coupon", "banner")
    Action.objects.filter(pk=gift.pk).update(uses_limit=23)
    Action.objects.filter(pk=coupon.pk).update(budget=100, value=7)
    ids = [person.pk for person in make_people(160)]
    at_once(worker(placement.slug, ids[:80]), worker(placement.slug, ids[80:]))
    times = Counter(Decision.objects.values_list("choice", flat=True))
    gift.refresh_from_db()
    coupon.refresh_from_db()
    assert (times["gift"], gift.used) == (23, 23)
    assert (times["coupon"], coupon.used, coupon.spent) == (14, 14, 98)
    assert sum(times.values()) == 160


def test_workers_one_by_one_keep_the_last_of_a_stock_for_one():
    placement, (gift, _) = make_home("gift", "banner")
    Action.objects.filter(pk=gift.pk).update(uses_limit=3, weight=100)
    ids = [person.pk for person in make_people(20)]
    at_once(*(worker(placement.slug, ids[n::4], size=1) for n in range(4)))
    assert Decision.objects.filter(choice="gift").count() == 3


def test_a_batch_with_a_key_that_two_workers_have_is_decided_once():
    placement, (gift, _) = make_home("gift", "banner")
    Action.objects.filter(pk=gift.pk).update(uses_limit=1_000)
    ids = [person.pk for person in make_people(40)]
    at_once(*[worker(placement.slug, ids, key="campaign 7", size=10)] * 2)
    counted = Customer.objects.annotate(number=Count("decisions")).values_list("number", flat=True)
    assert set(counted) == {1}
    gift.refresh_from_db()
    assert gift.used == Decision.objects.filter(choice="gift").count()
