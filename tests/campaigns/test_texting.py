"""SMS and WhatsApp: what goes over the wire, what each answer means, and the sandbox."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured

from campaigns import channels, texting
from campaigns.forms import TemplateForm
from campaigns.models import Delivery
from tests.campaigns.world import make_campaign, make_members, make_template, send_all, start

MESSAGE = {
    "to": "+8613800138000",
    "subject": "",
    "text": "你好 Ada",
    "html": "",
    "headers": {},
    "message_id": "<abc@example.org>",
}


class Provider:
    """A server that answers like Twilio, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.answers = [], []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.asked.append((self.path, dict(self.headers), parse_qs(body)))
                status, told = provider.answers.pop(0) if provider.answers else (201, {"sid": "S"})
                if status == "hang up":
                    self.connection.close()
                    return
                data = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://169.254.169.254/")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider(settings):
    provider = Provider()
    settings.SMS_URL = f"twilio://AC1:s%2Fecret@+15550001?base={provider.base}"
    settings.WHATSAPP_URL = f"twilio://AC1:secret@+15550002?base={provider.base}"
    settings.SITE_URL = "https://shop.example"
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


def deliver(name="sms", **fields):
    channels.get(name).deliver(**MESSAGE | fields)


def test_a_text_message_over_the_wire(provider):
    deliver()
    [(path, headers, form)] = provider.asked
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert base64.b64decode(headers["Authorization"].split()[1]) == b"AC1:s/ecret"
    assert (form["To"], form["From"], form["Body"]) == (
        ["+8613800138000"],
        ["+15550001"],
        ["你好 Ada"],
    )
    callback = urlsplit(form["StatusCallback"][0])
    assert callback.path == "/hooks/phone/sms/"
    assert parse_qs(callback.query) == {"message": ["<abc@example.org>"]}


def test_whatsapp_names_both_ends(provider):
    deliver("whatsapp")
    form = provider.asked[0][2]
    assert (form["To"], form["From"]) == (["whatsapp:+8613800138000"], ["whatsapp:+15550002"])


@pytest.mark.parametrize(
    ("status", "told", "meaning"),
    [
        (400, {"code": 21211, "message": "invalid To"}, channels.AddressRefused),
        (400, {"code": 21610, "message": "unsubscribed"}, channels.AddressRefused),
        (400, {"code": 21617, "message": "too long"}, channels.PermanentFailure),
        (400, ["odd"], channels.PermanentFailure),
        (401, {"code": 20003, "message": "authenticate"}, channels.TemporaryFailure),
        (429, {"code": 20429}, channels.TemporaryFailure),
        (503, b"busy", channels.TemporaryFailure),
        (500, b"<html>", channels.Unclear),
        (502, b"", channels.Unclear),
        (302, b"", channels.PermanentFailure),
        ("hang up", b"", channels.Unclear),
    ],
)
def test_every_answer_has_one_meaning(provider, status, told, meaning):
    provider.answers.append((status, told))
    with pytest.raises(meaning) as caught:
        deliver()
    assert type(caught.value) is meaning
    assert len(provider.asked) == 1


def test_a_provider_that_cannot_be_reached_has_certainly_sent_nothing(settings):
    settings.SMS_URL = "twilio://AC1:secret@+15550001?base=http://127.0.0.1:1"
    with pytest.raises(channels.TemporaryFailure):
        deliver()


def test_an_answer_that_does_not_come_leaves_it_open(provider, monkeypatch):
    def slow(*_, **__):
        raise httpx.ReadTimeout("slow")

    monkeypatch.setattr(texting.httpx, "post", slow)
    with pytest.raises(channels.Unclear):
        deliver()


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("138 0013 8000", "+8613800138000"),
        ("+44 (20) 7946-0958", "+442079460958"),
        ("0044 20 7946 0958", "+442079460958"),
        ("013800138000", "+8613800138000"),
    ],
)
def test_numbers_are_brought_into_one_form(given, number):
    assert texting.international(given) == number


@pytest.mark.parametrize("given", ["", "12", "abc", "+", "+1234567890123456", "+0123456789", "۱۲۳"])
def test_what_is_no_number_is_refused(given):
    with pytest.raises(channels.AddressRefused):
        texting.international(given)


def test_more_than_ten_messages_worth_of_text_is_refused_here(provider):
    with pytest.raises(channels.PermanentFailure, match="1601"):
        deliver(text="x" * 1601)
    assert not provider.asked


@pytest.mark.parametrize(
    "url", ["nexmo://a:b@+1", "twilio://+15550001", "twilio://a@+1555", "twilio://a:b@", "x"]
)
def test_a_setting_that_names_no_provider_says_what_is_needed(settings, url):
    settings.SMS_URL = url
    with pytest.raises(ImproperlyConfigured, match="SMS_URL"):
        deliver()


class TestSandbox:
    @pytest.fixture
    def folder(self, settings, tmp_path):
        settings.SMS_URL = ""
        settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
        return tmp_path / "sms"

    def test_each_message_is_a_file_and_the_same_twice_is_one(self, folder):
        assert channels.is_idempotent(channels.get("sms"))
        deliver()
        deliver()
        [path] = folder.iterdir()
        assert path.read_text() == "+8613800138000\n\n你好 Ada\n"

    def test_no_message_id_leads_out_of_the_folder(self, folder):
        deliver(message_id="<../../../etc/cron.d/x@example.org>")
        assert [path.parent for path in folder.iterdir()] == [folder]


def test_a_provider_is_not_handed_a_message_twice(provider):
    assert not channels.is_idempotent(channels.get("sms"))


@pytest.mark.django_db
class TestCampaigns:
    def sent(self, **fields):
        template = make_template(
            channel="sms", subject_en="", body_en="<p>Hi {{ customer.name }}</p>", **fields
        )
        campaign = make_campaign(labels=("A",), template=template, holdout_share=0, channel="sms")
        make_members(campaign, 1, phone="13800138000", language="zh-hans")
        start(campaign)
        send_all(campaign)
        return Delivery.objects.get()

    def test_a_campaign_reaches_phones_in_their_language(self, provider):
        delivery = self.sent(body_zh="{{ customer.name }}，新品上架 https://shop.example/new")
        assert (delivery.status, delivery.address) == ("sent", "13800138000")
        body = provider.asked[0][2]["Body"][0]
        assert body.startswith("Ada0，新品上架 ")
        assert "https://shop.example/new" not in body  # by way of us
        assert body.endswith("回复 TD 退订。")

    def test_an_unclear_end_is_held(self, provider):
        provider.answers.append((500, b""))
        assert self.sent().status == "uncertain"

    def test_a_text_message_needs_no_subject(self):
        fields = {"name": "x", "channel": "sms", "body_en": "Hi"}
        assert TemplateForm(fields).is_valid()
        assert not TemplateForm(fields | {"channel": "email"}).is_valid()
