"""Segment -> arms: sticky, reproducible, resumable at any moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import audiences, freezing, lifecycle, preparing, results, tasks
from campaigns.models import Assignment, AudienceBlock, Campaign, Delivery
from tests.campaigns.world import join, make_campaign, make_members, send_all, start
from tests.factories import NOON, agree, make_customer

pytestmark = pytest.mark.django_db


def arms(campaign):
    return dict(campaign.assignments.values_list("customer_id", "variant__label"))


@pytest.fixture
def big(db):
    campaign = make_campaign(holdout_share="0.3")
    make_members(campaign, 60)
    return campaign


def test_an_empty_segment_is_refused_and_nothing_starts():
    campaign = make_campaign()
    with pytest.raises(audiences.EmptyAudience, match="has no members"):
        lifecycle.start(campaign, now=NOON)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.started_at) == ("draft", None)


def test_everybody_gets_an_arm_and_only_the_treated_a_delivery(big):
    start(big)
    assert big.assignments.count() == 60
    held_out = big.assignments.filter(variant=None).count()
    assert 8 <= held_out <= 30
    assert big.deliveries.count() == 60 - held_out
    assert (big.audience_size, big.holdout_size) == (60, held_out)
    assert not big.deliveries.filter(
        customer__in=big.assignments.filter(variant=None).values("customer")
    ).exists()


def test_the_holdout_gets_nothing(big, outbox_of_channel):
    start(big)
    send_all(big)
    held_out = set(big.assignments.filter(variant=None).values_list("customer__email", flat=True))
    assert held_out
    assert held_out.isdisjoint({m["to"] for m in outbox_of_channel})


def test_the_same_campaign_always_draws_the_same_arms(big):
    start(big)
    before = arms(big)
    Delivery.objects.all().delete()
    Assignment.objects.all().delete()
    Campaign.objects.update(status="materialising")
    preparing.prepare_all(big.pk, now=NOON)
    assert arms(big) == before


def test_another_campaign_draws_other_arms(big):
    other = make_campaign(holdout_share="0.3", segment=big.segment)
    start(big)
    start(other)
    assert arms(big) != arms(other)


def balances(campaign):
    """The books at this moment: everybody of the audience is somewhere."""
    campaign.refresh_from_db()
    counts = results.status_counts([campaign]).get(campaign.pk, {})
    told = sum(counts.values()) + campaign.holdout_size + campaign.unprepared
    assert told == campaign.audience_size
    return campaign


def test_the_audience_is_known_at_once_and_prepared_later(big, monkeypatch):
    monkeypatch.setattr(freezing, "BLOCK", 7)
    lifecycle.start(big, now=NOON)
    assert (balances(big).status, big.audience_size, big.unprepared) == ("sending", 60, 60)
    assert list(big.blocks.order_by("place").values_list("size", flat=True)) == [7] * 8 + [4]
    assert not big.assignments.exists()
    assert preparing.prepare(big.pk, now=NOON) == 7
    assert (balances(big).audience_size, big.unprepared, big.assignments.count()) == (60, 53, 7)


def test_who_comes_or_goes_after_the_start_changes_nothing(big, monkeypatch):
    monkeypatch.setattr(freezing, "BLOCK", 7)
    lifecycle.start(big, now=NOON)
    before = set(big.segment.memberships.values_list("customer_id", flat=True))
    join(big, make_customer("Late"))
    big.segment.memberships.filter(customer_id__in=sorted(before)[40:50]).delete()
    preparing.prepare_all(big.pk, now=NOON)
    assert set(arms(balances(big))) == before


def test_killed_after_any_block_it_goes_on_where_it_was(big, monkeypatch):
    monkeypatch.setattr(freezing, "BLOCK", 7)
    lifecycle.start(big, now=NOON)
    real, calls = AudienceBlock.delete, []

    def dies_in_the_third_block(*args, **kwargs):
        calls.append(1)
        real(*args, **kwargs)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(AudienceBlock, "delete", dies_in_the_third_block)
        with pytest.raises(KeyboardInterrupt):
            preparing.prepare_all(big.pk, now=NOON)
    assert (balances(big).unprepared, big.assignments.count()) == (46, 14)
    assert not lifecycle.finish_if_done(big.pk, now=NOON)
    preparing.prepare_all(big.pk, now=NOON)
    assert (balances(big).unprepared, big.assignments.count()) == (0, 60)
    assert big.deliveries.count() == 60 - big.holdout_size
    assert not big.blocks.exists()


def test_a_start_that_fails_leaves_a_draft(big, monkeypatch):
    monkeypatch.setattr(freezing, "freeze", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lifecycle.start(big, now=NOON)
    big.refresh_from_db()
    assert (big.status, big.started_at) == ("draft", None)


def test_a_customer_who_is_gone_before_their_block_is_counted_no_more(big):
    lifecycle.start(big, now=NOON)
    gone = big.segment.memberships.first().customer
    big.segment.memberships.filter(customer=gone).delete()
    gone.consents.all().delete()
    gone.delete()
    preparing.prepare_all(big.pk, now=NOON)
    assert (balances(big).audience_size, big.unprepared, big.assignments.count()) == (59, 0, 59)


def test_a_customer_merged_before_their_block_is_skipped_with_the_reason(outbox_of_channel):
    campaign = make_campaign(holdout_share=0)
    members = make_members(campaign, 3)
    lifecycle.start(campaign, now=NOON)
    type(members[0]).objects.filter(pk=members[0].pk).update(merged_into=members[1])
    preparing.prepare_all(campaign.pk, now=NOON)
    send_all(campaign)
    assert campaign.deliveries.get(customer=members[0]).reason == "merged"
    assert len(outbox_of_channel) == 2
    assert balances(campaign).status == "finished"


def test_a_paused_campaign_is_not_prepared_and_a_cancelled_one_never(big, monkeypatch):
    monkeypatch.setattr(freezing, "BLOCK", 7)
    lifecycle.start(big, now=NOON)
    preparing.prepare(big.pk, now=NOON)
    lifecycle.pause(big)
    assert preparing.prepare(big.pk, now=NOON) == 0
    lifecycle.cancel(big, now=NOON)
    assert not big.blocks.exists()
    assert preparing.prepare(big.pk, now=NOON) == 0
    assert (balances(big).unprepared, big.audience_size) == (53, 60)
    assert set(big.deliveries.values_list("reason", flat=True)) == {"cancelled"}


def test_the_sender_prepares_block_by_block_ahead_of_itself(big, monkeypatch, outbox_of_channel):
    monkeypatch.setattr(freezing, "BLOCK", 7)
    monkeypatch.setattr(tasks.start_campaign, "delay", lambda **_: None)
    lifecycle.start(big, now=NOON)
    tasks.start_campaign(campaign_id=big.pk)
    assert (balances(big).status, big.unprepared) == ("finished", 0)
    assert len(outbox_of_channel) == big.to_be_written_to


def test_the_sweeper_finds_blocks_that_nobody_prepares(big, monkeypatch, outbox_of_channel):
    monkeypatch.setattr(tasks.start_campaign, "delay", lambda **_: None)
    lifecycle.start(big, now=NOON)
    tasks.sweep()
    assert balances(big).status == "finished"
    assert len(outbox_of_channel) == big.to_be_written_to


@given(st.lists(st.integers(1, 2**63 - 1), max_size=50))
def test_numbers_are_read_as_they_were_written(numbers):
    assert list(freezing.unpacked(freezing.packed(numbers))) == numbers


def test_an_empty_audience_that_slips_through_is_sent_to_nobody_and_finished():
    campaign = make_campaign()
    Campaign.objects.update(status="materialising", started_at=NOON)
    assert freezing.freeze(campaign.pk) == 0
    assert lifecycle.finish_if_done(campaign.pk, now=NOON)


def test_materialising_twice_changes_nothing(big):
    start(big)
    assert preparing.prepare_all(big.pk, now=NOON) == 0
    assert big.assignments.count() == 60


def test_starting_twice_starts_once(big):
    assert lifecycle.start(big, now=NOON)
    assert not lifecycle.start(big, now=NOON)


def test_every_arm_is_kept_with_its_chance_and_its_reason(big):
    start(big)
    for assignment in big.assignments.select_related("variant"):
        assert assignment.propensity == pytest.approx(0.35 if assignment.variant else 0.3)
        assert assignment.reason["segment"] == big.segment.slug
        assert assignment.policy == preparing.POLICY


def test_merged_customers_are_not_in_the_audience(big):
    loser = big.segment.memberships.first().customer
    loser.merged_into = make_customer("Winner")
    loser.save()
    start(big)
    assert big.audience_size == 59


def test_without_an_address_the_message_is_skipped_with_the_reason():
    campaign = make_campaign(holdout_share=0)
    make_members(campaign, 1)
    for name in ("Nemo", "Nobody"):
        agree(join(campaign, make_customer(name, email="")))
    start(campaign)
    assert campaign.deliveries.filter(reason="no_address", status="skipped").count() == 2


def test_two_customers_of_one_address_get_one_message():
    campaign = make_campaign(holdout_share=0)
    first, second = make_members(campaign, 2)
    type(second).objects.filter(pk=second.pk).update(email=first.email.upper())
    start(campaign)
    assert list(campaign.deliveries.order_by("pk").values_list("status", "reason")) == [
        ("queued", ""),
        ("skipped", "same_address"),
    ]


def test_two_customers_of_one_address_in_different_blocks_get_one_message(monkeypatch):
    campaign = make_campaign(holdout_share=0)
    first, second = make_members(campaign, 2)
    type(second).objects.filter(pk=second.pk).update(email=first.email)
    monkeypatch.setattr(freezing, "BLOCK", 1)
    start(campaign)
    assert campaign.deliveries.filter(status="queued").count() == 1
    assert campaign.deliveries.filter(reason="same_address").count() == 1


def test_a_batch_asks_a_fixed_number_of_queries(big, django_assert_max_num_queries):
    lifecycle.start(big, now=NOON)
    with django_assert_max_num_queries(16):
        preparing.prepare_all(big.pk, now=NOON)


def test_chat_messages_go_to_the_customer_and_not_to_an_address():
    campaign = make_campaign(holdout_share=0, channel="chat")
    ada = make_members(campaign, 1)[0]
    Campaign.objects.update(status="materialising")
    preparing.prepare_all(campaign.pk, now=NOON)
    assert campaign.deliveries.get().address == str(ada.public_id)


@pytest.mark.parametrize("weights", [(1,), (1, 1), (3, 1, 7)])
def test_the_arms_are_those_that_chance_draws_whatever_the_database(weights):
    from campaigns.ml import chance
    from campaigns.models import Variant

    campaign = make_campaign(holdout_share="0.137", labels=("A", "B", "C")[: len(weights)])
    for variant, weight in zip(campaign.variants.order_by("pk"), weights, strict=True):
        Variant.objects.filter(pk=variant.pk).update(weight=weight)
    make_members(campaign, 150)
    start(campaign)
    variants = list(campaign.variants.order_by("pk"))
    for assignment in campaign.assignments.all():
        subject = str(assignment.customer_id)
        number = chance.unit(audiences.secret(), f"campaign-{campaign.pk}", subject)
        drawn = chance.draw(number, holdout=0.137, weights=weights)
        expected = None if drawn.arm is None else variants[drawn.arm].pk
        assert assignment.variant_id == expected
        assert assignment.propensity == drawn.propensity
        assert assignment.reason == {"segment": campaign.segment.slug, "draw": round(number, 6)}
    for delivery in campaign.deliveries.all():
        assert delivery.message_id == audiences.message_id(campaign.pk, delivery.customer_id)
        assert delivery.address == delivery.customer.email
