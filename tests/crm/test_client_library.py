"""The unmodified Segment client for Python, pointed at a running server."""

import importlib

import pytest

from crm.models import Customer, Event, Order, Source

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client_library(live_server):
    segment = importlib.import_module("segment.analytics.client")
    Source.objects.create(name="shop", write_key="library-key")
    made = []

    def make(**options):
        client = segment.Client("library-key", host=live_server.url, max_retries=3, **options)
        made.append(client)
        return client

    yield make
    for client in made:
        client.join()


def use(client):
    client.identify("u1", {"email": "ada@example.org", "name": "Ada"})
    client.track("u1", "Product Viewed", {"product_id": "tea"})
    order = {"order_id": "O-1", "products": [{"sku": "tea", "quantity": 2, "price": 3}]}
    client.track("u1", "Order Completed", order)
    client.page("u1", "docs", "Home")
    client.alias("a1", "u1")
    client.group("u1", "company", {"size": 3})
    client.flush()


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_what_the_client_sends_is_what_is_stored(client_library, gzip):
    use(client_library(gzip=gzip))
    ada = Customer.objects.active().get()
    assert (ada.name, ada.email) == ("Ada", "ada@example.org")
    assert Event.objects.filter(source="shop").count() == 6
    assert Event.objects.get(kind="crm.product_viewed").data["sku"] == "tea"
    assert Order.objects.get().total == 6


def test_a_thousand_events_arrive_once_each(client_library):
    client = client_library()
    for number in range(1000):
        client.track(f"u{number % 7}", "Counted", {"n": number})
    client.flush()
    numbers = sorted(e.data["n"] for e in Event.objects.filter(name="Counted"))
    assert numbers == list(range(1000))


def test_a_wrong_key_does_not_make_the_client_try_for_minutes(client_library, live_server):
    segment = importlib.import_module("segment.analytics.client")
    failures = []
    client = segment.Client(
        "wrong",
        host=live_server.url,
        max_retries=3,
        on_error=lambda error, _: failures.append(error),
    )
    client.track("u1", "X")
    client.flush()
    client.join()
    assert len(failures) == 1
    assert "401" in str(failures[0]) or "invalid_write_key" in str(failures[0])
    assert Event.objects.count() == 0
