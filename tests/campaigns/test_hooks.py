"""Where providers report: signatures first, then clear refusals, and nothing twice."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from standardwebhooks import Webhook

from campaigns import hooks, tokens
from campaigns.models import Delivery, ProviderReport
from crm.models import Suppression
from tests.campaigns.world import make_campaign, make_members, send_all, start

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.REPORTS_SECRET = SECRET
    settings.SITE_URL = "https://shop.example"
    settings.SMS_URL = "twilio://AC1:token@+15550001"


@pytest.fixture
def delivery(outbox_of_channel):
    campaign = make_campaign(labels=("A",), holdout_share=0)
    make_members(campaign, 1)
    start(campaign)
    send_all(campaign)
    return Delivery.objects.get()


def post(body, *, key="evt_1", at=None, secret=SECRET, headers=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = at or datetime.now(tz=UTC)
    signature = Webhook(secret).sign(key, at, data.decode("utf-8", "replace"))
    signed = {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    client = Client(enforce_csrf_checks=True)
    return client.post(
        "/hooks/reports/", data, content_type="application/json", headers=signed | (headers or {})
    )


def bounce(delivery, **data):
    told = {"message_id": delivery.message_id, "reason": "550 nobody"}
    return {"type": "message.bounced", "timestamp": "2026-03-04T10:00:00Z", "data": told | data}


class TestSigned:
    def test_a_bounce_is_taken_once(self, delivery):
        for _ in range(2):
            assert post(bounce(delivery)).status_code == 204
        delivery.refresh_from_db()
        assert (delivery.status, delivery.reason) == ("bounced", "550 nobody")
        assert ProviderReport.objects.get().key == "evt_1"
        assert Suppression.objects.get().address == delivery.address

    def test_one_that_may_pass_suppresses_nobody(self, delivery):
        assert post(bounce(delivery, permanent=False)).status_code == 204
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize(
        "headers",
        [
            {"webhook-signature": "v1,AAAA"},
            {"webhook-signature": "nonsense"},
            {"webhook-signature": "v1,*"},
            {"webhook-signature": ""},
            {"webhook-id": "another"},
            {"webhook-timestamp": "soon"},
        ],
    )
    def test_a_signature_that_does_not_fit_changes_nothing(self, delivery, headers):
        response = post(bounce(delivery), headers=headers)
        assert (response.status_code, response.json()["code"]) == (401, "not_signed")
        assert not ProviderReport.objects.exists()

    def test_another_secret_is_refused(self, delivery):
        other = "whsec_" + base64.b64encode(b"x" * 32).decode()
        assert post(bounce(delivery), secret=other).status_code == 401

    @pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
    def test_an_old_one_cannot_be_played_again(self, delivery, off):
        assert post(bounce(delivery), at=datetime.now(tz=UTC) + off).status_code == 401

    def test_without_a_secret_there_is_no_such_place(self, delivery, settings):
        settings.REPORTS_SECRET = ""
        assert post(bounce(delivery)).status_code == 404

    def test_nothing_but_post(self, client):
        assert client.get("/hooks/reports/").status_code == 405

    def test_a_large_one_is_not_read(self):
        response = post(b'{"type": "' + b"x" * hooks.BIGGEST + b'"}')
        assert (response.status_code, response.json()["code"]) == (413, "too_big")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (b"{", "no JSON"),
            (b"[" * 20_000, "no JSON"),
            (b"[]", "data"),
            ({"type": "message.bounced"}, "data"),
            ({"data": {"message_id": "x"}}, "type"),
            ({"type": "message.eaten", "data": {"message_id": "x"}}, "type"),
            ({"type": 7, "data": {}}, "type"),
            ({"type": "message.bounced", "data": {}}, "message_id"),
            ({"type": "message.bounced", "data": {"message_id": 5}}, "message_id"),
            ({"type": "message.bounced", "data": {"message_id": "a\u0000"}}, "message_id"),
            ({"type": "message.bounced", "data": {"message_id": "a" * 256}}, "message_id"),
            ({"type": "message.bounced", "data": {"address": "a@b", "channel": "owl"}}, "channel"),
            (
                {"type": "message.bounced", "timestamp": "noon", "data": {"address": "a@b"}},
                "timestamp",
            ),
            (
                {
                    "type": "message.bounced",
                    "timestamp": "2026-02-31T10:00:00Z",
                    "data": {"address": "a@b"},
                },
                "timestamp",
            ),
        ],
    )
    def test_a_report_that_cannot_be_understood_says_which_field(self, body, field):
        response = post(body)
        assert response.status_code == 400
        assert field in response.json()["message"]
        assert not ProviderReport.objects.exists()

    def test_a_time_to_come_is_now(self, delivery):
        told = bounce(delivery) | {"timestamp": "2999-01-01T00:00:00Z"}
        assert post(told).status_code == 204
        assert ProviderReport.objects.get().at <= datetime.now(tz=UTC)


class TestPhone:
    def post(self, form, *, message="", token="token", channel="sms", signature=None):
        url = tokens.phone_report_url(channel, message)
        path = url.removeprefix("https://shop.example")
        told = "".join(name + form[name] for name in sorted(form))
        digest = hmac.digest(token.encode(), f"{url}{told}".encode(), hashlib.sha1)
        signed = base64.b64encode(digest).decode() if signature is None else signature
        client = Client(enforce_csrf_checks=True)
        return client.post(path, form, headers={"X-Twilio-Signature": signed})

    @pytest.fixture
    def delivery(self, delivery):
        Delivery.objects.update(channel="sms", address="13800138000")
        delivery.refresh_from_db()
        return delivery

    def status(self, delivery, status, code=""):
        form = {"MessageSid": "SM1", "MessageStatus": status, "To": "+8613800138000"}
        form |= {"ErrorCode": code} if code else {}
        return self.post(form, message=delivery.message_id)

    def test_the_course_of_a_message(self, delivery):
        for status in ("queued", "sent", "delivered", "delivered"):
            assert self.status(delivery, status).status_code == 200
        delivery.refresh_from_db()
        assert delivery.status == "delivered"
        assert ProviderReport.objects.count() == 1

    def test_a_number_that_does_not_exist_is_given_up(self, delivery):
        self.status(delivery, "undelivered", "21614")
        delivery.refresh_from_db()
        assert (delivery.status, delivery.reason) == ("bounced", "undelivered 21614")
        assert Suppression.objects.get().address == "13800138000"

    def test_a_phone_that_is_off_is_not(self, delivery):
        self.status(delivery, "undelivered", "30003")
        delivery.refresh_from_db()
        assert delivery.status == "bounced"
        assert not Suppression.objects.exists()

    def test_stop_from_the_phone_is_a_no_to_the_channel(self, delivery):
        Delivery.objects.update(sent_at=datetime.now(tz=UTC) - timedelta(hours=1))
        form = {"MessageSid": "SM2", "From": "+8613800138000", "Body": "TD"}
        assert self.post(form).status_code == 200
        row = ProviderReport.objects.get()
        assert (row.kind, row.delivery, row.address) == ("replied", delivery, "13800138000")

    @pytest.mark.parametrize("signature", ["", "AAAA", "*", "é"])
    def test_what_twilio_did_not_sign_changes_nothing(self, delivery, signature):
        form = {"MessageSid": "S", "MessageStatus": "delivered"}
        response = self.post(form, message=delivery.message_id, signature=signature)
        assert response.status_code == 401
        assert not ProviderReport.objects.exists()

    def test_the_signature_holds_the_message_and_every_field(self, delivery):
        form = {"MessageSid": "S", "MessageStatus": "delivered"}
        assert self.post(form, token="other", message=delivery.message_id).status_code == 401

    def test_a_channel_without_a_provider_has_no_such_place(self, settings):
        settings.SMS_URL = ""
        assert self.post({"MessageSid": "S"}).status_code == 404
        assert Client().post("/hooks/phone/pigeon/").status_code == 404

    def test_a_large_form_is_not_read(self, delivery):
        form = {"MessageSid": "S", "Body": "x" * (hooks.BIGGEST + 1)}
        assert self.post(form).status_code == 413
