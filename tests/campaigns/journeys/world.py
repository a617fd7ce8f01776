"""Journeys for tests: small graphs, and what staff, shop and clock do with them."""

from datetime import timedelta
from itertools import count

from campaigns.journeys import engine, hearing, steering
from campaigns.models import Journey, Passage
from crm import timeline
from tests.campaigns.world import make_template
from tests.factories import NOON, agree, make_customer, make_topic

_numbers = count(1)
ADDED, ORDERED, VIEWED = "crm.product_added", "crm.order_placed", "crm.product_viewed"


def entry(event=ADDED, to="pause", **more):
    return {
        "id": "entry",
        "kind": "entry",
        "trigger": "event",
        "event": event,
        "next": to,
    } | more


def wait(id="pause", minutes=60, to="mail"):
    return {"id": id, "kind": "wait", "mode": "duration", "minutes": minutes, "next": to}


def mail(id="mail", template=1, to="end", channel="email"):
    return {"id": id, "kind": "message", "template": template, "channel": channel, "next": to}


def leave(id="end", kind="exit"):
    return {"id": id, "kind": kind}


def graph(*nodes):
    return {"nodes": list(nodes)}


def cart_reminder(template):
    """Put into the cart, an hour, a mail."""
    return graph(entry(), wait(), mail(template=template.pk), leave())


def make_journey(draft=None, **fields):
    if draft is None:
        draft = cart_reminder(make_template())
    values = {
        "name": f"Journey {next(_numbers)}",
        "topic": make_topic(),
        "draft": draft,
        "cap_messages": None,
    }
    return Journey.objects.create(**(values | fields))


def launched(draft=None, *, now=NOON, **fields):
    journey = make_journey(draft, **fields)
    steering.launch(journey, now=now)
    return journey


def happens(customer, kind=ADDED, *, at=NOON, name="", **data):
    """It is on the timeline; nobody has been told yet. Returns the id of the event."""
    key = f"{kind}:{next(_numbers)}"
    entry = timeline.Entry(
        customer_id=customer.pk,
        kind=kind,
        name=name,
        data=data,
        happened_at=at,
        message_id=key,
        source="test",
    )
    timeline.record_many([entry], received_at=at, announce=False)
    return customer.events.get(message_id=key).pk


def hears(*event_ids, now=NOON):
    came = hearing.hear(event_ids, now=now)
    engine.advance_all(now=now)
    return came


def tell(customer, kind=ADDED, *, at=NOON, **data):
    """It happens, the journeys hear of it, and who is due goes on."""
    return hears(happens(customer, kind, at=at, **data), now=at)


def later(*, now=NOON, **delta):
    moment = now + timedelta(**delta)
    engine.advance_all(now=moment)
    return moment


def reader(name="Ada", **fields):
    """A customer who agreed to be written to."""
    customer = make_customer(name, **fields)
    agree(customer)
    return customer


def passage(journey, customer=None):
    found = Passage.objects.filter(journey=journey)
    return found.get(customer=customer) if customer else found.get()


def trace(one):
    return [(step.node, step.what) for step in one.steps.order_by("position")]
