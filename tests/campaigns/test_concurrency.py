"""Several workers at the same moment, on PostgreSQL: one message each, caps that hold."""

import threading
from collections import Counter

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from campaigns import freezing, lifecycle, preparing, sending
from campaigns.models import Campaign
from tests.campaigns.world import make_campaign, make_members

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has a single writer"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    """Tasks would run at once in the caller; here the threads are the workers."""
    monkeypatch.setattr("campaigns.tasks.start_campaign.delay", lambda **_: None)


def at_once(*works):
    """Run all at the same moment, each in a thread with a connection of its own."""
    barrier, failures = threading.Barrier(len(works)), []

    def run(work):
        try:
            barrier.wait()
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def sender(campaign, owner, limit=7):
    def send():
        while True:
            fresh = Campaign.objects.select_related("topic", "segment").get(pk=campaign.pk)
            if not sending.send_batch(fresh, owner=owner, now=timezone.now(), limit=limit).claimed:
                return

    return send


def begin(campaign):
    lifecycle.start(campaign, now=timezone.now())
    preparing.prepare_all(campaign.pk, now=timezone.now())


def test_four_workers_send_each_message_once(recorder):
    campaign = make_campaign(holdout_share=0)
    make_members(campaign, 120)
    begin(campaign)
    at_once(*(sender(campaign, f"worker-{n}") for n in range(4)))
    assert Counter(m["to"] for m in recorder.sent).most_common(1)[0][1] == 1
    assert len(recorder.sent) == 120
    assert lifecycle.finish_if_done(campaign.pk, now=timezone.now())


def test_workers_who_prepare_at_once_give_everybody_one_arm(monkeypatch):
    """Also where customers of different blocks have the same addresses, in different orders."""
    monkeypatch.setattr(freezing, "BLOCK", 10)
    campaign = make_campaign(holdout_share="0.2")
    members = make_members(campaign, 90)
    for one, other in zip(members[:20], reversed(members[70:]), strict=True):
        type(one).objects.filter(pk=other.pk).update(email=one.email)
    lifecycle.start(campaign, now=timezone.now())
    work = [lambda: preparing.prepare_all(campaign.pk, now=timezone.now())] * 3
    at_once(*work)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.audience_size) == ("sending", 90)
    assert campaign.assignments.count() == 90
    assert campaign.deliveries.count() == campaign.to_be_written_to
    assert campaign.unprepared == campaign.blocks.count() == 0
    told = campaign.deliveries.values_list("status", "reason").distinct()
    assert set(told) <= {("queued", ""), ("skipped", "same_address")}


def test_campaigns_sent_at_the_same_moment_keep_the_cap(recorder):
    first = make_campaign(holdout_share=0, cap_messages=1)
    make_members(first, 60)
    others = [
        make_campaign(holdout_share=0, cap_messages=1, segment=first.segment) for _ in range(2)
    ]
    for campaign in (first, *others):
        begin(campaign)
    at_once(*(sender(c, f"worker-{c.pk}") for c in (first, *others)))
    assert Counter(m["to"] for m in recorder.sent).most_common(1)[0][1] == 1
    assert len(recorder.sent) == 60


def test_starting_from_two_browsers_starts_once():
    campaign = make_campaign()
    make_members(campaign, 3)
    begun = []
    work = [
        lambda: begun.append(
            lifecycle.start(Campaign.objects.get(pk=campaign.pk), now=timezone.now())
        )
    ]
    at_once(*work * 4)
    assert sorted(begun) == [False, False, False, True]
