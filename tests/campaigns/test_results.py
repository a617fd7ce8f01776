"""What worked: every customer with an arm counts, and no difference goes without its interval."""

from datetime import timedelta

import numpy as np
import pytest

from campaigns import charts, demo, results
from campaigns.models import Campaign, Delivery, Template
from crm.models import Order
from tests.campaigns.world import make_campaign, make_members, send_all, start
from tests.factories import NOON, agree, make_customer, make_order, make_product, make_topic

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def sent(outbox_of_channel):
    campaign = make_campaign(holdout_share="0.3", attribution_days=7)
    make_members(campaign, 60)
    start(campaign)
    send_all(campaign)
    return campaign


@pytest.fixture
def tea(db):
    return make_product(price=10)


def customers(campaign, label):
    rows = (
        campaign.assignments.filter(variant__label=label)
        if label
        else campaign.assignments.filter(variant=None)
    )
    return [a.customer for a in rows.select_related("customer")]


def arm(result, label):
    return next(a for a in result.arms if a.label == label)


def test_purchases_count_for_the_arm_of_the_customer(sent, tea):
    for customer in customers(sent, "A")[:5]:
        make_order(customer, tea, at=NOON + DAY)
    make_order(customers(sent, None)[0], tea, at=NOON + DAY)
    result = results.of(sent)
    assert arm(result, "A").converted.hits == 5
    assert arm(result, "B").converted.hits == 0
    assert arm(result, "holdout").converted.hits == 1
    assert arm(result, "A").revenue == pytest.approx(50)


def test_only_purchases_within_the_window_count(sent, tea):
    ada = customers(sent, "A")[0]
    for at in (NOON - DAY, NOON + 7 * DAY, NOON + 30 * DAY):
        make_order(ada, tea, at=at)
    assert arm(results.of(sent), "A").converted.hits == 0
    make_order(ada, tea, at=NOON + 7 * DAY - timedelta(seconds=1))
    assert arm(results.of(sent), "A").converted.hits == 1


def test_several_purchases_are_one_customer_and_all_their_money(sent, tea):
    ada = customers(sent, "B")[0]
    for hour in range(3):
        make_order(ada, tea, at=NOON + timedelta(hours=hour))
    found = arm(results.of(sent), "B")
    assert found.converted.hits == 1
    assert found.revenue == pytest.approx(30)


def test_refunds_and_cancelled_orders_are_no_purchases(sent, tea):
    ada, eve = customers(sent, "A")[:2]
    make_order(ada, tea, at=NOON + DAY, status="cancelled")
    make_order(eve, tea, at=NOON + DAY, status="pending_payment")
    assert arm(results.of(sent), "A").converted.hits == 0


def test_an_order_counts_once_in_each_campaign_and_never_across(sent, tea, outbox_of_channel):
    other = make_campaign(holdout_share=0, labels=("X",), segment=sent.segment)
    start(other)
    make_order(customers(sent, "A")[0], tea, at=NOON + DAY)
    first, second = results.of(sent), results.of(other)
    assert sum(a.converted.hits for a in first.arms) == 1
    assert sum(a.converted.hits for a in second.arms) == 1
    assert sum(a.revenue for a in first.arms) == pytest.approx(10)


def test_whom_the_message_did_not_reach_counts_too(tea, outbox_of_channel):
    campaign = make_campaign(holdout_share="0.3", labels=("A",))
    make_members(campaign, 40, consenting=False)
    start(campaign)
    send_all(campaign)
    make_order(customers(campaign, "A")[0], tea, at=NOON + DAY)
    result = results.of(campaign)
    assert result.sent == 0
    assert arm(result, "A").converted.hits == 1
    assert arm(result, "A").size == campaign.to_be_written_to


def test_a_small_difference_is_no_winner_yet(sent, tea):
    make_order(customers(sent, "A")[0], tea, at=NOON + DAY)
    result = results.of(sent)
    assert result.overall.verdict == "unclear"
    assert result.overall.conversion.lower < 0 < result.overall.conversion.upper


def test_a_great_difference_is_named_with_its_interval(sent, tea):
    for customer in customers(sent, "A") + customers(sent, "B"):
        make_order(customer, tea, at=NOON + DAY)
    overall = results.of(sent).overall
    assert overall.verdict == "better"
    assert 0 < overall.conversion.lower <= overall.conversion.estimate == 1.0
    assert overall.revenue_total.estimate == pytest.approx(10 * sent.to_be_written_to)


def test_a_harm_is_named_too(sent, tea):
    for customer in customers(sent, None):
        make_order(customer, tea, at=NOON + DAY)
    assert results.of(sent).overall.verdict == "worse"


def test_without_a_holdout_nothing_is_said_about_cause(campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    result = results.of(campaign)
    assert (result.overall, result.against_holdout) == (None, [])
    assert [c.against for c in result.between_variants] == ["A"]


def test_an_honest_split_is_not_suspected_and_a_broken_one_is(sent):
    assert not results.of(sent).is_split_broken
    variant = sent.variants.first()
    sent.assignments.update(variant=variant)
    assert results.of(sent).is_split_broken


def test_the_parts_add_up(sent):
    Delivery.objects.filter(pk__in=sent.deliveries.values("pk")[:4]).update(
        status="failed", reason="550"
    )
    result = results.of(sent)
    assert result.settled + result.waiting == sent.to_be_written_to
    assert [number for _step, number in result.funnel][:2] == [60, sent.to_be_written_to]


def test_a_draft_has_a_result_page_without_numbers():
    result = results.of(make_campaign())
    assert result.overall.conversion is None
    assert result.overall.verdict == "unclear"
    assert charts.conversion_chart([result.overall]) is None


def test_the_queries_do_not_grow_with_the_audience(sent, django_assert_num_queries, tea):
    with django_assert_num_queries(6):
        results.of(sent)


def test_the_chart_always_shows_zero_and_stays_in_its_frame(sent, tea):
    for customer in customers(sent, "A"):
        make_order(customer, tea, at=NOON + DAY)
    chart = charts.conversion_chart(results.of(sent).against_holdout)
    assert 0 <= chart.zero <= 100
    for bar in chart.bars:
        assert 0 <= bar.left <= bar.point <= bar.left + bar.width <= 100.01


# The demo store ------------------------------------------------------------------------------


@pytest.fixture
def demo_store(db):
    rng = np.random.default_rng(3)
    topic = make_topic("offers")
    product = make_product(price=100)
    made = [make_customer(f"C{i}", at=NOON - 100 * DAY) for i in range(900)]
    for customer in made:
        agree(customer, topic=topic)
        if rng.random() < 0.05:
            make_order(customer, product, at=NOON - 38 * DAY)
    return demo.past_campaigns(now=NOON, rng=rng)


def test_the_demo_campaign_finds_the_effect_that_was_planted(demo_store):
    ended = Campaign.objects.get(status="finished")
    result = results.of(ended)
    expected = demo_store / ended.to_be_written_to
    assert demo_store > 30
    assert result.overall.verdict == "better"
    assert result.overall.conversion.lower < expected < result.overall.conversion.upper + 0.02
    assert result.settled == ended.to_be_written_to
    assert not result.is_split_broken
    opened = sum(a.opened for a in result.arms)
    assert 0.3 < opened / result.sent < 0.55


def test_the_demo_leaves_a_campaign_to_start_and_bilingual_templates(demo_store, outbox_of_channel):
    from campaigns import rendering

    draft = Campaign.objects.get(status="draft")
    for template in Template.objects.all():
        assert rendering.errors(template) == {}
        for language in ("en", "zh-hans"):
            message = rendering.preview(
                template, make_customer("王小明", language=language), now=NOON
            )
            assert message.missing == ()
    start(draft)
    send_all(draft)
    assert len(outbox_of_channel) == 100


def test_the_demo_twice_is_the_demo_once(demo_store):
    orders = Order.objects.count()
    assert demo.past_campaigns(now=NOON, rng=np.random.default_rng(4)) == 0
    assert Order.objects.count() == orders
