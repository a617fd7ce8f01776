"""Whatever happens, the books are in order: everybody is somewhere, and no cap is passed."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns import channels, lifecycle, sending
from campaigns.models import Campaign, Delivery
from tests.campaigns.world import join, make_campaign, make_members, make_segment, send_all, start
from tests.factories import NOON, make_customer, make_topic

pytestmark = pytest.mark.django_db
ANSWERS = {
    "accepted": lambda: None,
    "later": lambda: channels.TemporaryFailure("451"),
    "refused": lambda: channels.PermanentFailure("554"),
    "wrong address": lambda: channels.AddressRefused("550"),
    "silence": lambda: channels.Unclear("?"),
}
STEPS = ["send", "send", "pause", "resume", "sweep", "later", "later"]
few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def balance(campaign):
    """What the screen adds up; each message is in exactly one place."""
    campaign.refresh_from_db()
    return Counter(campaign.deliveries.values_list("status", flat=True))


@few
@given(
    answers=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=25),
    steps=st.lists(st.sampled_from(STEPS), max_size=10),
    limit=st.integers(1, 7),
)
def test_sent_failed_skipped_and_uncertain_make_up_the_audience(recorder, answers, steps, limit):
    campaign = make_campaign(holdout_share="0.2", segment=make_segment())
    make_members(campaign, 6)
    make_members(campaign, 2, consenting=False)
    join(campaign, make_customer("Nemo", email=""))
    recorder.answers = [ANSWERS[name]() for name in answers]
    start(campaign)
    now = NOON
    for step in steps:
        campaign.refresh_from_db()
        if step == "later":
            now += timedelta(hours=2)
        elif step == "pause" and campaign.status == "sending":
            lifecycle.pause(campaign)
        elif step == "resume" and campaign.status == "paused":
            Campaign.objects.filter(pk=campaign.pk).update(status="sending")
        elif campaign.status == "sending":
            sending.send_batch(campaign, owner="w", now=now, limit=limit)
            lifecycle.finish_if_done(campaign.pk, now=now)
        counts = balance(campaign)
        assert counts.total() == campaign.to_be_written_to
        assert campaign.status != "finished" or not counts["queued"] + counts["sending"]
    Campaign.objects.filter(pk=campaign.pk, status="paused").update(status="sending")
    for _ in range(6):
        now += timedelta(hours=3)
        send_all(campaign, now=now)
    counts = balance(campaign)
    ends = ("sent", "failed", "skipped", "uncertain")
    assert campaign.status == "finished"
    assert sum(counts[end] for end in ends) == counts.total() == campaign.to_be_written_to


@few
@given(
    sends=st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 100)), min_size=1, max_size=7
    )
)
def test_nobody_gets_more_than_the_cap_of_a_campaign_within_its_days(recorder, sends):
    """Each campaign: its cap, the days of it, and how many hours after the last it is sent."""
    segment, now = make_segment(), NOON
    first = make_campaign(segment=segment)
    people = make_members(first, 2)
    Delivery.objects.all().delete()
    for cap, days, hours in sends:
        now += timedelta(hours=hours)
        campaign = make_campaign(
            segment=segment, holdout_share=0, cap_messages=cap, cap_days=days, labels=("A",)
        )
        assert campaign.topic == make_topic()
        start(campaign, now=now)
        send_all(campaign, now=now)
        since = now - timedelta(days=days)
        for person in people:
            got = Delivery.objects.filter(customer=person, status="sent", attempted_at__gt=since)
            mine = got.filter(campaign=campaign).count()
            assert got.count() <= cap or not mine
            assert mine or got.count() >= cap  # and nobody is refused without a reason
