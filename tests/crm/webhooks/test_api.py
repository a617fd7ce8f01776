"""REST: partners keep webhooks of their own, try them out, and have things sent once more."""

import json
import threading
import uuid

import pytest
from django.db import connection

from crm import sealing
from crm.models import ApiAnswer, Webhook, WebhookMessage
from crm.webhooks import steering
from tests.crm.webhooks.world import order, send_until_idle, tell
from tests.factories import NOON, make_customer, make_key, make_partner
from tests.rest import is_problem

pytestmark = pytest.mark.django_db
PATH = "/api/v1/webhooks/"
URL = "https://partner.example/in"


@pytest.fixture(autouse=True)
def _noon(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)


@pytest.fixture
def partner():
    return make_partner(sees_everybody=True, requests_per_second=1_000)


@pytest.fixture
def ask(client, partner):
    _, text = make_key(partner, "customers:read")

    def ask(method, path=PATH, body=None, *, key=text, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        said = None if body is None else json.dumps(body)
        return client.generic(method, path, said or "", "application/json", headers=headers)

    return ask


@pytest.fixture
def make(ask):
    def make(**fields):
        said = {"url": URL, "events": ["crm.order_placed"]} | fields
        response = ask("POST", body=said)
        assert response.status_code == 201, response.content
        return response.json()

    return make


class TestKeeping:
    def test_one_is_made_and_its_secret_shown_once(self, ask, make, partner):
        said = make(name="Warehouse", contact="ops@partner.example")
        webhook = Webhook.objects.get()
        assert said["secret"] == sealing.unseal(webhook.secret)
        assert (webhook.partner, webhook.kinds) == (partner, ["crm.order_placed"])
        seen = ask("GET", f"{PATH}{said['id']}/").json()
        assert "secret" not in seen
        assert (seen["state"], seen["contact"]) == ("active", "ops@partner.example")

    def test_without_a_name_it_is_called_by_its_host(self, make):
        assert make()["name"] == "partner.example"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("url", "http://partner.example/"),
            ("url", "https://127.0.0.1/"),
            ("url", "https://[::ffff:169.254.169.254]/"),
            ("url", "https://user:pass@partner.example/"),
            ("url", "https://partner.example:22/"),
            ("url", "javascript:alert(1)"),
            ("url", 7),
            ("events", ["crm.nothing"]),
            ("events", "crm.order_placed"),
            ("contact", "nobody"),
            ("state", "disabled"),
            ("strange", 1),
        ],
    )
    def test_what_cannot_be_is_refused_by_field(self, ask, field, value):
        said = {"url": URL, "events": ["crm.order_placed"], field: value}
        errors = is_problem(ask("POST", body=said), 400, "invalid")
        assert errors[0][0].startswith(f"/{field}")
        assert not Webhook.objects.exists()

    @pytest.mark.parametrize("body", [[], "x", None, 5])
    def test_a_body_that_is_no_object_is_refused(self, ask, body):
        assert ask("POST", body=body).status_code == 400

    def test_it_is_changed_paused_and_deleted(self, ask, make):
        path = f"{PATH}{make()['id']}/"
        said = ask("PATCH", path, {"events": ["crm.order_refunded"], "state": "paused"}).json()
        assert (said["events"], said["state"]) == (["crm.order_refunded"], "paused")
        assert ask("DELETE", path).status_code == 204
        assert ask("GET", path).status_code == 404

    def test_a_change_of_what_was_changed_is_refused(self, ask, make, monkeypatch):
        path = f"{PATH}{make()['id']}/"
        etag = ask("GET", path)["ETag"]
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOON.replace(hour=13))
        assert ask("PATCH", path, {"name": "a"}, If_Match=etag).status_code == 200
        is_problem(ask("PATCH", path, {"name": "b"}, If_Match=etag), 412, "changed")
        is_problem(ask("DELETE", path, If_Match=etag), 412, "changed")
        assert Webhook.objects.get().name == "a"

    def test_there_are_no_more_than_fifty(self, ask, make, monkeypatch):
        monkeypatch.setattr(steering, "MOST", 1)
        make()
        is_problem(ask("POST", body={"url": URL, "events": []}), 400, "invalid")

    def test_lists_come_in_pages_that_skip_and_repeat_nothing(self, ask, make):
        ids = [make(name=str(n))["id"] for n in range(5)]
        first = ask("GET", f"{PATH}?page_size=2")
        assert 'rel="next"' in first["Link"]
        seen, page = [], first.json()
        while True:
            seen += [one["id"] for one in page["results"]]
            if not page["next"]:
                break
            make(name="meanwhile")
            page = ask("GET", page["next"].partition("testserver")[2]).json()
        assert seen == ids[::-1]

    @pytest.mark.parametrize(
        "query", ["page_size=0", "page_size=501", "page_size=x", "limi=2", "state=odd"]
    )
    def test_a_strange_page_is_refused(self, ask, query):
        is_problem(ask("GET", f"{PATH}?{query}"), 400, "invalid")


class TestWhose:
    def test_another_partner_s_is_not_found(self, ask, make):
        path = f"{PATH}{make()['id']}/"
        stranger = make_partner(sees_everybody=True)
        _, key = make_key(stranger, "customers:read")
        for method, rest in [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "rotate/"),
            ("POST", "test/"),
            ("POST", "replay/"),
            ("GET", "messages/"),
        ]:
            said = ask(method, path + rest, {} if method in ("POST", "PATCH") else None, key=key)
            assert said.status_code == 404, (method, rest)
        assert ask("GET", key=key).json()["results"] == []

    def test_a_key_of_another_scope_opens_nothing(self, ask, partner):
        _, key = make_key(partner, "segments:read")
        is_problem(ask("GET", key=key), 403, "permission_denied")
        is_problem(ask("GET", key=""), 401, "not_authenticated")

    def test_one_that_never_was(self, ask):
        assert ask("GET", f"{PATH}{uuid.uuid4()}/").status_code == 404


class TestSendingFromOutside:
    def test_a_test_message_goes_out(self, ask, make, there):
        said = make(url=there.url)
        queued = ask("POST", f"{PATH}{said['id']}/test/", {})
        assert queued.status_code == 202
        send_until_idle()
        assert there.got[0].headers["webhook-id"] == queued.json()["id"]
        log = ask("GET", f"{PATH}{said['id']}/messages/").json()["results"]
        assert [(one["type"], one["state"], one["status"]) for one in log] == [
            ("webhook.test", "done", 204)
        ]

    def test_nothing_is_tried_out_while_it_is_paused(self, ask, make):
        path = f"{PATH}{make(state='paused')['id']}/test/"
        is_problem(ask("POST", path, {}), 409, "webhook_not_active")

    def test_the_secret_is_changed(self, ask, make):
        first = make()
        second = ask("POST", f"{PATH}{first['id']}/rotate/", {}).json()
        webhook = Webhook.objects.get()
        assert sealing.unseal(webhook.secret) == second["secret"] != first["secret"]
        assert sealing.unseal(webhook.former_secret) == first["secret"]
        assert second["former_secret_until"].startswith("2026-03-02")

    def test_what_was_given_up_is_sent_again(self, ask, make, there):
        said = make(url=there.url)
        there.answers(500)
        tell(order(make_customer(), 1), order(make_customer(), 2))
        send_until_idle()
        path = f"{PATH}{said['id']}/"
        dead = ask("GET", f"{path}messages/?state=dead").json()["results"]
        assert len(dead) == 2
        body = {"messages": [dead[0]["id"], "msg_unknown"]}
        assert ask("POST", f"{path}replay/", body).json() == {"replayed": 1}
        assert ask("POST", f"{path}replay/", {}).json() == {"replayed": 1}
        there.answers(200)
        send_until_idle()
        assert set(WebhookMessage.objects.values_list("state", flat=True)) == {"done"}


class TestOnce:
    SAID = {"url": URL, "events": []}

    def test_the_same_key_makes_one_and_gets_the_same_answer(self, ask):
        first = ask("POST", body=self.SAID, Idempotency_Key="k1")
        again = ask("POST", body=self.SAID, Idempotency_Key="k1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert again["Idempotent-Replayed"] == "true"
        assert Webhook.objects.count() == 1

    def test_the_secret_in_a_kept_answer_is_sealed(self, ask):
        secret = ask("POST", body=self.SAID, Idempotency_Key="k1").json()["secret"]
        assert secret not in ApiAnswer.objects.get().body

    def test_the_same_key_with_another_body_is_refused(self, ask):
        ask("POST", body=self.SAID, Idempotency_Key="k1")
        other = ask("POST", body=self.SAID | {"name": "b"}, Idempotency_Key="k1")
        is_problem(other, 422, "idempotency_key_reused")

    def test_a_refusal_is_not_kept(self, ask):
        is_problem(ask("POST", body={"url": "x"}, Idempotency_Key="k1"), 400, "invalid")
        assert ask("POST", body=self.SAID, Idempotency_Key="k1").status_code == 201

    def test_keys_are_each_partner_s_own(self, ask):
        _, key = make_key(make_partner(), "customers:read")
        ask("POST", body=self.SAID, Idempotency_Key="k1")
        assert ask("POST", body=self.SAID, key=key, Idempotency_Key="k1").status_code == 201
        assert Webhook.objects.count() == 2

    def test_a_key_that_is_too_long_is_refused(self, ask):
        is_problem(ask("POST", body=self.SAID, Idempotency_Key="k" * 101), 400, "invalid")


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_time_makes_one(client):
    partner = make_partner(sees_everybody=True, requests_per_second=1_000)
    _, key = make_key(partner, "customers:read")
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k"}
    body, said = json.dumps({"url": URL, "events": []}), []

    def ask():
        try:
            said.append(client.post(PATH, body, "application/json", headers=headers).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert Webhook.objects.count() == 1
    assert set(said) <= {201, 409}
    assert 201 in said
