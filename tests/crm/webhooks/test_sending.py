"""Webhooks reach their receivers: signed, in order, again after failures, and not for ever."""

import json
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from crm import outgoing
from crm.models import Membership, Webhook, WebhookMessage
from crm.webhooks import kinds, queueing, sending, signing, steering
from tests.campaigns.world import make_segment
from tests.crm.webhooks.world import order, send, send_until_idle, tell
from tests.factories import NOON, make_customer, make_partner
from tests.receiver import answer

pytestmark = pytest.mark.django_db
State = WebhookMessage.State


def states():
    return list(WebhookMessage.objects.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def at(monkeypatch):
    """What the verifier takes for the present."""

    class Clock:
        now = NOON

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", _Datetime(Clock))
    return Clock


class _Datetime:
    def __init__(self, clock):
        self._clock = clock

    def now(self, tz=None):
        return self._clock.now.astimezone(tz)

    def __getattr__(self, name):
        import datetime

        return getattr(datetime.datetime, name)


class TestAMessage:
    def test_it_is_signed_as_the_receiver_s_library_has_it(self, made, there, at):
        ada = make_customer()
        tell(order(ada, 7))
        assert send() == 1
        [got] = there.got
        told = Verifier(made[1]).verify(got.body, got.headers)
        assert (told["type"], told["timestamp"]) == ("crm.order_placed", NOON.isoformat())
        assert told["data"]["customer"] == {"id": str(ada.public_id)}
        assert told["data"]["properties"]["number"] == "SO7"
        assert states() == [State.DONE]

    def test_a_changed_body_or_another_secret_does_not_verify(self, made, there, at):
        tell(order(make_customer(), 1))
        send()
        [got] = there.got
        with pytest.raises(WebhookVerificationError):
            Verifier(made[1]).verify(got.body + b" ", got.headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(signing.new_secret()).verify(got.body, got.headers)

    def test_while_a_secret_changes_both_verify_and_then_only_the_new(self, made, there, at):
        webhook, old = made
        new = steering.rotate(webhook, now=NOON)
        tell(order(make_customer(), 1))
        send()
        for secret in (old, new):
            assert Verifier(secret).verify(there.got[0].body, there.got[0].headers)
        assert len(there.got[0].headers["webhook-signature"].split()) == 2
        at.now = NOON + timedelta(days=1)
        tell(order(make_customer(), 2), now=at.now)
        send(at.now)
        assert Verifier(new).verify(there.got[1].body, there.got[1].headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(old).verify(there.got[1].body, there.got[1].headers)

    def test_secrets_do_not_stand_in_the_database(self, made):
        webhook, old = made
        new = steering.rotate(webhook, now=NOON)
        kept = str(Webhook.objects.values().get())
        for secret in (old, new):
            assert secret.removeprefix("whsec_") not in kept

    def test_without_the_key_of_its_secret_it_waits_and_says_so(self, webhook, there, settings):
        settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
        tell(order(make_customer(), 1))
        send()
        assert there.got == []
        assert "FIELD_ENCRYPTION_KEYS" in WebhookMessage.objects.get().failure

    def test_an_event_told_twice_is_one_message(self, webhook, there):
        event = order(make_customer(), 1)
        tell(event)
        tell(event, event)
        send_until_idle()
        assert len(there.got) == 1

    def test_only_what_was_asked_for_is_told(self, webhook, there):
        steering.change(webhook, now=NOON, kinds=["crm.order_refunded"])
        assert tell(order(make_customer(), 1)) == 0
        assert kinds.wanted() == {"crm.order_refunded"}

    def test_a_very_long_event_goes_without_its_properties(self, webhook):
        told = queueing.Telling(
            customer=None, key="k", kind="crm.tracked", at=NOON, data={"properties": "€" * 70_000}
        )
        body = queueing.body_of(told)
        assert len(body.encode()) < queueing.LONGEST_BODY
        assert json.loads(body)["data"]["is_cut"] is True


class TestWhoMayHear:
    @pytest.fixture
    def segment(self):
        return make_segment()

    @pytest.fixture
    def narrow(self, there, segment):
        partner = make_partner()
        partner.segments.add(segment)
        kwargs = {"url": there.url, "kinds": ["crm.order_placed"], "name": "n"}
        return steering.make(partner, now=NOON, **kwargs)[0]

    def test_of_customers_that_the_partner_sees_and_of_no_others(self, narrow, segment, there):
        ada, bob = make_customer(), make_customer("Bob")
        Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
        assert tell(order(ada, 1), order(bob, 2)) == 1
        send_until_idle()
        assert [str(ada.public_id) in got.body.decode() for got in there.got] == [True]

    def test_who_is_no_longer_seen_when_it_is_sent_is_not_told_of(self, narrow, segment, there):
        ada = make_customer()
        member = Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
        tell(order(ada, 1))
        member.delete()
        send_until_idle()
        assert (there.got, states()) == ([], [State.DROPPED])

    def test_a_partner_who_was_closed_hears_nothing(self, webhook, there):
        event = order(make_customer(), 1)
        tell(event)
        webhook.partner.is_active = False
        webhook.partner.save()
        assert send() == 0
        assert tell(order(make_customer(), 2)) == 0
        assert there.got == []


class TestFailures:
    def test_500_then_200_is_the_same_message_again(self, webhook, there):
        there.answers(500, 200)
        tell(order(make_customer(), 1))
        made = send_until_idle()
        assert len(made) == 2
        first, second = there.got
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        message, webhook = WebhookMessage.objects.get(), Webhook.objects.get()
        assert (message.state, message.attempts, message.status) == (State.DONE, 2, 200)
        assert (webhook.failing_since, webhook.failure) == (None, "")

    @pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
    def test_everything_but_2xx_is_a_failure(self, webhook, there, status):
        there.say = lambda _: answer(status, Location=there.url)
        tell(order(make_customer(), 1))
        send()
        message = WebhookMessage.objects.get()
        assert (message.state, message.status) == (State.WAITING, status)
        assert (len(there.got), message.due_at > NOON) == (1, True)
        assert Webhook.objects.get().failing_since == NOON

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_2xx_is_a_success(self, webhook, there, status):
        there.answers(status)
        tell(order(make_customer(), 1))
        send()
        assert states() == [State.DONE]
        assert Webhook.objects.get().succeeded_at == NOON

    def test_a_cut_connection_and_a_slow_answer_are_failures(self, webhook, there, monkeypatch):
        over = threading.Event()
        monkeypatch.setattr(outgoing, "TOTAL_SECONDS", 0.3)
        quick = outgoing.post
        monkeypatch.setattr(outgoing, "post", lambda *a: quick(*a, total=0.3))
        for say in (lambda _: None, lambda _: over.wait(10) and None):
            there.say = say
            tell(order(make_customer(), len(there.got) + 1))
            send(owner=str(len(there.got)))
        over.set()
        assert states() == [State.WAITING] * 2
        assert all(WebhookMessage.objects.values_list("failure", flat=True))

    def test_an_address_that_turned_inside_is_not_asked(self, webhook, there, settings):
        tell(order(make_customer(), 1))
        settings.OUTGOING_NETWORKS = []
        send()
        assert there.got == []
        assert "no public address" in WebhookMessage.objects.get().failure

    def test_410_disables_at_once(self, webhook, there):
        there.answers(410)
        tell(order(make_customer(), 1))
        send()
        webhook.refresh_from_db()
        assert (webhook.state, webhook.why_disabled) == ("disabled", "gone")
        assert states() == [State.DEAD]
        assert tell(order(make_customer(), 2)) == 0

    def test_it_is_tried_for_three_days_with_growing_pauses(self, webhook, there):
        there.answers(500)
        tell(order(make_customer(), 1))
        made = [at for at, _ in send_until_idle()]
        assert timedelta(days=2, hours=12) < made[-1] - NOON <= timedelta(days=3)
        pauses = [b - a for a, b in zip(made, made[1:], strict=False)]
        assert pauses[0] < timedelta(seconds=6)
        assert max(pauses) < timedelta(hours=7)
        assert 15 < len(made) < 25
        assert states() == [State.DEAD]

    def test_who_asks_for_patience_gets_it(self, webhook, there):
        there.say = lambda _: answer(503, Retry_After="900")
        tell(order(make_customer(), 1))
        send()
        assert WebhookMessage.objects.get().due_at == NOON + timedelta(seconds=900)

    def test_after_five_days_without_a_success_it_is_disabled_and_somebody_is_told(
        self, webhook, there, django_capture_on_commit_callbacks
    ):
        steering.change(webhook, now=NOON, contact="ops@example.org")
        there.answers(500)
        with django_capture_on_commit_callbacks(execute=True):
            for day in range(7):
                tell(order(make_customer(), day), now=NOON + timedelta(days=day))
                if not send(NOON + timedelta(days=day)):
                    break
        webhook.refresh_from_db()
        assert (webhook.state, webhook.why_disabled) == ("disabled", "failing")
        assert day == 6
        assert webhook.changed_at == NOON + timedelta(days=5)
        [told] = mail.outbox
        assert told.to == ["ops@example.org"]
        assert "Warehouse" in told.subject

    def test_one_success_begins_the_five_days_anew(self, webhook, there):
        there.answers(500, 200, 500)
        for day in (0, 4, 8):
            tell(order(make_customer(), day), now=NOON + timedelta(days=day))
            WebhookMessage.objects.filter(state=State.WAITING, attempts__gt=0).delete()
            send(NOON + timedelta(days=day))
        webhook.refresh_from_db()
        assert webhook.state == "active"

    def test_enabled_again_what_waited_goes_out(self, webhook, there):
        there.answers(500, 200)
        tell(order(make_customer(), 1))
        send()
        sending.disable(webhook, "failing", now=NOON)
        assert send(NOON + timedelta(hours=1)) == 0
        steering.change(webhook, now=NOON, state="active")
        assert send(NOON + timedelta(hours=1)) == 1
        webhook.refresh_from_db()
        assert (states(), webhook.why_disabled) == ([State.DONE], "")

    def test_what_was_given_up_is_sent_again_under_its_number(self, webhook, there):
        there.answers(500)
        tell(order(make_customer(), 1))
        last = send_until_idle()[-1][0]
        there.answers(200)
        message = WebhookMessage.objects.get()
        assert steering.replay([message.pk], now=last) == 1
        assert steering.replay([message.pk], now=last) == 0
        send(last)
        assert states() == [State.DONE]
        assert {got.headers["webhook-id"] for got in there.got} == {message.message_id}


class TestOrder:
    def test_of_one_customer_nothing_overtakes(self, webhook, there):
        ada, bob = make_customer(), make_customer("Bob")
        there.say = lambda got: answer(500 if b"SO1" in got.body and len(there.got) < 5 else 200)
        tell(order(ada, 1), order(ada, 2), order(bob, 3))
        tell(order(ada, 4))
        send_until_idle()
        numbers = [json.loads(got.body)["data"]["properties"]["number"] for got in there.got]
        assert [n for n in numbers if n != "SO3"][-3:] == ["SO1", "SO2", "SO4"]
        assert set(numbers[: numbers.index("SO2")]) == {"SO1", "SO3"}
        assert numbers.index("SO3") <= 1  # who has nothing to do with it does not wait

    def test_what_was_given_up_lets_the_next_one_by(self, webhook, there):
        ada = make_customer()
        there.say = lambda got: answer(500 if b"SO1" in got.body else 200)
        tell(order(ada, 1), order(ada, 2))
        send_until_idle()
        assert states() == [State.DEAD, State.DONE]


class TestWorkers:
    def test_a_kill_between_sending_and_recording_sends_the_same_again(self, webhook, there):
        tell(order(make_customer(), 1))
        [message] = sending.claim(now=NOON, owner="killed")
        sending._asker(message, NOON)()
        assert send(NOON + timedelta(seconds=30)) == 0  # the claim still holds
        assert send(NOON + sending.LEASE) == 1
        assert len({got.headers["webhook-id"] for got in there.got}) == 1
        assert (len(there.got), states()) == (2, [State.DONE])

    def test_who_lost_the_claim_records_nothing(self, webhook, there):
        tell(order(make_customer(), 1))
        [message] = sending.claim(now=NOON, owner="slow")
        send(NOON + sending.LEASE, owner="quick")
        late = sending.Outcome(500, "HTTP 500")
        sending.record(message, late, owner="slow", now=NOON + timedelta(minutes=2))
        assert states() == [State.DONE]
        assert Webhook.objects.get().failing_since is None

    def test_a_partner_with_much_to_hear_leaves_room_for_another(self, webhook, there):
        other, _ = steering.make(
            make_partner(sees_everybody=True),
            now=NOON,
            url=there.url,
            kinds=["crm.order_refunded"],
            name="small",
        )
        tell(*(order(make_customer(), n) for n in range(40)))
        steering.try_out(other, now=NOON + timedelta(seconds=1))
        send(NOON + timedelta(seconds=1))
        assert any(b"webhook.test" in got.body for got in there.got)

    def test_a_batch_takes_no_more_questions_for_more_messages(self, webhook, there):
        def questions(count):
            tell(*(order(make_customer(), count * 100 + n) for n in range(count)))
            with CaptureQueriesContext(
                connection,
            ) as found:
                assert len(sending.claim(now=NOON, owner=f"o{count}")) == count
            return len(found)

        assert questions(2) == questions(12)

    def test_old_messages_are_forgotten_and_waiting_ones_are_not(self, webhook, there):
        tell(order(make_customer(), 1))
        send()
        tell(order(make_customer(), 2))
        assert steering.forget_old(now=NOON + steering.KEPT + timedelta(days=1)) == 1
        assert states() == [State.WAITING]
