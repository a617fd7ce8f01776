"""The only door out: who may be written to, once each, and what every kind of end leaves."""

from datetime import time, timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from campaigns import channels, claiming, lifecycle, sending
from campaigns.models import Campaign, Delivery
from crm import consent
from crm.models import Event, Suppression
from tests.campaigns.world import join, make_campaign, make_members, send_all, start
from tests.factories import NOON, agree, make_customer

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def statuses(campaign):
    return sorted(campaign.deliveries.values_list("status", flat=True))


def only(campaign):
    return campaign.deliveries.get()


@pytest.fixture
def single(db):
    """A campaign with one variant and one customer, ada."""
    campaign = make_campaign(labels=("A",), holdout_share=0)
    ada = make_members(campaign, 1)[0]
    start(campaign)
    campaign.ada = ada
    return campaign


def lapse(campaign):
    """As if the lease had ended: the worker is dead."""
    campaign.deliveries.exclude(claimed_until=None).update(
        claimed_until=timezone.now() - timedelta(seconds=1)
    )


def test_everybody_gets_one_message(campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    expected = set(campaign.segment.memberships.values_list("customer__email", flat=True))
    assert {m["to"] for m in outbox_of_channel} == expected
    assert len(outbox_of_channel) == 20
    assert campaign.status == "finished"


def test_each_message_has_its_own_id_and_one_click_headers(campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    assert len({m["message_id"] for m in outbox_of_channel}) == 20
    headers = outbox_of_channel[0]["headers"]
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/u/" in headers["List-Unsubscribe"]


def test_the_timeline_hears_of_every_message_once(campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    sending.tell(now=NOON)
    assert Event.objects.of_kind("campaigns.message_sent").count() == 20


def test_a_fact_that_a_crash_swallowed_is_told_by_the_next_sweep(single, outbox_of_channel):
    send_all(single)
    Event.objects.all().delete()
    single.deliveries.update(told_at=None)
    assert sending.tell(now=NOON) == 1
    assert Event.objects.of_kind("campaigns.message_sent").count() == 1


def test_who_did_not_agree_hears_nothing(outbox_of_channel):
    campaign = make_campaign(holdout_share=0)
    make_members(campaign, 3, consenting=False)
    start(campaign)
    send_all(campaign)
    assert outbox_of_channel == []
    assert set(campaign.deliveries.values_list("status", "reason")) == {("skipped", "no_consent")}


def test_who_says_no_after_the_start_hears_nothing(single, outbox_of_channel):
    consent.change(
        single.ada,
        channel="email",
        topic=single.topic,
        is_granted=False,
        source="test",
        evidence={},
        at=NOON,
    )
    send_all(single)
    assert outbox_of_channel == []
    assert only(single).reason == "no_consent"


def test_consent_to_another_topic_is_no_consent(single, outbox_of_channel):
    from tests.factories import make_topic

    single.ada.consents.update(topic=make_topic("news"))
    send_all(single)
    assert only(single).reason == "no_consent"


def test_a_suppressed_address_is_not_written_to(single, outbox_of_channel):
    consent.suppress(channel="email", address=single.ada.email.upper(), reason="complaint", at=NOON)
    send_all(single)
    assert outbox_of_channel == []
    assert only(single).reason == "suppressed"


def test_a_customer_merged_after_the_start_is_not_written_to(single, outbox_of_channel):
    single.ada.merged_into = make_customer("Eve")
    single.ada.save()
    send_all(single)
    assert only(single).reason == "merged"


def test_the_cap_counts_messages_of_all_campaigns(outbox_of_channel):
    first = make_campaign(holdout_share=0, labels=("A",))
    ada = make_members(first, 1)[0]
    start(first)
    send_all(first)
    second = make_campaign(
        holdout_share=0, labels=("A",), segment=first.segment, cap_messages=1, cap_days=7
    )
    start(second)
    send_all(second)
    assert [m["to"] for m in outbox_of_channel] == [ada.email]
    assert only(second).reason == "frequency_cap"


def test_a_message_older_than_the_cap_does_not_count(outbox_of_channel):
    first = make_campaign(holdout_share=0, labels=("A",))
    make_members(first, 1)
    start(first)
    send_all(first)
    second = make_campaign(
        holdout_share=0, labels=("A",), segment=first.segment, cap_messages=1, cap_days=7
    )
    start(second, now=NOON + 8 * DAY)
    send_all(second, now=NOON + 8 * DAY)
    assert len(outbox_of_channel) == 2


def test_the_cap_counts_what_another_worker_is_sending_now(outbox_of_channel):
    first = make_campaign(holdout_share=0, labels=("A",))
    make_members(first, 1)
    start(first)
    claiming.claim(Campaign.objects.get(pk=first.pk), owner="other", now=NOON, limit=10)
    second = make_campaign(holdout_share=0, labels=("A",), segment=first.segment, cap_messages=1)
    start(second)
    send_all(second)
    assert only(second).reason == "frequency_cap"


def test_in_quiet_hours_a_message_waits_for_the_morning_of_the_customer(outbox_of_channel):
    campaign = make_campaign(
        holdout_share=0, labels=("A",), quiet_from=time(21), quiet_until=time(8)
    )
    make_members(campaign, 1, timezone="Asia/Shanghai")
    night = NOON + timedelta(hours=4)  # midnight in Shanghai
    start(campaign, now=night)
    send_all(campaign, now=night)
    assert outbox_of_channel == []
    assert only(campaign).status == "queued"
    assert only(campaign).due_at == NOON + timedelta(hours=12)  # eight in the morning
    assert campaign.status == "sending"
    send_all(campaign, now=NOON + timedelta(hours=12, minutes=1))
    assert len(outbox_of_channel) == 1
    assert campaign.status == "finished"


def test_two_workers_never_claim_the_same_message(campaign):
    start(campaign)
    campaign.refresh_from_db()
    one = claiming.claim(campaign, owner="one", now=NOON, limit=12).deliveries
    two = claiming.claim(campaign, owner="two", now=NOON, limit=12).deliveries
    assert len(one) == 12
    assert len(two) == 8
    assert {d.pk for d in one}.isdisjoint({d.pk for d in two})


def test_a_worker_that_lost_its_claim_does_not_send(single):
    single.refresh_from_db()
    mine = claiming.claim(single, owner="slow", now=NOON, limit=1).deliveries[0]
    lapse(single)
    theirs = claiming.claim(single, owner="quick", now=NOON, limit=1).deliveries[0]
    assert claiming.begin(theirs, owner="quick", now=NOON)
    assert not claiming.begin(mine, owner="slow", now=NOON)


def test_killed_after_the_claim_a_message_is_sent_by_the_next_worker(single, outbox_of_channel):
    single.refresh_from_db()
    claiming.claim(single, owner="dead", now=NOON, limit=1)
    assert send_all(single).claimed == 0  # the lease still runs
    lapse(single)
    send_all(single)
    assert len(outbox_of_channel) == 1


def test_killed_between_beginning_and_answer_a_message_is_held(single, outbox_of_channel):
    single.refresh_from_db()
    delivery = claiming.claim(single, owner="dead", now=NOON, limit=1).deliveries[0]
    claiming.begin(delivery, owner="dead", now=NOON)
    assert claiming.settle_lapsed(now=NOON) == 0  # perhaps it is only slow
    assert not lifecycle.finish_if_done(single.pk, now=NOON)
    lapse(single)
    assert claiming.settle_lapsed(now=NOON) == 1
    send_all(single)
    assert outbox_of_channel == []
    assert only(single).status == "uncertain"
    assert single.status == "finished"


def test_killed_in_the_same_place_an_idempotent_channel_gets_the_same_message_again(
    single, recorder
):
    recorder.idempotent = True
    single.refresh_from_db()
    delivery = claiming.claim(single, owner="dead", now=NOON, limit=1).deliveries[0]
    claiming.begin(delivery, owner="dead", now=NOON)
    lapse(single)
    claiming.settle_lapsed(now=NOON)
    send_all(single)
    assert [m["message_id"] for m in recorder.sent] == [delivery.message_id]


def test_the_answer_of_a_slow_worker_still_counts(single):
    single.refresh_from_db()
    delivery = claiming.claim(single, owner="slow", now=NOON, limit=1).deliveries[0]
    claiming.begin(delivery, owner="slow", now=NOON)
    lapse(single)
    claiming.settle_lapsed(now=NOON)
    assert claiming.end(delivery, owner="slow", status="sent", sent_at=NOON, reason="")
    assert only(single).status == "sent"


def test_no_answer_after_handing_over_is_held_and_not_sent_again(single, recorder):
    recorder.answers = [channels.Unclear("connection reset")]
    send_all(single)
    send_all(single, now=NOON + DAY)
    assert recorder.sent == []
    assert only(single).status == "uncertain"


def test_a_temporary_failure_is_tried_again_later(single, recorder):
    recorder.answers = [channels.TemporaryFailure("451 greylisted")]
    send_all(single)
    assert only(single).status == "queued"
    assert single.status == "sending"
    assert send_all(single).claimed == 0
    send_all(single, now=NOON + timedelta(minutes=2))
    assert len(recorder.sent) == 1
    assert (only(single).attempts, single.status) == (2, "finished")


def test_after_five_temporary_failures_it_has_failed(single, recorder):
    recorder.answers = [channels.TemporaryFailure("451 busy")] * 9
    for hour in range(0, 20, 2):
        send_all(single, now=NOON + timedelta(hours=hour))
    assert (only(single).status, only(single).attempts) == ("failed", 5)
    assert "451" in only(single).reason
    assert single.status == "finished"


def test_a_refused_address_is_not_written_to_by_any_campaign(single, recorder):
    recorder.answers = [channels.AddressRefused("550 no such user")]
    send_all(single)
    assert only(single).status == "failed"
    assert Suppression.objects.get().address == single.ada.email


def test_a_refused_message_fails_without_suppressing_the_address(single, recorder):
    recorder.answers = [channels.PermanentFailure("554 spam")]
    send_all(single)
    assert only(single).status == "failed"
    assert not Suppression.objects.exists()


def test_a_template_that_fails_for_one_customer_fails_only_there(recorder):
    from tests.campaigns.world import make_template

    template = make_template(
        body_en="{% for i in (1..customer.traits.many) %}x{% endfor %}", body_zh=""
    )
    campaign = make_campaign(labels=("A",), template=template, holdout_share=0)
    good, bad = make_members(campaign, 2, traits={"many": 3})
    bad.traits = {"many": 10**9}
    bad.save()
    start(campaign)
    send_all(campaign)
    assert [m["to"] for m in recorder.sent] == [good.email]
    assert "body_en" in campaign.deliveries.get(customer=bad).reason


def test_pause_stops_before_the_next_message_and_resume_goes_on(campaign, recorder):
    start(campaign)
    deliver = recorder.deliver

    def deliver_three_then_pause(**message):
        deliver(**message)
        if len(recorder.sent) == 3:
            lifecycle.pause(Campaign.objects.get(pk=campaign.pk))

    recorder.deliver = deliver_three_then_pause
    send_all(campaign)
    assert (len(recorder.sent), campaign.status) == (3, "paused")
    assert not campaign.deliveries.exclude(claimed_by="").exists()
    assert send_all(campaign).claimed == 0
    lifecycle.resume(campaign)
    send_all(campaign)
    assert (len(recorder.sent), campaign.status) == (20, "finished")


def test_cancel_skips_what_was_not_begun(campaign, recorder):
    start(campaign)
    sending.send_batch(Campaign.objects.get(pk=campaign.pk), owner="w", now=NOON, limit=5)
    lifecycle.cancel(campaign, now=NOON)
    assert statuses(campaign) == ["sent"] * 5 + ["skipped"] * 0 + ["skipped"] * 15 or sorted(
        statuses(campaign)
    ) == sorted(["sent"] * 5 + ["skipped"] * 15)
    assert send_all(campaign).claimed == 0


def test_a_retry_that_ends_after_the_cancel_is_skipped_too(single, recorder):
    recorder.answers = [channels.TemporaryFailure("later")]
    single.refresh_from_db()
    sending.send_batch(single, owner="w", now=NOON)
    Campaign.objects.update(status="cancelled")
    assert lifecycle.skip_cancelled() == 1
    assert only(single).reason == "cancelled"


def test_what_a_person_settles_as_arrived_is_sent(single, recorder):
    recorder.answers = [channels.Unclear("reset")]
    send_all(single)
    sending.mark_sent(only(single))
    assert (only(single).status, only(single).sent_at) == ("sent", NOON)


def test_what_a_person_sends_again_goes_out_under_the_same_id(single, recorder):
    recorder.answers = [channels.Unclear("reset")]
    send_all(single)
    held = only(single)
    sending.send_again(held, now=NOON)
    single.refresh_from_db()
    assert single.status == "sending"
    send_all(single)
    assert [m["message_id"] for m in recorder.sent] == [held.message_id]


def test_only_the_uncertain_can_be_settled(single, outbox_of_channel):
    send_all(single)
    with pytest.raises(sending.NotUncertain):
        sending.mark_sent(only(single))
    with pytest.raises(sending.NotUncertain):
        sending.send_again(only(single), now=NOON)


def test_the_equation_holds_whatever_happens(recorder):
    campaign = make_campaign(holdout_share=0.2)
    make_members(campaign, 30)
    make_members(campaign, 5, consenting=False)
    join(campaign, make_customer("Nemo", email=""))
    recorder.answers = [
        channels.Unclear("?"),
        channels.PermanentFailure("554"),
        channels.AddressRefused("550"),
        None,
        channels.Unclear("?"),
    ]
    start(campaign)
    send_all(campaign)
    settled = campaign.deliveries.filter(
        status__in=["sent", "failed", "skipped", "uncertain"]
    ).count()
    assert settled == campaign.audience_size - campaign.holdout_size
    assert campaign.audience_size == 36
    assert campaign.status == "finished"


def test_a_campaign_with_anything_open_is_not_finished(campaign, recorder):
    start(campaign)
    sending.send_batch(Campaign.objects.get(pk=campaign.pk), owner="w", now=NOON, limit=19)
    assert not lifecycle.finish_if_done(campaign.pk, now=NOON)
    Delivery.objects.filter(status="queued").update(status="sending")
    assert not lifecycle.finish_if_done(campaign.pk, now=NOON)


def test_a_batch_asks_a_number_of_queries_that_does_not_grow_with_refusals(
    django_assert_max_num_queries, outbox_of_channel
):
    campaign = make_campaign(holdout_share=0, cap_messages=3)
    make_members(campaign, 40, consenting=False)
    start(campaign)
    campaign.refresh_from_db()
    with django_assert_max_num_queries(13):
        sending.send_batch(campaign, owner="w", now=NOON)


def test_agreeing_again_does_not_bring_back_what_was_skipped(single, outbox_of_channel):
    single.ada.consents.all().delete()
    send_all(single)
    agree(single.ada, topic=single.topic)
    send_all(single, now=NOON + DAY)
    assert outbox_of_channel == []
    assert Delivery.objects.filter(attempts=F("attempts")).count() == 1
