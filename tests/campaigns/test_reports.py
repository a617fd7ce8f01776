"""What providers tell later: each report once, states that only go forward, addresses given up."""

from datetime import timedelta

import pytest

from campaigns import reports
from campaigns.models import Delivery, ProviderReport
from crm.models import Consent, Event, Suppression
from tests.campaigns.world import make_campaign, make_members, send_all, start
from tests.factories import NOON

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)
Status = Delivery.Status


@pytest.fixture
def delivery(outbox_of_channel):
    return sent_to(1)


def sent_to(number):
    campaign = make_campaign(labels=("A",), holdout_share=0)
    make_members(campaign, number)
    start(campaign)
    send_all(campaign)
    return Delivery.objects.filter(campaign=campaign).first()


def told(kind, about=None, *, key=None, at=LATER, **fields):
    message_id = about.message_id if about else ""
    report = reports.Report(
        provider="test",
        key=key or f"{kind}-{message_id}",
        kind=kind,
        channel="email",
        at=at,
        message_id=message_id,
        **fields,
    )
    return reports.take(report, now=at)


def events(kind):
    return Event.objects.of_kind(f"campaigns.message_{kind}").count()


def state_of(delivery):
    delivery.refresh_from_db()
    return delivery.status


def test_a_message_arrived(delivery):
    assert told("delivered", delivery)
    assert state_of(delivery) == Status.DELIVERED
    assert not Suppression.objects.exists()


def test_the_same_report_again_changes_nothing(delivery):
    assert told("bounced", delivery, key="b1", reason="550 nobody")
    assert not told("bounced", delivery, key="b1", reason="551 other")
    assert not told("complained", delivery, key="b1")
    assert (state_of(delivery), delivery.reason) == (Status.BOUNCED, "550 nobody")
    assert ProviderReport.objects.count() == Suppression.objects.count() == events("bounced") == 1


def test_a_bounce_for_good_suppresses_the_address_whatever_the_report_calls_it(delivery):
    told("bounced", delivery, address="somebody@else.example", reason="550 nobody")
    suppression = Suppression.objects.get()
    assert (suppression.address, suppression.reason) == (delivery.address, "bounce")
    assert events("bounced") == 1


@pytest.mark.parametrize(
    ("order", "end"),
    [
        (("delivered", "bounced"), Status.BOUNCED),
        (("bounced", "delivered"), Status.BOUNCED),
        (("complained", "delivered", "bounced"), Status.COMPLAINED),
        (("delivered", "complained"), Status.COMPLAINED),
    ],
)
def test_states_only_go_forward_in_whatever_order_reports_come(delivery, order, end):
    for kind in order:
        told(kind, delivery)
    assert state_of(delivery) == end
    assert delivery.reports.count() == len(order)


def test_a_complaint_says_no_to_everything_on_the_channel(delivery):
    told("complained", delivery)
    assert Suppression.objects.get().reason == "complaint"
    consents = Consent.objects.filter(customer=delivery.customer, channel="email")
    assert list(consents.values_list("is_granted", flat=True)) == [False]
    assert events("complained") == 1


@pytest.mark.parametrize("status", ["uncertain", "sending"])
def test_a_report_proves_that_a_message_of_unknown_fate_went_out(delivery, status):
    Delivery.objects.update(status=status, sent_at=None, attempted_at=NOON, reason="cut off")
    told("delivered", delivery)
    assert state_of(delivery) == Status.DELIVERED
    assert (delivery.sent_at, delivery.reason) == (NOON, "")


@pytest.mark.parametrize("status", ["queued", "skipped", "failed"])
def test_a_message_that_never_left_is_not_moved(delivery, status):
    Delivery.objects.update(status=status, reason="why", sent_at=None)
    told("delivered", delivery)
    assert state_of(delivery) == status


def test_a_full_mailbox_is_no_reason_to_give_an_address_up(delivery):
    told("bounced", delivery, is_permanent=False, reason="452 full")
    assert state_of(delivery) == Status.BOUNCED
    assert not Suppression.objects.exists()


class TestKeepsNotTaking:
    def deferred(self, number, *, key="", at=LATER):
        report = reports.Report(
            provider="test",
            key=f"d{number}{key}",
            kind="deferred",
            channel="email",
            at=at,
            message_id=f"<{number}>",
            address="Full@example.org",
        )
        reports.take(report, now=at)

    def test_five_messages_in_thirty_days_are_enough(self):
        for number in range(reports.SOFT_BOUNCES - 1):
            self.deferred(number)
        assert not Suppression.objects.exists()
        self.deferred(9)
        assert Suppression.objects.get().address == "full@example.org"

    def test_the_same_message_put_off_five_times_is_one(self):
        for attempt in range(reports.SOFT_BOUNCES + 1):
            self.deferred(1, key=f"-{attempt}")
        assert not Suppression.objects.exists()

    def test_one_that_arrives_begins_the_count_anew(self):
        for number in range(reports.SOFT_BOUNCES - 1):
            self.deferred(number)
        told("delivered", key="ok", address="full@example.org", at=LATER + timedelta(hours=1))
        self.deferred(8, at=LATER + timedelta(hours=2))
        assert not Suppression.objects.exists()

    def test_what_is_long_ago_does_not_count(self):
        for number in range(reports.SOFT_BOUNCES - 1):
            self.deferred(number)
        self.deferred(8, at=LATER + reports.SOFT_WITHIN + timedelta(days=1))
        assert not Suppression.objects.exists()


class TestReplies:
    @pytest.mark.parametrize(
        "text", ["STOP", "stop.", " 退订 ", "TD", "Unsubscribe!", "“取消订阅”"]
    )
    def test_stop_is_a_no(self, delivery, text):
        told("replied", delivery, text=text)
        assert not Consent.objects.filter(customer=delivery.customer, is_granted=True).exists()
        assert not events("replied")

    @pytest.mark.parametrize("text", ["please stop by tomorrow", "我想退订单", "", "t-shirt?"])
    def test_anything_else_is_an_answer(self, delivery, text):
        told("replied", delivery, text=text)
        assert Consent.objects.filter(customer=delivery.customer, is_granted=True).exists()
        assert Event.objects.of_kind("campaigns.message_replied").get().data["text"] == text

    def test_an_answer_that_names_no_message_is_to_the_last_one(self, delivery):
        told("replied", address=delivery.address, text="STOP", at=delivery.sent_at + LATER_BY)
        assert not Consent.objects.filter(customer=delivery.customer, is_granted=True).exists()
        assert ProviderReport.objects.get().delivery == delivery

    def test_an_answer_months_later_is_kept_and_means_no_message(self, delivery):
        late = delivery.sent_at + reports.ANSWER_WITHIN + timedelta(days=1)
        told("replied", address=delivery.address, text="hello?", at=late)
        assert ProviderReport.objects.get().delivery is None

    def test_a_long_answer_is_kept_in_part(self, delivery):
        told("replied", delivery, text="x" * 5000)
        data = Event.objects.of_kind("campaigns.message_replied").get().data
        assert len(data["text"]) == reports.LONGEST_REPLY


LATER_BY = timedelta(days=1)


class TestUnknownMessages:
    def test_a_report_of_none_of_ours_is_kept(self):
        assert told("delivered", key="x", address="who@example.org")
        row = ProviderReport.objects.get()
        assert (row.delivery, row.address) == (None, "who@example.org")

    @pytest.mark.parametrize("kind", ["bounced", "complained", "unsubscribed"])
    def test_its_address_is_given_up_all_the_same(self, kind):
        told(kind, key="x", address="Who@Example.org")
        assert Suppression.objects.get().address == "who@example.org"

    def test_without_an_address_nothing_is_suppressed(self):
        told("bounced", key="x")
        assert not Suppression.objects.exists()


def test_two_messages_of_a_campaign_are_told_apart(outbox_of_channel):
    first = sent_to(2)
    second = Delivery.objects.exclude(pk=first.pk).get()
    told("bounced", first)
    assert state_of(second) == Status.SENT
    assert not Suppression.objects.filter(address=second.address).exists()


def test_a_report_takes_few_questions(delivery, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        told("delivered", delivery)
