"""Who is at the desk, and who is given the next chat."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbot import presence
from chatbot.models import Conversation, Presence
from tests.chatbot.conftest import NOW
from tests.chatbot.staff import make_staff
from tests.factories import make_customer

pytestmark = pytest.mark.django_db


def give_chat(staff, state="agent"):
    return Conversation.objects.create(
        customer=make_customer(), state=state, assigned_to=staff, created_at=NOW, updated_at=NOW
    )


def test_whose_page_has_been_silent_for_a_minute_and_a_half_is_gone():
    lin = make_staff()
    assert presence.is_attended(NOW + timedelta(seconds=75))
    assert not presence.is_attended(NOW + timedelta(seconds=90))
    presence.beat(lin, now=NOW + timedelta(seconds=90))
    assert presence.is_attended(NOW + timedelta(seconds=90))
    assert Presence.objects.count() == 1


def test_who_is_away_is_not_there_though_the_page_is_open():
    lin = make_staff()
    presence.set_away(lin, is_away=True, now=NOW)
    presence.beat(lin, now=NOW)
    assert not presence.is_attended(NOW)
    presence.set_away(lin, is_away=False, now=NOW)
    assert presence.is_attended(NOW)


def test_who_may_no_longer_sign_in_is_not_there():
    lin = make_staff()
    lin.is_active = False
    lin.save()
    assert not presence.is_attended(NOW)


def test_the_one_with_the_fewest_chats_in_hand_is_next():
    lin, bo = make_staff("lin"), make_staff("bo")
    give_chat(lin)
    give_chat(bo, state="resolved")
    assert presence.least_busy(NOW) == bo
    give_chat(bo)
    give_chat(bo, state="queued")
    assert presence.least_busy(NOW) == lin


def test_among_equals_it_goes_round():
    lin, bo = make_staff("lin"), make_staff("bo")
    Presence.objects.filter(staff=lin).update(given_at=NOW)
    assert presence.least_busy(NOW) == bo
    Presence.objects.filter(staff=bo).update(given_at=NOW + timedelta(seconds=1))
    assert presence.least_busy(NOW) == lin
    assert presence.least_busy(NOW, but=lin.pk) == bo


def test_nobody_is_chosen_where_nobody_is():
    make_staff("lin", at=NOW - timedelta(hours=1))
    make_staff("bo", is_away=True)
    assert presence.least_busy(NOW) is None


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        ("", 3, True),
        ("09:00-21:00", 10, True),
        ("09:00-21:00", 21, False),
        ("09:00-21:00", 8, False),
        ("20:00-04:00", 23, True),
        ("20:00-04:00", 3, True),
        ("20:00-04:00", 12, False),
    ],
)
def test_service_hours(settings, hours, at, is_open):
    settings.CHAT_HOURS = hours
    assert presence.is_open(datetime(2026, 3, 4, at, tzinfo=UTC)) is is_open


def test_outside_of_service_hours_nobody_is_expected_to_answer(settings):
    make_staff()
    settings.CHAT_HOURS = "18:00-19:00"
    assert not presence.is_attended(NOW)


def test_hours_that_cannot_be_read_are_refused_in_words(settings):
    settings.CHAT_HOURS = "nine to five"
    with pytest.raises(ImproperlyConfigured, match="09:00-21:00"):
        presence.is_open(NOW)
