"""What worked: every customer with an arm counts, and no difference goes without its interval."""

from datetime import timedelta

import numpy as np
import pytest

from campaigns import arms, charts, demo, results
from campaigns.ml import waiting
from campaigns.models import Campaign, Delivery, Template
from crm.models import Order
from tests.campaigns.world import make_campaign, make_members, send_all, start
from tests.factories import NOON, agree, make_customer, make_order, make_product, make_topic

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
END = NOON + 40 * DAY


@pytest.fixture
def sent(outbox_of_channel):
    campaign = make_campaign(holdout_share="0.3", attribution_days=7)
    make_members(campaign, 160)
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
    result = results.of(sent, now=END)
    assert arm(result, "A").converted.hits == 5
    assert arm(result, "B").converted.hits == 0
    assert arm(result, "holdout").converted.hits == 1
    assert arm(result, "A").revenue == pytest.approx(50)


def test_an_audience_that_is_given_its_arms_meanwhile_spoils_no_page(sent, tea, monkeypatch):
    everybody = [*customers(sent, "A"), *customers(sent, "B"), *customers(sent, None)]
    for customer in everybody:
        make_order(customer, tea, at=NOON + DAY)
    given = list(sent.assignments.all())
    sent.assignments.all().delete()
    count = arms._reached

    def meanwhile(campaign):
        campaign.assignments.bulk_create(given)
        return count(campaign)

    monkeypatch.setattr(arms, "_reached", meanwhile)
    assert sum(a.size for a in results.of(sent, now=END).arms) == len(everybody)


def test_only_purchases_within_the_window_count(sent, tea):
    ada = customers(sent, "A")[0]
    for at in (NOON - DAY, NOON + 7 * DAY, NOON + 30 * DAY):
        make_order(ada, tea, at=at)
    assert arm(results.of(sent, now=END), "A").converted.hits == 0
    make_order(ada, tea, at=NOON + 7 * DAY - timedelta(seconds=1))
    assert arm(results.of(sent, now=END), "A").converted.hits == 1


def test_several_purchases_are_one_customer_and_all_their_money(sent, tea):
    ada = customers(sent, "B")[0]
    for hour in range(3):
        make_order(ada, tea, at=NOON + timedelta(hours=hour))
    found = arm(results.of(sent, now=END), "B")
    assert found.converted.hits == 1
    assert found.revenue == pytest.approx(30)


def test_refunds_and_cancelled_orders_are_no_purchases(sent, tea):
    ada, eve = customers(sent, "A")[:2]
    make_order(ada, tea, at=NOON + DAY, status="cancelled")
    make_order(eve, tea, at=NOON + DAY, status="pending_payment")
    assert arm(results.of(sent, now=END), "A").converted.hits == 0


def test_an_order_counts_once_in_each_campaign_and_never_across(sent, tea, outbox_of_channel):
    other = make_campaign(holdout_share=0, labels=("X",), segment=sent.segment)
    start(other)
    make_order(customers(sent, "A")[0], tea, at=NOON + DAY)
    first, second = results.of(sent, now=END), results.of(other, now=END)
    assert sum(a.converted.hits for a in first.arms) == 1
    assert sum(a.converted.hits for a in second.arms) == 1
    assert sum(a.revenue for a in first.arms) == pytest.approx(10)


def test_whom_the_message_did_not_reach_counts_too(tea, outbox_of_channel):
    campaign = make_campaign(holdout_share="0.3", labels=("A",))
    make_members(campaign, 40, consenting=False)
    start(campaign)
    send_all(campaign)
    make_order(customers(campaign, "A")[0], tea, at=NOON + DAY)
    result = results.of(campaign, now=END)
    assert result.sent == 0
    assert arm(result, "A").converted.hits == 1
    assert arm(result, "A").size == campaign.to_be_written_to


def test_a_small_difference_is_no_winner_yet(sent, tea):
    for label, number in (("A", 6), ("B", 6), (None, 5)):
        for customer in customers(sent, label)[:number]:
            make_order(customer, tea, at=NOON + DAY)
    overall = results.of(sent, now=END).overall
    assert overall.verdict == "unclear"
    assert overall.conversion.lower < 0 < overall.conversion.upper
    low, high = overall.always
    assert low < overall.conversion.lower
    assert high > overall.conversion.upper


def test_a_great_difference_is_named_with_its_interval(sent, tea):
    bought = [*customers(sent, "A")[5:], *customers(sent, "B")[5:], *customers(sent, None)[:5]]
    for customer in bought:
        make_order(customer, tea, at=NOON + DAY)
    overall = results.of(sent, now=END).overall
    treated, held_out = sent.to_be_written_to, sent.holdout_size
    assert overall.verdict == "better"
    assert overall.conversion.lower > 0
    assert overall.conversion.estimate == pytest.approx((treated - 10) / treated - 5 / held_out)
    expected = 10 * (treated - 10) - 50 * treated / held_out
    assert overall.revenue_total.estimate == pytest.approx(expected)


def test_a_harm_is_named_too(sent, tea):
    for customer in customers(sent, None)[5:] + customers(sent, "A")[:5]:
        make_order(customer, tea, at=NOON + DAY)
    assert results.of(sent, now=END).overall.verdict == "worse"


def test_a_clear_difference_in_few_customers_is_too_early_to_name(sent, tea):
    for customer in customers(sent, "A")[:4]:
        make_order(customer, tea, at=NOON + DAY)
    overall = results.of(sent, now=END).overall
    assert (overall.verdict, overall.always) == ("early", None)


class TestWaiting:
    @pytest.fixture
    def leaning(self, sent, tea):
        """A fifth of the treated bought by the end of the first day, a tenth of the held out."""
        for label in ("A", "B", None):
            some = customers(sent, label)
            for customer in some[: max(len(some) // (10 if label is None else 4), 5)]:
                make_order(customer, tea, at=NOON + DAY / 2)
        return sent

    def test_it_is_said_how_many_days_it_takes_should_it_go_on(self, leaning):
        overall = results.of(leaning, now=NOON + DAY).overall
        assert overall.verdict == "unclear"
        assert 1 <= overall.wait.days <= 6
        assert overall.wait.customers is None

    def test_when_the_window_is_over_it_is_said_how_many_customers_it_takes(self, leaning):
        overall = results.of(leaning, now=END).overall
        assert overall.wait.days is None
        assert overall.wait.customers > leaning.audience_size

    def test_nothing_is_promised_of_no_difference_or_before_the_start(self, sent):
        assert results.of(sent, now=NOON).overall.wait == waiting.Wait()


def test_what_customers_spent_before_is_taken_out_of_the_money(sent, tea):
    """Everybody spends as much as before: what is left is no difference, known exactly."""
    dear = make_product(price=100)
    for label in ("A", "B", None):
        for number, customer in enumerate(customers(sent, label)):
            for at in (NOON - 5 * DAY, NOON + DAY):
                make_order(customer, dear if number % 2 else tea, at=at)
    overall = results.of(sent, now=END).overall
    assert overall.spared == pytest.approx(1.0)
    assert overall.revenue_each.estimate == pytest.approx(0.0, abs=1e-9)


def test_purchases_long_before_do_not_count_as_before(sent, tea):
    for customer in customers(sent, "A"):
        make_order(customer, tea, at=NOON - 91 * DAY)
    assert results.of(sent, now=END).overall.spared is None


class TestGuards:
    def test_too_many_complaints_are_an_alarm(self, sent):
        rows = sent.deliveries.filter(variant__label="A").values("pk")[:12]
        Delivery.objects.filter(pk__in=rows).update(status="complained", sent_at=NOON)
        result = results.of(sent, now=END)
        guard = arm(result, "A").guards["complained"]
        assert (guard.hits, guard.is_broken, result.is_guard_broken) == (12, True, True)
        assert not arm(result, "B").guards["complained"].is_broken

    def test_one_of_many_is_none(self, sent):
        row = sent.deliveries.values("pk")[:1]
        Delivery.objects.filter(pk__in=row).update(unsubscribed_at=NOON)
        result = results.of(sent, now=END)
        assert sum(a.guards["unsubscribed"].hits for a in result.arms) == 1
        assert not result.is_guard_broken

    def test_who_was_held_out_cannot_complain(self, sent):
        assert arm(results.of(sent, now=END), "holdout").guards["complained"].hits == 0


def test_without_a_holdout_nothing_is_said_about_cause(campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    result = results.of(campaign, now=END)
    assert (result.overall, result.against_holdout) == (None, [])
    assert [c.against for c in result.between_variants] == ["A"]


def test_an_honest_split_is_not_suspected_and_a_broken_one_is(sent):
    assert not results.of(sent, now=END).is_split_broken
    variant = sent.variants.first()
    sent.assignments.update(variant=variant)
    assert results.of(sent, now=END).is_split_broken


def test_the_parts_add_up(sent):
    Delivery.objects.filter(pk__in=sent.deliveries.values("pk")[:4]).update(
        status="failed", reason="550"
    )
    result = results.of(sent, now=END)
    assert result.settled + result.waiting == sent.to_be_written_to
    assert [number for _step, number in result.funnel][:2] == [160, sent.to_be_written_to]


def test_a_draft_has_a_result_page_without_numbers():
    result = results.of(make_campaign(), now=END)
    assert result.overall.conversion is None
    assert result.overall.verdict == "early"
    assert charts.conversion_chart([result.overall]) is None


def test_the_queries_do_not_grow_with_the_audience(sent, django_assert_num_queries, tea):
    with django_assert_num_queries(6):
        results.of(sent, now=END)


def test_the_chart_always_shows_zero_and_stays_in_its_frame(sent, tea):
    for customer in customers(sent, "A"):
        make_order(customer, tea, at=NOON + DAY)
    chart = charts.conversion_chart(results.of(sent, now=END).against_holdout)
    assert 0 <= chart.zero <= 100
    for bar in chart.bars:
        assert 0 <= bar.left <= bar.point <= bar.left + bar.width <= 100.01


# The demo store ------------------------------------------------------------------------------


@pytest.fixture
def demo_store(db):
    rng = np.random.default_rng(3)
    topic = make_topic("offers")
    product = make_product(price=100)
    made = [make_customer(f"C{i}", at=NOON - 100 * DAY) for i in range(1_400)]
    for customer in made:
        agree(customer, topic=topic)
        if rng.random() < 0.05:
            make_order(customer, product, at=NOON - 38 * DAY)
    return demo.past_campaigns(now=NOON, rng=rng)


def test_the_demo_campaign_finds_the_effect_that_was_planted(demo_store):
    ended = Campaign.objects.get(status="finished")
    result = results.of(ended, now=END)
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
