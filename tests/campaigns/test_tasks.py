"""Celery only wakes the sender: whatever a task forgets, the sweeper finds."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns import lifecycle, preparing, tasks
from campaigns.models import Campaign, Delivery
from tests.campaigns.world import make_campaign, make_members, make_template, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def begun(campaign):
    """Started, but the broker lost the task."""
    lifecycle.start(campaign, now=timezone.now())
    return campaign


def reload(campaign):
    campaign.refresh_from_db()
    return campaign


def test_the_task_chooses_the_audience_sends_and_finishes(begun, outbox_of_channel):
    assert tasks.start_campaign(campaign_id=begun.pk) == 20
    assert len(outbox_of_channel) == 20
    assert reload(begun).status == "finished"


def test_the_task_delivered_twice_sends_once(begun, outbox_of_channel):
    for _ in range(3):
        tasks.start_campaign(campaign_id=begun.pk)
    assert len(outbox_of_channel) == 20


def test_a_task_for_a_campaign_that_is_gone_does_nothing():
    assert tasks.start_campaign(campaign_id=999) == 0


def test_a_lost_start_is_found_by_the_sweeper(begun, outbox_of_channel):
    tasks.sweep()
    assert len(outbox_of_channel) == 20
    assert reload(begun).status == "finished"


def test_a_sender_that_died_half_way_is_followed_by_the_sweeper(begun, outbox_of_channel):
    preparing.prepare_all(begun.pk, now=timezone.now())
    ids = list(Delivery.objects.values_list("pk", flat=True)[:8])
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(pk__in=ids[:5]).update(claimed_by="dead", claimed_until=past)
    Delivery.objects.filter(pk__in=ids[5:]).update(
        claimed_by="dead", claimed_until=past, status="sending", attempted_at=past
    )
    tasks.sweep()
    assert len(outbox_of_channel) == 17
    assert Delivery.objects.filter(status="uncertain").count() == 3
    assert reload(begun).status == "finished"


def test_the_sweeper_leaves_a_living_sender_alone(begun, outbox_of_channel):
    preparing.prepare_all(begun.pk, now=timezone.now())
    alive = timezone.now() + timedelta(seconds=20)
    first = Delivery.objects.first()
    Delivery.objects.filter(pk=first.pk).update(
        claimed_by="alive", claimed_until=alive, status="sending", attempted_at=timezone.now()
    )
    tasks.sweep()
    assert outbox_of_channel == []
    assert reload(begun).status == "sending"


def test_a_scheduled_campaign_starts_when_its_time_has_come(campaign, outbox_of_channel):
    campaign.scheduled_at = timezone.now() + timedelta(hours=1)
    campaign.save()
    lifecycle.schedule(campaign)
    tasks.sweep()
    assert reload(campaign).status == "scheduled"
    Campaign.objects.update(scheduled_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert len(outbox_of_channel) == 20


def test_a_scheduled_campaign_that_is_not_ready_becomes_a_draft_again(campaign, outbox_of_channel):
    Campaign.objects.update(status="scheduled", scheduled_at=timezone.now())
    campaign.segment.memberships.all().delete()
    tasks.sweep()
    assert reload(campaign).status == "draft"


def test_a_campaign_without_a_variant_is_refused():
    campaign = make_campaign(labels=())
    make_members(campaign, 1)
    with pytest.raises(lifecycle.NotPossible, match="no variant"):
        lifecycle.start(campaign, now=timezone.now())


def test_a_campaign_with_a_broken_template_is_refused_before_anybody_gets_an_arm():
    from campaigns.rendering import BrokenTemplate

    campaign = make_campaign(template=make_template("Oops", body_en="{% if %}"))
    make_members(campaign, 1)
    with pytest.raises(BrokenTemplate, match="Oops"):
        lifecycle.start(campaign, now=timezone.now())
    assert not campaign.assignments.exists()


def test_a_campaign_for_an_unknown_channel_is_refused():
    from campaigns.channels import UnknownChannel

    campaign = make_campaign(channel="wechat")
    make_members(campaign, 1)
    with pytest.raises(UnknownChannel):
        lifecycle.start(campaign, now=timezone.now())


def test_scheduling_needs_a_time(campaign):
    with pytest.raises(lifecycle.NotPossible, match="time"):
        lifecycle.schedule(campaign)


@pytest.mark.parametrize("step", ["pause", "resume"])
def test_steps_that_the_state_does_not_allow_are_refused(campaign, step):
    with pytest.raises(lifecycle.NotPossible, match="is draft"):
        getattr(lifecycle, step)(campaign)


def test_a_finished_campaign_cannot_be_cancelled(campaign):
    Campaign.objects.update(status="finished")
    with pytest.raises(lifecycle.NotPossible):
        lifecycle.cancel(campaign, now=timezone.now())


def test_a_cancel_while_the_audience_is_chosen_stops_it(begun):
    lifecycle.cancel(begun, now=timezone.now())
    assert preparing.prepare_all(begun.pk, now=timezone.now()) == 0
    assert not begun.assignments.exists()


def test_starting_survives_a_broker_that_is_down(
    campaign, monkeypatch, django_capture_on_commit_callbacks
):
    def down(**kwargs):
        raise OSError("no broker")

    monkeypatch.setattr("campaigns.tasks.start_campaign.delay", down)
    with django_capture_on_commit_callbacks(execute=True):
        assert lifecycle.start(campaign, now=timezone.now())
    assert reload(campaign).status == "sending"


def test_pages_for_customers_have_a_panel_with_a_fixed_number_of_queries(
    campaign, django_assert_num_queries, outbox_of_channel
):
    from django.template.loader import render_to_string

    from campaigns import panel

    start(campaign)
    customer = campaign.segment.memberships.first().customer
    with django_assert_num_queries(4):  # arms, messages, coupons, decisions
        body = render_to_string("campaigns/portrait.html", {"panel": panel.build(customer)})
    assert campaign.name in body
