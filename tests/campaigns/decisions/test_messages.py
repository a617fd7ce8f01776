"""A message that carries a decision: made once, said in the reader's words, rewarded by a click."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import decisions, rendering, tracking
from campaigns.decisions import messages, replaying
from campaigns.models import Coupon, Decision, Delivery, LinkTarget, Reward
from campaigns.tasks import reward_message, reward_order
from crm.models import Event
from tests.campaigns.decisions.world import make_action, make_placement
from tests.campaigns.world import make_campaign, make_members, make_template, send_all, start
from tests.factories import NOON, agree, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"
BODY = (
    '<p>{% assign offer = decisions["letter"] %}{% if offer %}'
    '<a href="{{ offer.url }}">{{ offer.name }}</a> [{{ offer.action }}|{{ offer.value }}|'
    "{{ offer.coupon.code }}|{{ offer.product.title }}]{% else %}nothing now{% endif %}</p>"
)


@pytest.fixture
def placement():
    return make_placement("letter")


@pytest.fixture
def letter():
    return make_template(body_en=BODY, body_zh=BODY, subject_zh="你好")


def offer(placement, slug, **fields):
    return make_action(placement, slug, channel="email", **fields)


def campaign_of(letter, placement, number=1, **customer):
    campaign = make_campaign(labels=("A",), template=letter, holdout_share=0)
    placement.topic = campaign.topic
    placement.save()
    members = make_members(campaign, number, **customer)
    start(campaign)
    return campaign, members


def happened(kind, *, delivery, at):
    """The newest event of a kind that a delivery gave rise to, as its task is handed it."""
    event = Event.objects.filter(kind=kind, customer=delivery.customer_id).latest("pk")
    assert event.happened_at == at
    return reward_message(event_id=event.pk)


def click(delivery, *, at):
    link = LinkTarget.objects.filter(campaign=delivery.campaign_id).first()
    visit = tracking.Visit(method="GET", user_agent=BROWSER, at=at)
    return tracking.clicked(delivery.pk, link.pk, visit)


def test_from_the_message_to_the_click_and_the_purchase(placement, letter, outbox_of_channel):
    offer(placement, "tea", product=make_product("TEA", title_en="Green tea"), value=5)
    campaign, (ada,) = campaign_of(letter, placement)
    send_all(campaign)
    (sent,) = outbox_of_channel
    assert "[tea|5.00||Green tea]" in sent["html"]
    decision = Decision.objects.get()
    delivery = Delivery.objects.get()
    assert (decision.key, decision.customer) == (f"delivery {delivery.pk}", ada)

    later = NOON + timedelta(hours=2)
    assert "/product/TEA/" in click(delivery, at=later)
    assert happened("campaigns.message_clicked", delivery=delivery, at=later) == 1
    assert happened("campaigns.message_clicked", delivery=delivery, at=later) == 0
    order = make_order(ada, make_product("TEA2", price=80), at=later + timedelta(hours=1))
    event = Event.objects.create(
        customer=ada,
        kind="crm.order_placed",
        source="test",
        message_id="1",
        data={"order_id": order.pk},
        happened_at=order.placed_at,
        received_at=order.placed_at,
    )
    assert reward_order(event_id=event.pk) == 1
    rewards = {one.kind: (one.value, one.at) for one in decision.rewards.all()}
    assert rewards == {
        "click": (Decimal(0), later),
        "conversion": (Decimal(80), order.placed_at),
    }


def test_the_reader_who_leaves_is_a_reward_too(placement, letter, outbox_of_channel):
    offer(placement, "tea")
    campaign, _ = campaign_of(letter, placement)
    send_all(campaign)
    delivery = Delivery.objects.select_related("campaign__topic", "customer").get()
    later = NOON + timedelta(days=1)
    tracking.unsubscribed(delivery, source="test", everything=False, at=later)
    assert happened("campaigns.unsubscribed", delivery=delivery, at=later) == 1
    assert Reward.objects.get().kind == "unsubscribe"


def test_a_click_after_the_window_is_no_reward(placement, letter, outbox_of_channel):
    offer(placement, "tea")
    campaign, _ = campaign_of(letter, placement)
    send_all(campaign)
    late = NOON + timedelta(days=placement.attribution_days)
    click(Delivery.objects.get(), at=late)
    assert happened("campaigns.message_clicked", delivery=Delivery.objects.get(), at=late) == 0
    assert not Reward.objects.exists()


def test_a_click_in_a_message_without_a_decision_rewards_nothing(campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    delivery = Delivery.objects.order_by("pk").first()
    click(delivery, at=NOON + timedelta(hours=1))
    assert (
        happened("campaigns.message_clicked", delivery=delivery, at=NOON + timedelta(hours=1)) == 0
    )


def test_an_event_that_is_gone_or_of_another_kind_rewards_nothing():
    assert reward_message(event_id=10**9) == 0
    event = Event.objects.create(
        customer=make_customer(),
        kind="crm.tracked",
        source="test",
        message_id="1",
        data={},
        happened_at=NOON,
        received_at=NOON,
    )
    assert reward_message(event_id=event.pk) == 0


def test_a_message_made_again_says_the_same_though_the_offer_is_used_up(placement, letter):
    offer(placement, "tea", uses_limit=1)
    campaign, _ = campaign_of(letter, placement)
    delivery = Delivery.objects.select_related("customer", "variant__template").get()
    said = []
    for _ in range(2):
        renderer = rendering.Renderer(campaign)
        renderer.prepare([delivery], now=NOON)
        said.append(renderer.render(delivery).html)
    assert "[tea|" in said[0]
    assert said[0] == said[1]
    assert Decision.objects.count() == 1
    placement.actions.get().refresh_from_db()
    assert placement.actions.get().used == 1


def test_what_is_chosen_can_go_by_this_channel_and_at_once(placement, letter, outbox_of_channel):
    make_action(placement, "banner", channel="site")
    offer(placement, "evening", slot="evening")
    campaign, _ = campaign_of(letter, placement, timezone="UTC")
    send_all(campaign)
    (row,) = replaying.rows()
    assert row.refused == {"banner": ["elsewhere"], "evening": ["other_time"]}
    assert "nothing now" in outbox_of_channel[0]["html"]
    assert replaying.replay(row).is_same, replaying.replay(row).differs


def test_a_slot_that_is_now_goes_at_once(placement, letter, outbox_of_channel):
    offer(placement, "afternoon", slot="afternoon")  # noon is in it
    campaign, _ = campaign_of(letter, placement, timezone="UTC")
    send_all(campaign)
    assert "[afternoon|" in outbox_of_channel[0]["html"]


def test_a_closed_placement_leaves_the_message_without_an_offer(
    placement, letter, outbox_of_channel
):
    offer(placement, "tea")
    placement.is_active = False
    campaign, _ = campaign_of(letter, placement)
    send_all(campaign)
    assert "nothing now" in outbox_of_channel[0]["html"]
    assert not Decision.objects.exists()


def test_an_unknown_placement_is_an_error_of_the_field_that_names_it(letter):
    letter.body_zh = "没有"
    assert set(rendering.errors(letter)) == {"body_en"}
    assert "there is no placement “letter”" in str(rendering.errors(letter)["body_en"])
    make_placement("letter")
    assert rendering.errors(letter) == {}


def test_a_preview_shows_what_would_be_decided_and_logs_nothing(placement, letter):
    offer(placement, "tea", name_zh="绿茶")
    ada = make_customer(language="zh-hans")
    assert "nothing now" in rendering.preview(letter, ada, now=NOON).html, "no consent yet"
    placement.topic = agree(ada).topic
    placement.save()
    assert ">绿茶</a> [tea|" in rendering.preview(letter, ada, now=NOON).html
    assert not Decision.objects.exists()


class TestACoupon:
    def body(self, placement, letter, *, valid_to, customer=None):
        coupon = Coupon.objects.create(
            code="TEN", text_en="Ten", text_zh="十", valid_to=valid_to, customer=customer
        )
        offer(placement, "ten", coupon=coupon)
        ada = make_customer()
        placement.topic = agree(ada).topic
        placement.save()
        return rendering.preview(letter, ada, now=NOON).html

    def test_comes_with_the_action(self, placement, letter):
        assert "[ten||TEN|]" in self.body(placement, letter, valid_to=NOON.date())

    def test_that_is_over_takes_the_action_with_it(self, placement, letter):
        assert "nothing now" in self.body(placement, letter, valid_to=date(2020, 1, 1))

    def test_of_somebody_else_is_not_told_of(self, placement, letter):
        text = self.body(placement, letter, valid_to=NOON.date(), customer=make_customer())
        assert "[ten|||]" in text


def test_many_messages_are_decided_in_a_fixed_number_of_queries(placement, letter):
    offer(placement, "tea")
    offer(placement, "cake")
    counts = []
    for number in (3, 12):
        campaign, _ = campaign_of(letter, placement, number)
        rows = Delivery.objects.filter(campaign=campaign)
        batch = list(rows.select_related("customer", "variant__template"))
        renderer = rendering.Renderer(campaign)
        renderer.prepare(batch[:1], now=NOON)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            renderer.prepare(batch[1:], now=NOON)
        counts.append(len(queries))
        assert Decision.objects.filter(key__startswith="delivery").count() >= number
    assert counts[0] == counts[1] <= 20


def test_a_template_without_decisions_asks_nothing_of_them(campaign, django_assert_num_queries):
    start(campaign)
    batch = list(Delivery.objects.select_related("customer", "variant__template"))
    renderer = rendering.Renderer(campaign)
    renderer.prepare(batch, now=NOON)
    with django_assert_num_queries(0):
        renderer.prepare(batch, now=NOON)


def test_two_messages_to_one_customer_are_two_decisions(placement):
    offer(placement, "tea")
    ada = make_customer()
    placement.topic = agree(ada).topic
    placement.save()
    wishes = [messages.Wish(n, ada.pk, "letter") for n in (1, 2)]
    made = messages.decided(wishes, channel="email", now=NOON)
    assert made[1]["letter"].public_id != made[2]["letter"].public_id
    again = messages.decided(wishes, channel="email", now=NOON + timedelta(days=1))
    assert {n: one["letter"].public_id for n, one in again.items()} == {
        n: one["letter"].public_id for n, one in made.items()
    }


def test_each_key_is_decided_once_whoever_asks_with_it(placement):
    make_action(placement, "a")
    people = [make_customer().pk for _ in range(3)]
    asks = [(pk, f"visit {pk}") for pk in people] + [(people[0], "another")]
    first = decisions.decide_each(asks, placement, now=NOON)
    again = decisions.decide_each(asks[:2], placement, now=NOON + timedelta(days=5))
    assert len(first) == 4
    assert {one.customer_id for one in first.values()} == set(people)
    assert {key: one.public_id for key, one in again.items()} == {
        key: first[key].public_id for _, key in asks[:2]
    }
    assert Decision.objects.count() == 4
