"""Staff see how webhooks are doing, make them, and send once more what was given up."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import sealing
from crm.models import Webhook, WebhookMessage
from crm.webhooks import sending
from tests.crm.webhooks.world import order, send, send_until_idle, tell
from tests.factories import NOON, make_customer, make_partner

pytestmark = pytest.mark.django_db
LIST, LOG = "/admin/crm/webhook/", "/admin/crm/webhookmessage/"


def act(client, where, action, *rows):
    said = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(where, said, follow=True).content.decode()


def test_one_is_made_and_its_secret_shown_once(admin_client):
    said = {
        "partner": make_partner().pk,
        "name": "Warehouse",
        "url": "https://partner.example/in",
        "kinds": ["crm.order_placed"],
        "contact": "",
    }
    page = admin_client.post(f"{LIST}add/", said, follow=True).content.decode()
    webhook = Webhook.objects.get()
    secret = sealing.unseal(webhook.secret)
    assert secret.replace("+", "&#x2B;") in page or secret in page
    again = admin_client.get(f"{LIST}{webhook.pk}/change/").content.decode()
    assert secret not in again.replace("&#x2B;", "+")


@pytest.mark.parametrize("url", ["http://partner.example/", "https://10.0.0.1/", "ftp://x"])
def test_an_address_that_may_not_be_asked_is_refused(admin_client, url):
    said = {"partner": make_partner().pk, "name": "n", "url": url, "kinds": []}
    assert admin_client.post(f"{LIST}add/", said).status_code == 200
    assert not Webhook.objects.exists()


def test_the_list_says_how_each_is_doing(webhook, there, admin_client):
    there.answers(500)
    tell(order(make_customer(), 1))
    send()
    page = admin_client.get(LIST).content.decode()
    assert "HTTP 500" in page
    sending.disable(webhook, "gone", now=NOON)
    assert "410, gone" in admin_client.get(LIST).content.decode()


def test_one_is_changed_without_its_secret(webhook, admin_client):
    said = {
        "partner": webhook.partner_id,
        "name": "New name",
        "url": webhook.url,
        "kinds": ["crm.order_refunded"],
        "contact": "",
    }
    admin_client.post(f"{LIST}{webhook.pk}/change/", said)
    now = Webhook.objects.get()
    assert (now.name, now.kinds, now.secret) == (
        "New name",
        ["crm.order_refunded"],
        webhook.secret,
    )


def test_paused_enabled_tried_out_and_given_another_secret(webhook, there, admin_client):
    act(admin_client, LIST, "pause", webhook)
    assert "paused or disabled" in act(admin_client, LIST, "try_out", webhook)
    act(admin_client, LIST, "enable", webhook)
    act(admin_client, LIST, "try_out", webhook)
    assert WebhookMessage.objects.get().kind == "webhook.test"
    act(admin_client, LIST, "renew", webhook)
    assert Webhook.objects.get().former_secret == webhook.secret


def test_what_was_given_up_is_found_and_sent_again(webhook, there, admin_client):
    there.answers(500)
    tell(order(make_customer(), 1))
    send_until_idle()
    page = admin_client.get(f"{LOG}?state__exact=dead").content.decode()
    assert "HTTP 500" in page
    act(admin_client, LOG, "replay", WebhookMessage.objects.get())
    assert WebhookMessage.objects.get().state == "waiting"


def test_who_may_only_look_sends_nothing_again(webhook, there, client):
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(*Permission.objects.filter(codename__startswith="view_webhook"))
    client.force_login(looker)
    tell(order(make_customer(), 1))
    WebhookMessage.objects.update(state="dead")
    act(client, LOG, "replay", WebhookMessage.objects.get())
    assert WebhookMessage.objects.get().state == "dead"
    assert client.get(LOG).status_code == 200
    assert client.get(f"{LIST}add/").status_code == 403


def test_the_lists_ask_no_more_for_more_rows(webhook, there, admin_client):
    def questions():
        with CaptureQueriesContext(connection) as found:
            admin_client.get(LOG)
            admin_client.get(LIST)
        return len(found)

    tell(order(make_customer(), 1))
    questions()
    before = questions()
    tell(*(order(make_customer(), n) for n in range(2, 12)))
    assert questions() == before
