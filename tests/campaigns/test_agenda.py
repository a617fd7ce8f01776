"""The calendar shows what went, what waits for its moment, and when journeys will let people in."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from campaigns import agenda
from campaigns.journeys import steering
from campaigns.models import Journey
from tests.campaigns.world import make_campaign, make_template
from tests.factories import make_topic

pytestmark = pytest.mark.django_db
NOVEMBER = date(2026, 11, 1)
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
MONTHS = st.dates(date(2001, 1, 1), date(2199, 12, 31))


def found(first=NOVEMBER, zone="UTC"):
    """{day: names} of a month's own page, planned ones with a star."""
    return {
        day.date: [f"{e.of.name}{'*' if e.is_planned else ''}" for e in day.entries]
        for week in agenda.month(first, now=NOW, zone=zone)
        for day in week
        if day.entries
    }


def weekly(**entry):
    """A live journey that lets a group in on Fridays at nine."""
    said = {"id": "entry", "kind": "entry", "trigger": "recurring", "every": "week"}
    said |= {"at": "09:00", "weekday": 4}
    rule = {"field": "language", "op": "=", "value": "en"}
    draft = {
        "nodes": [
            said | {"rule": rule, "next": "mail"} | entry,
            {
                "id": "mail",
                "kind": "message",
                "template": make_template().pk,
                "channel": "email",
                "next": "end",
            },
            {"id": "end", "kind": "exit"},
        ]
    }
    journey = Journey.objects.create(name="Weekly", topic=make_topic(), draft=draft)
    steering.launch(journey, now=NOW)
    return journey


def test_what_went_stands_on_its_day_and_what_waits_is_planned():
    make_campaign(name="Went", status="finished", started_at=NOW - timedelta(days=3))
    make_campaign(name="Waits", status="scheduled", scheduled_at=NOW + timedelta(days=5))
    make_campaign(name="Draft", scheduled_at=NOW + timedelta(days=5))
    make_campaign(name="Long ago", status="finished", started_at=NOW - timedelta(days=90))
    assert found() == {date(2026, 11, 7): ["Went"], date(2026, 11, 15): ["Waits*"]}


def test_a_campaign_that_was_planned_and_went_stands_once():
    at = NOW - timedelta(days=1)
    make_campaign(name="Went", status="sending", started_at=at, scheduled_at=at)
    assert found() == {date(2026, 11, 9): ["Went"]}


def test_days_are_those_of_the_zone():
    late = datetime(2026, 11, 7, 20, tzinfo=UTC)
    make_campaign(name="Went", status="finished", started_at=late)
    assert found(zone="Asia/Shanghai") == {date(2026, 11, 8): ["Went"]}


def test_a_journey_by_the_clock_stands_on_each_day_to_come():
    weekly()
    fridays = [date(2026, 11, 13), date(2026, 11, 20), date(2026, 11, 27), date(2026, 12, 4)]
    assert found() == {day: ["Weekly*"] for day in fridays}


def test_a_journey_that_is_paused_lets_nobody_in():
    steering.pause(weekly())
    assert found() == {}


def test_two_queries_however_much_there_is(django_assert_num_queries):
    weekly()
    for n in range(12):
        make_campaign(name=f"C{n}", status="finished", started_at=NOW - timedelta(days=n))
    with django_assert_num_queries(2):
        agenda.month(NOVEMBER, now=NOW, zone="UTC")


@given(first=MONTHS)
def test_weeks_are_whole_and_hold_the_month(first):
    days = [
        first.replace(day=1) + timedelta(days=n)
        for n in range((agenda.following(first) - first.replace(day=1)).days)
    ]
    assert agenda.preceding(agenda.following(first)) == days[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agenda, "_broadcasts", lambda *_: [])
        patch.setattr(agenda, "_by_clock", lambda *_: [])
        weeks = agenda.month(first, now=NOW, zone="UTC")
    assert all(len(week) == 7 and week[0].date.weekday() == 0 for week in weeks)
    shown = [day.date for week in weeks for day in week if day.is_of_month]
    assert shown == days


class TestThePage:
    URL = "admin:campaigns_campaign_calendar"

    def test_it_is_found_from_the_list_and_leads_to_the_result(self, admin_client):
        went = make_campaign(name="<b>Went</b>", status="finished", started_at=NOW)
        listed = admin_client.get(reverse("admin:campaigns_campaign_changelist")).content.decode()
        assert reverse(self.URL) in listed
        page = admin_client.get(reverse(self.URL), {"month": "2026-11"}).content.decode()
        assert "&lt;b&gt;Went&lt;/b&gt;" in page
        assert reverse("admin:campaigns_campaign_result", args=[went.pk]) in page
        assert "month=2026-10" in page
        assert "month=2026-12" in page

    @pytest.mark.parametrize("month", ["", "nonsense", "0001-01", "2026-13", "2026-11-03"])
    def test_a_month_that_is_none_is_this_one(self, admin_client, month):
        assert admin_client.get(reverse(self.URL), {"month": month}).status_code == 200

    def test_an_empty_month_says_what_to_do(self, admin_client):
        page = admin_client.get(reverse(self.URL), {"month": "2030-01"}).content.decode()
        assert reverse("admin:campaigns_campaign_add") in page

    def test_strangers_are_sent_to_the_door(self, client):
        assert client.get(reverse(self.URL)).status_code == 302
