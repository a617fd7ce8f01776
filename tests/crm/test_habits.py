"""Channel and hour of each customer, in their own day; nothing claimed where little is known."""

from datetime import timedelta

import pytest

from crm import habits, timeline
from crm.models import Score
from crm.timeline import Entry
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


def did(customer, kind, times, *, at=NOON):
    entries = [
        Entry(
            customer_id=customer.pk, kind=kind, data={}, happened_at=at - timedelta(days=n),
            message_id=f"{kind}-{customer.pk}-{n}", source="test",
        )
        for n in range(times)
    ]  # fmt: skip
    timeline.record_many(entries, received_at=NOON, announce=False)


def score(customer, name):
    return Score.objects.get(customer=customer, name=name)


@pytest.fixture
def crowd():
    for number in range(20):
        visitor = make_customer(f"Visitor{number}")
        did(visitor, "crm.product_viewed", 6, at=NOON - timedelta(hours=number % 3))


def test_a_reader_of_mail_prefers_mail(crowd):
    ada = make_customer()
    did(ada, "campaigns.message_opened", 12)
    habits.refresh(as_of=NOON, now=NOON)
    found = score(ada, "channel")
    assert found.label == "email"
    assert found.detail["deeds"] == {"email": 12, "chat": 0, "web": 0}
    assert found.detail["shares"]["email"] > found.detail["everybody"]["email"]


def test_too_little_known_is_said(crowd):
    ada = make_customer()
    did(ada, "campaigns.message_opened", 2)
    habits.refresh(as_of=NOON, now=NOON)
    assert score(ada, "channel").label == ""
    assert score(ada, "hour").label == ""


def test_the_hour_is_that_of_their_own_clock():
    li, ben = make_customer("Li", timezone="Asia/Shanghai"), make_customer("Ben", timezone="UTC")
    for person in (li, ben):
        did(person, "crm.order_placed", 30)
    habits.refresh(as_of=NOON, now=NOON)
    assert (score(li, "hour").label, score(ben, "hour").label) == ("20", "12")
    assert sum(score(li, "hour").detail["shares"]) == pytest.approx(1, abs=0.01)


def test_a_time_zone_that_is_none_counts_as_utc():
    ada = make_customer(timezone="London")
    did(ada, "crm.order_placed", 30)
    habits.refresh(as_of=NOON, now=NOON)
    assert score(ada, "hour").label == "12"


def test_nothing_after_the_moment_counts_and_nobody_active_is_no_error():
    did(make_customer(), "crm.page", 1, at=NOON + timedelta(days=1))
    assert habits.refresh(as_of=NOON, now=NOON) == {"channel": 0, "hour": 0}
