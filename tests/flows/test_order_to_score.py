"""An order comes in; when its event is handed on, the customer is scored and in their segment."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from crm import outbox
from crm.models import Customer, Event, Score, Segment, Source
from crm.scores import refresh_rfm
from tests.factories import make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """Twenty buyers with scores, as last night left them."""
    now = timezone.now()
    Source.objects.create(name="shop", write_key="key")
    for n in range(20):
        buyer = make_customer(f"Buyer {n}")
        for again in range(1 + n % 4):
            at = now - timedelta(days=10 + 9 * n + again)
            make_order(buyer, make_product(price=20 + 7 * n), at=at)
    refresh_rfm(as_of=now, now=now)


def send(client, capture, event, **properties):
    item = {
        "type": "track",
        "userId": "ada",
        "event": event,
        "messageId": f"{event} {properties['order_id']}",
        "properties": properties,
    }
    with capture(execute=True):  # the commit wakes the outbox
        answer = client.post(
            "/v1/batch",
            json.dumps({"batch": [item]}),
            content_type="application/json",
            headers={"Authorization": "Bearer key"},
        )
    assert answer.status_code == 200, answer.content
    outbox.dispatch(now=timezone.now())


def order(client, capture, number):
    products = [{"product_id": "tea", "sku": "tea", "price": 50, "quantity": 2}]
    send(client, capture, "Order Completed", order_id=number, total=100, products=products)


@pytest.mark.usefixtures("shop")
def test_a_buyer_is_scored_with_their_first_order(client, django_capture_on_commit_callbacks):
    order(client, django_capture_on_commit_callbacks, "A1")
    ada = Customer.objects.get(identities__value="ada")
    score = Score.objects.get(customer=ada, name="rfm")
    assert (score.detail["recency"], score.detail["frequency"]) == (0, 1)
    segment = Segment.objects.get(rule={"score": "rfm", "label": score.label})
    assert segment.memberships.filter(customer=ada).exists()
    told = Event.objects.get(customer=ada, kind="crm.segment_entered", data__segment=segment.slug)
    assert told.data["because"][0]["value"] == score.label
    assert not Event.objects.waiting().exists()


@pytest.mark.usefixtures("shop")
def test_what_is_sent_back_is_taken_off_at_once(client, django_capture_on_commit_callbacks):
    order(client, django_capture_on_commit_callbacks, "A1")
    order(client, django_capture_on_commit_callbacks, "A2")
    ada = Customer.objects.get(identities__value="ada")
    assert Score.objects.get(customer=ada, name="rfm").detail["monetary"] == 200
    send(client, django_capture_on_commit_callbacks, "Order Refunded", order_id="A2")
    assert Score.objects.get(customer=ada, name="rfm").detail["monetary"] == 100
