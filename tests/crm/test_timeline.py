from datetime import timedelta

import pytest
from django.core.cache import cache

from crm import outbox, timeline
from crm.events import ProductViewed
from crm.models import Event
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
PATH = "crm.tasks.keep_segments_up"


@pytest.fixture(autouse=True)
def _nobody_was_woken():
    cache.clear()


@pytest.fixture
def ada():
    return make_customer("Ada")


@pytest.fixture
def heard(settings, monkeypatch):
    """The ids of the events that were handed to a subscriber."""
    heard = []
    settings.EVENT_SUBSCRIPTIONS = {"crm.product_viewed": [PATH]}
    monkeypatch.setattr(f"{PATH}.delay", lambda *, event_id: heard.append(event_id))
    return heard


def view(customer, key="1", at=NOON):
    return timeline.record(customer, ProductViewed(sku="tea"), at=at, key=key)


def test_the_same_fact_told_twice_is_one_event(ada):
    assert view(ada) == view(ada)
    assert Event.objects.count() == 1


def test_the_newest_comes_first_and_nothing_later_than_asked(ada):
    old, new = view(ada, "1"), view(ada, "2", at=NOON + timedelta(days=1))
    assert list(timeline.history(ada)) == [new, old]
    assert list(timeline.history(ada, until=NOON)) == [old]


def test_a_subscriber_hears_of_it_once(ada, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        event = view(ada)
        view(ada)
    assert heard == [event.pk]
    assert Event.objects.waiting().count() == 0
    assert outbox.dispatch(now=NOON) == 0


def test_an_event_waits_while_the_broker_is_down(ada, heard, monkeypatch):
    view(ada)

    def broken(*, event_id):
        raise ConnectionError

    monkeypatch.setattr(f"{PATH}.delay", broken)
    with pytest.raises(ConnectionError):
        outbox.dispatch(now=NOON)
    assert Event.objects.waiting().count() == 1


def test_recording_succeeds_while_the_broker_is_down(
    ada, heard, monkeypatch, django_capture_on_commit_callbacks
):
    def broken():
        raise ConnectionError

    monkeypatch.setattr("crm.tasks.dispatch_events.delay", broken)
    with django_capture_on_commit_callbacks(execute=True):
        view(ada)
    assert Event.objects.waiting().count() == 1


def test_the_past_is_imported_without_anybody_reacting(
    ada, heard, django_capture_on_commit_callbacks
):
    entry = timeline.Entry(
        customer_id=ada.pk,
        kind="crm.product_viewed",
        data={},
        happened_at=NOON,
        message_id="m",
        source="import",
    )
    with django_capture_on_commit_callbacks(execute=True):
        timeline.record_many([entry], received_at=NOON, announce=False)
    assert heard == []
    assert Event.objects.waiting().count() == 0


def test_an_event_nobody_asked_for_does_not_wait(ada, settings):
    settings.EVENT_SUBSCRIPTIONS = {}
    view(ada)
    assert Event.objects.waiting().count() == 0


def test_events_are_handed_over_in_the_order_they_came(ada, heard):
    ids = [view(ada, str(i)).pk for i in range(5)]
    outbox.dispatch(now=NOON, limit=2)
    outbox.dispatch(now=NOON)
    assert heard == ids


def test_a_thousand_events_wake_the_dispatcher_twice(
    ada, heard, monkeypatch, django_capture_on_commit_callbacks
):
    asked = []
    monkeypatch.setattr(outbox, "LULL", 600)  # however slow the machine is
    monkeypatch.setattr("crm.tasks.dispatch_events.delay", lambda: asked.append("now"))
    monkeypatch.setattr("crm.tasks.dispatch_events.apply_async", lambda **_: asked.append("later"))
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(50):
            view(ada, str(number))
    assert asked == ["now", "later"]


def test_who_asked_for_the_later_dispatch_does_not_ask_again_before_it_comes(
    ada, heard, monkeypatch, django_capture_on_commit_callbacks
):
    moments = iter([10.0, 10.1, 10.9, 11.0, 11.2])
    looked = []
    monkeypatch.setattr(outbox, "monotonic", lambda: next(moments))
    monkeypatch.setattr(outbox.cache, "add", lambda key, *_: looked.append(key) or "later" in key)
    monkeypatch.setattr("crm.tasks.dispatch_events.apply_async", lambda **_: None)
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(5):
            view(ada, str(number))
    assert looked == ["outbox:woken", "outbox:woken-later"] * 2  # at 10.0 and, that over, at 11.0
