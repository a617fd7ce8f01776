"""A mail provider by its API: what is sent, what its errors mean, what it reports."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
import requests
from anymail import exceptions
from anymail.inbound import AnymailInboundMessage
from anymail.message import AnymailMessage
from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent

from campaigns import channels, mail, mailproviders, mailreports
from campaigns.models import Delivery, ProviderReport
from crm.models import Consent, Event, Suppression
from tests.campaigns.world import make_campaign, make_members, send_all, start
from tests.factories import NOON

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def provided(settings):
    settings.EMAIL_PROVIDER = "test"
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"


def api_error(status):
    response = requests.Response()
    response.status_code, response.reason = status, "said so"
    return exceptions.AnymailRequestsAPIError(
        "no", email_message=AnymailMessage(), status_code=status, response=response
    )


class Cut(exceptions.AnymailRequestsAPIError, requests.ConnectionError):
    pass


class NotReached(exceptions.AnymailRequestsAPIError, requests.ConnectTimeout):
    pass


@pytest.mark.usefixtures("provided")
class TestSending:
    def deliver(self):
        mail.Email().deliver(
            to="ada@example.org",
            subject="Hi",
            text="plain",
            html="<p>x</p>",
            headers={},
            message_id="<abc@example.org>",
        )

    def test_the_message_carries_its_id_for_the_reports(self, mailoutbox):
        self.deliver()
        [message] = mailoutbox
        assert message.anymail_test_params["metadata"] == {"message_id": "<abc@example.org>"}

    @pytest.mark.parametrize(
        ("error", "meaning"),
        [
            (api_error(401), channels.TemporaryFailure),
            (api_error(422), channels.PermanentFailure),
            (api_error(429), channels.TemporaryFailure),
            (api_error(500), channels.Unclear),
            (Cut("cut"), channels.Unclear),
            (NotReached("slow"), channels.TemporaryFailure),
            (exceptions.AnymailRecipientsRefused("no"), channels.AddressRefused),
            (exceptions.AnymailInvalidAddress("no"), channels.AddressRefused),
            (exceptions.AnymailUnsupportedFeature("no"), channels.PermanentFailure),
        ],
        ids=lambda value: getattr(value, "__name__", type(value).__name__),
    )
    def test_every_error_has_one_meaning(self, monkeypatch, error, meaning):
        def fail(*_, **__):
            raise error

        monkeypatch.setattr("anymail.backends.test.EmailBackend.send_messages", fail)
        with pytest.raises(meaning) as caught:
            self.deliver()
        assert type(caught.value) is meaning


def test_without_a_provider_nothing_of_it_is_asked(settings):
    settings.EMAIL_PROVIDER = ""
    assert mailproviders.errors() == ()


@pytest.mark.django_db
class TestReports:
    @pytest.fixture
    def delivery(self, outbox_of_channel):
        campaign = make_campaign(labels=("A",), holdout_share=0)
        make_members(campaign, 1)
        start(campaign)
        send_all(campaign)
        return Delivery.objects.get()

    def track(self, kind, delivery, **fields):
        values = {
            "event_type": kind,
            "event_id": f"e-{kind}",
            "timestamp": LATER,
            "message_id": "theirs",
            "metadata": {"message_id": delivery.message_id},
            "recipient": delivery.address,
        }
        event = AnymailTrackingEvent(**(values | fields))
        mailreports.track(None, event=event, esp_name="Postmark")
        delivery.refresh_from_db()

    @pytest.mark.parametrize(
        ("kind", "fields", "status", "suppressed"),
        [
            ("delivered", {}, "delivered", 0),
            ("bounced", {"reject_reason": "bounced"}, "bounced", 1),
            ("bounced", {"reject_reason": "timed_out"}, "bounced", 0),
            ("rejected", {"reject_reason": "invalid"}, "bounced", 1),
            ("failed", {"reject_reason": None}, "bounced", 0),
            ("complained", {}, "complained", 1),
            ("deferred", {}, "sent", 0),
            ("opened", {}, "sent", 0),
            ("unknown", {}, "sent", 0),
        ],
    )
    def test_each_kind_of_event_has_its_meaning(self, delivery, kind, fields, status, suppressed):
        self.track(kind, delivery, **fields)
        assert delivery.status == status
        assert Suppression.objects.count() == suppressed

    def test_the_same_event_twice_is_one_with_or_without_a_number(self, delivery):
        for number in ("e1", "e1", None, None):
            self.track("delivered", delivery, event_id=number)
        assert ProviderReport.objects.count() == 2

    def test_unsubscribing_at_the_provider_is_a_no_here(self, delivery):
        self.track("unsubscribed", delivery)
        assert not Consent.objects.filter(is_granted=True).exists()

    def test_an_event_of_a_mail_that_is_not_ours_is_kept(self, delivery):
        self.track("delivered", delivery, metadata={})
        assert ProviderReport.objects.get().delivery is None
        assert delivery.status == "sent"

    def answer(self, delivery, text, **headers):
        message = EmailMessage()
        message["From"] = f"Ada <{delivery.address}>"
        message["In-Reply-To"] = delivery.message_id
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        inbound = AnymailInboundMessage.parse_raw_mime_bytes(message.as_bytes())
        event = AnymailInboundEvent(
            event_type="inbound", timestamp=LATER, event_id="i1", message=inbound
        )
        mailreports.take_mail(None, event=event, esp_name="Postmark")

    def test_an_answer_stands_on_the_timeline(self, delivery):
        self.answer(delivery, "Is it in blue?\n")
        fact = Event.objects.of_kind("campaigns.message_replied").get()
        assert fact.data["text"].strip() == "Is it in blue?"

    def test_an_answer_that_says_stop_is_a_no(self, delivery):
        self.answer(delivery, "unsubscribe\n")
        assert not Consent.objects.filter(is_granted=True).exists()

    def test_an_out_of_office_note_is_no_answer(self, delivery):
        self.answer(delivery, "I am away", Auto_Submitted="auto-replied")
        assert not ProviderReport.objects.exists()


def test_the_webhook_is_there_only_with_a_provider_and_a_secret(client, settings):
    assert client.post("/hooks/mail/postmark/tracking/").status_code == 404
