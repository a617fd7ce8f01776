"""Two workers send at the same time: nothing twice, nothing forgotten, nobody out of order."""

import json
import threading
from collections import Counter

import pytest
from django.db import connection

from crm import tasks
from crm.models import WebhookMessage
from tests.crm.webhooks.world import order, send, tell
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_workers_share_the_work(webhook, there):
    people = [make_customer() for _ in range(8)]
    tell(*(order(person, 10 * n + i) for i in range(3) for n, person in enumerate(people)))

    def work(owner):
        try:
            idle = 0
            while idle < 20 and WebhookMessage.objects.waiting().exists():
                idle = 0 if send(owner=owner) else idle + 1
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert set(WebhookMessage.objects.values_list("state", flat=True)) == {"done"}
    assert Counter(got.headers["webhook-id"] for got in there.got).most_common(1)[0][1] == 1
    told = [json.loads(got.body)["data"] for got in there.got]
    for person in people:
        theirs = [
            one["properties"]["order_id"]
            for one in told
            if one["customer"]["id"] == str(person.public_id)
        ]
        assert theirs == sorted(theirs)
        assert len(theirs) == 3


def test_events_reach_the_receiver_by_the_outbox_and_its_tasks(webhook, there, monkeypatch):
    """From the timeline to the receiver, by nothing but what runs in production."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)
    order(make_customer(), 1)  # commits, wakes the outbox, and so on (tasks run at once in tests)
    assert len(there.got) == 1
    order(make_customer(), 2)
    tasks.dispatch_events()
    tasks.sweep_webhooks()
    assert len({got.headers["webhook-id"] for got in there.got}) == len(there.got) == 2
