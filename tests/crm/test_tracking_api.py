"""What client libraries rely on: exact answers, each event once, nothing dropped in silence."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from crm import write_keys
from crm.models import Customer, DeadLetter, Event, Identity, Merge, Order, Source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    from django.core.cache import cache

    cache.clear()
    write_keys.rate_limit.buckets.clear()
    return Source.objects.create(name="shop", write_key="key-1")


def basic(key="key-1", colon=":"):
    return {"Authorization": "Basic " + base64.b64encode(f"{key}{colon}".encode()).decode()}


def send(client, path, body, headers=None, **extra):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic(
        "POST", path, data, content_type="text/plain", headers=headers or basic(), **extra
    )


def track(name="Product Viewed", **fields):
    return {"type": "track", "event": name, "userId": "u1", "messageId": "m1", **fields}


@pytest.mark.usefixtures("source")
class TestKeys:
    @pytest.mark.parametrize(
        "headers",
        [basic(), basic(colon=""), {"Authorization": "Bearer key-1"}],
        ids=["basic", "basic without colon", "bearer"],
    )
    def test_a_key_is_read_from_the_header(self, client, headers):
        assert send(client, "/v1/track", track(), headers).status_code == 200

    def test_a_key_is_read_from_the_body(self, client):
        answer = send(client, "/v1/t", track(writeKey="key-1"), {"X-Nothing": "1"})
        assert (answer.status_code, answer.json()) == (200, {"success": True})

    @pytest.mark.parametrize("key", ["", "wrong", "x" * 500])
    def test_an_unknown_key_is_401_with_a_code(self, client, key):
        answer = send(client, "/v1/track", track(), basic(key))
        assert answer.status_code == 401
        assert answer.json()["code"] == "invalid_write_key"
        assert Event.objects.count() == 0

    def test_a_revoked_key_no_longer_writes(self, client, source):
        source.revoked_at = datetime.now(UTC)
        source.save()
        assert send(client, "/v1/track", track()).status_code == 401

    def test_a_key_over_its_rate_is_told_when_to_come_back(self, client, source, monkeypatch):
        stopped = SimpleNamespace(monotonic=lambda: 1000.0)
        monkeypatch.setattr("crm.rates.time", stopped)
        source.requests_per_second = 2
        source.save()
        answers = [send(client, "/v1/track", track()) for _ in range(5)]
        assert [a.status_code for a in answers] == [200, 200, 429, 429, 429]
        assert int(answers[-1]["Retry-After"]) >= 1

    def test_another_origin_than_the_keys_own_is_refused(self, client, source):
        source.allowed_origins = ["https://shop.example"]
        source.save()
        origin = basic() | {"Origin": "https://evil.example"}
        assert send(client, "/v1/track", track(), origin).status_code == 403
        allowed = basic() | {"Origin": "https://shop.example"}
        answer = send(client, "/v1/track", track(), allowed)
        assert answer["Access-Control-Allow-Origin"] == "https://shop.example"

    def test_a_browser_may_ask_first(self, client, source):
        source.allowed_origins = ["https://shop.example"]
        source.save()
        answer = client.options("/v1/t", headers={"Origin": "https://shop.example"})
        assert answer.status_code == 204
        assert "Authorization" in answer["Access-Control-Allow-Headers"]

    def test_settings_are_given_for_a_known_key_alone(self, client):
        assert client.get("/v1/projects/key-1/settings").status_code == 200
        assert client.get("/v1/projects/nope/settings").status_code == 404


@pytest.mark.usefixtures("source")
class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"not json", 400),
            (b"[1]", 400),
            (b'{"a": NaN}', 400),
            (b"\xff\xfe", 400),
            (b"[" * 100_000, 400),
            (b"\x1f\x8bbroken", 400),
            (gzip.compress(b" " * 2_000_000), 413),
            (b" " * 600_000, 413),
        ],
        ids=[
            "empty",
            "words",
            "a list",
            "NaN",
            "not UTF-8",
            "deep",
            "broken gzip",
            "gzip bomb",
            "too long",
        ],
    )
    def test_what_cannot_be_read_is_refused_with_a_reason(self, client, body, status):
        answer = send(client, "/v1/batch", body)
        assert answer.status_code == status
        assert answer.json()["message"]
        assert answer["Content-Type"] == "application/problem+json"

    def test_gzip_is_seen_whatever_the_label_says(self, client):
        body = gzip.compress(json.dumps({"batch": [track()]}).encode())
        assert send(client, "/v1/batch", body).status_code == 200
        assert Event.objects.count() == 1

    def test_too_many_entries_are_refused(self, client):
        assert send(client, "/v1/batch", {"batch": [{}] * 2501}).status_code == 413

    def test_get_is_not_a_way_to_write(self, client):
        assert client.get("/v1/track").status_code == 405

    def test_an_unknown_call_is_a_problem_too(self, client):
        assert send(client, "/v1/nonsense", {}).status_code == 404

    @pytest.mark.parametrize(
        ("entry", "reason"),
        [
            (track(userId=None), "userId and anonymousId are both missing"),
            (track(name=""), "event: missing"),
            (track(messageId="x" * 101), "messageId: over 100"),
            (track(userId={"a": 1}), "userId: neither text nor a number"),
            (track(properties=[1]), "properties: not a JSON object"),
            ({"type": "dance", "userId": "u"}, "type: 'dance'"),
            ("text", "not a JSON object"),
            (track(properties={"big": "x" * 40_000}), "over 32768 bytes"),
            (track(properties={str(i): i for i in range(2001)}), "more than 2000 keys"),
        ],
    )
    def test_one_bad_entry_is_kept_with_its_reason_and_the_rest_goes_on(
        self, client, entry, reason
    ):
        answer = send(client, "/v1/batch", {"batch": [entry, track(messageId="good")]})
        assert answer.status_code == 200
        assert Event.objects.get().message_id == "good"
        letter = DeadLetter.objects.get()
        assert reason in letter.reason
        assert letter.payload

    def test_a_deep_entry_is_kept_as_dead(self, client):
        deep = {}
        for _ in range(40):
            deep = {"a": deep}
        send(client, "/v1/batch", {"batch": [track(properties=deep)]})
        assert "nested deeper" in DeadLetter.objects.get().reason

    def test_a_single_bad_call_is_refused_and_kept(self, client):
        assert send(client, "/v1/track", {"event": "X"}).status_code == 400
        assert DeadLetter.objects.count() == 1

    def test_characters_that_no_database_keeps_do_no_harm(self, client):
        raw = json.dumps(track(properties={"a": "x\x00y\ud800z"})).encode()
        assert send(client, "/v1/track", raw).status_code == 200
        assert Event.objects.get().data["a"] == "xy?z"


@pytest.mark.usefixtures("source")
class TestMeaning:
    def test_the_same_message_is_stored_once(self, client):
        for _ in range(2):
            send(client, "/v1/track", track())
        send(client, "/v1/batch", {"batch": [track(), track(messageId="m2"), track()]})
        assert sorted(Event.objects.values_list("message_id", flat=True)) == ["m1", "m2"]

    def test_a_message_without_an_id_gets_one(self, client):
        for _ in range(2):
            send(client, "/v1/track", {"event": "X", "userId": "u1"})
        assert Event.objects.count() == 2

    def test_numbers_are_ids_too(self, client):
        send(client, "/v1/track", track(userId=42, anonymousId=None))
        assert Identity.objects.get().value == "42"

    def test_a_clock_that_is_wrong_is_corrected(self, client):
        sent = datetime(2020, 1, 1, tzinfo=UTC)
        happened = sent - timedelta(minutes=5)
        body = {
            "batch": [track(timestamp=happened.isoformat())],
            "sentAt": sent.isoformat(),
        }
        send(client, "/v1/batch", body)
        event = Event.objects.get()
        assert event.received_at - event.happened_at == timedelta(minutes=5)

    def test_the_far_future_becomes_now(self, client):
        send(client, "/v1/track", track(timestamp="2999-01-01T00:00:00Z"))
        event = Event.objects.get()
        assert event.happened_at == event.received_at

    def test_a_visitor_who_identifies_is_one_person(self, client):
        send(client, "/v1/track", track(userId=None, anonymousId="a1"))
        identify = {
            "userId": "u1",
            "anonymousId": "a1",
            "traits": {"email": "ADA@Example.org", "name": "Ada", "plan": "gold"},
        }
        send(client, "/v1/identify", identify)
        customer = Customer.objects.active().get()
        assert (customer.email, customer.name) == ("ada@example.org", "Ada")
        assert customer.traits == {"plan": "gold"}
        assert customer.events.count() == 2

    def test_a_visitor_who_turns_out_to_be_known_is_merged_with_evidence(self, client):
        send(client, "/v1/identify", {"userId": "u1", "messageId": "1"})
        send(client, "/v1/track", track(userId=None, anonymousId="a1", messageId="2"))
        send(client, "/v1/identify", {"userId": "u1", "anonymousId": "a1", "messageId": "3"})
        customer = Customer.objects.active().get()
        assert customer.events.count() == 3
        assert "a1" in Merge.objects.get().evidence

    def test_two_people_on_one_browser_stay_two(self, client):
        send(client, "/v1/identify", {"userId": "u1", "anonymousId": "a1"})
        send(client, "/v1/identify", {"userId": "u2", "anonymousId": "a1"})
        assert Customer.objects.active().count() == 2
        assert Merge.objects.count() == 0

    def test_an_alias_joins_the_visitor_to_the_person(self, client):
        send(client, "/v1/track", track(userId=None, anonymousId="a1"))
        send(client, "/v1/alias", {"previousId": "a1", "userId": "u1"})
        assert Customer.objects.active().get().events.count() == 2

    def test_an_address_that_somebody_holds_is_not_taken(self, client):
        for user in ("u1", "u2"):
            body = {"userId": user, "traits": {"email": "ada@example.org"}}
            send(client, "/v1/identify", body)
        assert Customer.objects.filter(email="ada@example.org").count() == 1

    def test_a_completed_order_is_an_order_once(self, client):
        body = track(
            "Order Completed",
            properties={
                "order_id": "O-1",
                "currency": "EUR",
                "products": [{"sku": "tea", "quantity": 2, "price": 3.5, "name": "Tea"}],
            },
        )
        send(client, "/v1/track", body)
        send(client, "/v1/track", body | {"messageId": "again"})
        order = Order.objects.get()
        assert (str(order.total), order.currency) == ("7.00", "EUR")
        assert order.lines.get().product.sku == "tea"
        assert Event.objects.of_kind("crm.order_placed").count() == 1

    @pytest.mark.parametrize(
        ("properties", "reason"),
        [
            ({}, "order_id is missing"),
            ({"order_id": "1"}, "products is missing"),
            ({"order_id": "1", "products": [{"sku": "a", "price": "x"}]}, "products[0].price"),
            ({"order_id": "1", "products": [{"sku": "a", "quantity": -1}]}, "products[0].quantity"),
        ],
    )
    def test_an_order_that_makes_no_sense_is_kept_as_dead(self, client, properties, reason):
        send(client, "/v1/track", track("Order Completed", properties=properties))
        assert reason in DeadLetter.objects.get().reason
        assert Order.objects.count() == 0

    def test_somebody_elses_order_number_is_refused(self, client):
        properties = {"order_id": "O-1", "products": [{"sku": "tea", "price": 1}]}
        send(client, "/v1/track", track("Order Completed", properties=properties))
        other = track("Order Completed", properties=properties, userId="u2", messageId="m2")
        send(client, "/v1/track", other)
        assert "belongs to another customer" in DeadLetter.objects.get().reason

    def test_a_batch_costs_few_queries(self, client, django_assert_max_num_queries):
        send(client, "/v1/identify", {"userId": "u1"})
        entries = [track(messageId=f"m{i}") for i in range(50)]
        with django_assert_max_num_queries(12 + 2 * 50):  # a savepoint for each entry
            send(client, "/v1/batch", {"batch": entries})
