"""Events for webhooks, and the clock that their messages go by."""

from datetime import timedelta

from crm import timeline
from crm.events import OrderPlaced
from crm.models import WebhookMessage
from crm.webhooks import queueing, sending
from tests.factories import NOON

FAR = timedelta(days=60)


def order(customer, number, *, at=NOON):
    fact = OrderPlaced(order_id=number, number=f"SO{number}", total="1.00", skus=("tea",))
    return timeline.record(customer, fact, at=at, key=f"order-{number}")


def tell(*events, now=NOON):
    return queueing.hear([event.pk for event in events], now=now)


def send(now=NOON, owner="one"):
    """One batch of attempts."""
    return sending.send_due(clock=lambda: now, owner=owner)


def send_until_idle(now=NOON):
    """Attempt after attempt, each when it is due, until nothing waits; (when, how many) of each."""
    made = []
    while WebhookMessage.objects.waiting().exists():
        if sent := send(now):
            made.append((now, sent))
            continue
        later = WebhookMessage.objects.waiting().filter(due_at__gt=now).order_by("due_at").first()
        if later is None:
            break
        now = later.due_at
        assert now < NOON + FAR, "it never ends"
    return made
