"""Rewards: late, told twice, and only within the window."""

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns import decisions
from campaigns.models import Decision, Reward
from campaigns.tasks import reward_order
from crm.models import Event, Order
from tests.campaigns.decisions.world import make_home
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def placement():
    return make_home("a", attribution_days=14)[0]


@pytest.fixture
def ada():
    return make_customer()


def decided(customer, placement, *, at=NOON):
    made = decisions.decide(customer, placement, now=at)
    return Decision.objects.get(public_id=made.public_id)


def give(decision, *, at, key="click 1", **fields):
    return decisions.reward(decision, kind="click", key=key, at=at, received_at=at, **fields)


def test_a_reward_told_twice_is_one(placement, ada):
    decision = decided(ada, placement)
    first, is_new = give(decision, at=NOON + DAY, value=Decimal(3))
    again, is_new_again = give(decision, at=NOON + 2 * DAY, value=Decimal(9))
    assert (is_new, is_new_again) == (True, False)
    assert (again.pk, again.value, again.at) == (first.pk, Decimal(3), NOON + DAY)


def test_another_key_is_another_reward(placement, ada):
    decision = decided(ada, placement)
    give(decision, at=NOON, key="click 1")
    give(decision, at=NOON, key="click 2")
    assert decision.rewards.count() == 2


@pytest.mark.parametrize(
    "at", [NOON - timedelta(seconds=1), NOON + 14 * DAY, NOON + 60 * DAY], ids=str
)
def test_what_happened_outside_of_the_window_is_refused(placement, ada, at):
    with pytest.raises(decisions.OutsideWindow, match="It counts from 2026-03-01T12:00:00Z until"):
        give(decided(ada, placement), at=at)
    assert not Reward.objects.exists()


def test_what_happened_in_time_may_be_told_late(placement, ada):
    decision = decided(ada, placement)
    made, _ = decisions.reward(
        decision,
        kind="conversion",
        key="order 1",
        at=NOON + 13 * DAY,
        received_at=NOON + 90 * DAY,
        value=Decimal(20),
    )
    assert (made.value, made.received_at) == (Decimal(20), NOON + 90 * DAY)


class TestOrders:
    def test_an_order_rewards_the_newest_decision_before_it_and_no_other(self, placement, ada):
        decided(ada, placement)
        newest = decided(ada, placement, at=NOON + DAY)
        decided(ada, placement, at=NOON + 3 * DAY)  # too late to have brought it about
        decided(make_customer(), placement, at=NOON + DAY)
        order = make_order(ada, make_product(price=80), at=NOON + 2 * DAY)
        assert decisions.credit_order(order, now=NOON + 2 * DAY) == 1
        assert decisions.credit_order(order, now=NOON + 5 * DAY) == 0
        reward = Reward.objects.get()
        assert (reward.decision, reward.kind) == (newest, "conversion")
        assert (reward.value, reward.at) == (Decimal(80), NOON + 2 * DAY)

    def test_every_placement_is_credited_by_itself(self, placement, ada):
        other, _ = make_home("x", attribution_days=1)
        decided(ada, placement)
        decided(ada, other)
        soon = make_order(ada, make_product(), at=NOON + timedelta(hours=3))
        late = make_order(ada, make_product(), at=NOON + 2 * DAY)
        assert decisions.credit_order(soon, now=NOON) == 2
        assert decisions.credit_order(late, now=NOON) == 1

    def test_doing_nothing_is_credited_too(self, ada):
        silent, _ = make_home("a", holdout_share=0.9)
        while True:
            held = make_customer()
            decision = decided(held, silent)
            if decision.choice == "nothing":
                break
        order = make_order(held, make_product(), at=NOON + DAY)
        assert decisions.credit_order(order, now=NOON + DAY) == 1

    def test_the_timeline_tells_of_it(self, placement, ada):
        decision = decided(ada, placement)
        order = make_order(ada, make_product(price=30), at=NOON + DAY)
        event = Event.objects.create(
            customer=ada,
            kind="crm.order_placed",
            source="test",
            message_id="1",
            data={"order_id": order.pk},
            happened_at=order.placed_at,
            received_at=order.placed_at,
        )
        for _ in range(2):
            reward_order(event_id=event.pk)
        assert decision.rewards.get().value == Decimal(30)

    def test_an_order_that_is_gone_rewards_nothing(self, placement, ada):
        decided(ada, placement)
        event = Event.objects.create(
            customer=ada,
            kind="crm.order_placed",
            source="test",
            message_id="1",
            data={"order_id": 10**9},
            happened_at=NOON,
            received_at=NOON,
        )
        assert not Order.objects.exists()
        assert reward_order(event_id=event.pk) == 0
