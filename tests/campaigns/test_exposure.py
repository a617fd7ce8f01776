"""Who was reached, by language."""

import pytest

from campaigns import exposure
from campaigns.models import Delivery
from crm.models import Customer
from tests.campaigns.world import make_campaign, make_members, send_all, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(outbox_of_channel):
    campaign = make_campaign(holdout_share=0, labels=("A",))
    make_members(campaign, 60)
    start(campaign)
    ids = list(campaign.deliveries.order_by("pk").values_list("customer_id", flat=True))
    Customer.objects.filter(pk__in=ids[:30]).update(language="zh-hans")
    Customer.objects.filter(pk__in=ids[30:]).update(language="en")
    send_all(campaign)
    return campaign


def test_alike_groups_raise_no_alarm(sent):
    seen = exposure.by_language(sent)
    assert {group.name: group.reached.rate for group in seen.groups} == {"en": 1.0, "zh-hans": 1.0}
    assert (seen.is_unequal, seen.p_value, seen.widest[0]) == (False, 1.0, 0.0)


def test_a_language_that_is_hardly_reached_raises_one(sent):
    some = sent.deliveries.filter(customer__language="zh-hans").values("pk")[:20]
    Delivery.objects.filter(pk__in=some).update(status="failed", reason="550")
    seen = exposure.by_language(sent)
    assert seen.is_unequal
    assert seen.widest[0] > 0.3
    low, high = next(g.interval for g in seen.groups if g.name == "zh-hans")
    assert low < 1 / 3 < high


def test_one_language_or_nothing_sent_is_nothing_to_compare(sent):
    Customer.objects.update(language="en")
    assert exposure.by_language(sent) is None
    assert exposure.by_language(make_campaign()) is None


def test_it_asks_one_query(sent, django_assert_num_queries):
    with django_assert_num_queries(1):
        exposure.by_language(sent)
