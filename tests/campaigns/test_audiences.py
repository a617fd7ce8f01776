"""Segment -> arms: sticky, reproducible, resumable at any moment."""

import pytest

from campaigns import audiences, lifecycle
from campaigns.models import Assignment, Campaign, Delivery
from tests.campaigns.world import join, make_campaign, make_members, start
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
    from tests.campaigns.world import send_all

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
    Campaign.objects.update(status="materialising", materialised_to=0, audience_size=0)
    audiences.materialise(big.pk, now=NOON)
    assert arms(big) == before


def test_another_campaign_draws_other_arms(big):
    other = make_campaign(holdout_share="0.3", segment=big.segment)
    start(big)
    start(other)
    assert arms(big) != arms(other)


def test_killed_after_any_batch_it_goes_on_where_it_was(big, monkeypatch):
    lifecycle.start(big, now=NOON)
    real, calls = audiences._count, []

    def dies_in_the_third_batch(*args, **kwargs):
        calls.append(1)
        real(*args, **kwargs)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(audiences, "_count", dies_in_the_third_batch)
    with pytest.raises(KeyboardInterrupt):
        audiences.materialise(big.pk, now=NOON, batch=7)
    big.refresh_from_db()
    assert (big.status, big.audience_size) == ("materialising", 14)
    assert big.assignments.count() == 14
    audiences.materialise(big.pk, now=NOON, batch=7)
    big.refresh_from_db()
    assert (big.status, big.audience_size, big.assignments.count()) == ("sending", 60, 60)
    assert big.deliveries.count() == 60 - big.holdout_size


def test_materialising_twice_changes_nothing(big):
    start(big)
    assert audiences.materialise(big.pk, now=NOON) == 0
    assert big.assignments.count() == 60


def test_starting_twice_starts_once(big):
    assert lifecycle.start(big, now=NOON)
    assert not lifecycle.start(big, now=NOON)


def test_every_arm_is_kept_with_its_chance_and_its_reason(big):
    start(big)
    for assignment in big.assignments.select_related("variant"):
        assert assignment.propensity == pytest.approx(0.35 if assignment.variant else 0.3)
        assert assignment.reason["segment"] == big.segment.slug
        assert assignment.policy == audiences.POLICY


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


def test_two_customers_of_one_address_in_different_batches_get_one_message():
    campaign = make_campaign(holdout_share=0)
    first, second = make_members(campaign, 2)
    type(second).objects.filter(pk=second.pk).update(email=first.email)
    lifecycle.start(campaign, now=NOON)
    audiences.materialise(campaign.pk, now=NOON, batch=1)
    assert campaign.deliveries.filter(status="queued").count() == 1
    assert campaign.deliveries.filter(reason="same_address").count() == 1


def test_a_batch_asks_a_fixed_number_of_queries(big, django_assert_max_num_queries):
    lifecycle.start(big, now=NOON)
    with django_assert_max_num_queries(16):
        audiences.materialise(big.pk, now=NOON)


def test_chat_messages_go_to_the_customer_and_not_to_an_address():
    campaign = make_campaign(holdout_share=0, channel="chat")
    ada = make_members(campaign, 1)[0]
    Campaign.objects.update(status="materialising")
    audiences.materialise(campaign.pk, now=NOON)
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
        number = chance.unit(audiences._secret(), f"campaign-{campaign.pk}", subject)
        drawn = chance.draw(number, holdout=0.137, weights=weights)
        expected = None if drawn.arm is None else variants[drawn.arm].pk
        assert assignment.variant_id == expected
        assert assignment.propensity == drawn.propensity
        assert assignment.reason == {"segment": campaign.segment.slug, "draw": round(number, 6)}
    for delivery in campaign.deliveries.all():
        assert delivery.message_id == audiences.message_id(campaign.pk, delivery.customer_id)
        assert delivery.address == delivery.customer.email
