"""Ratings by day and by who answered, on planted chats; who may see whose."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.urls import reverse

from chatbot import ratings, satisfaction
from tests.chatbot.conftest import NOW
from tests.chatbot.staff import make_staff
from tests.chatbot.test_figures import make_chat, say

pytestmark = pytest.mark.django_db
YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_cache():
    cache.clear()


def rated(score, *writers, at=YESTERDAY):
    """A chat in which these members of staff wrote, one after the other, and then a rating."""
    chat = make_chat(at=at)
    for minute, staff in enumerate(writers, start=1):
        say(chat, "here I am", at=at + timedelta(minutes=minute), sender="agent", author=staff)
    ratings.rate_conversation(chat.pk, score=score, now=at + timedelta(hours=1))
    return chat


def by_person():
    return {str(row.name): row for row in satisfaction.numbers(NOW)["liked_by_person"]}


class TestByPerson:
    def test_a_chat_counts_for_who_wrote_last(self):
        lin, bo = make_staff("lin", at=None), make_staff("bo", at=None)
        rated(5, lin)
        rated(2, lin, bo)
        rated(4, bo)
        found = by_person()
        assert (found["lin"].good.hits, found["lin"].good.size, found["lin"].mean) == (1, 1, 5.0)
        assert (found["bo"].good.hits, found["bo"].good.size, found["bo"].mean) == (1, 2, 3.0)

    def test_what_was_written_after_the_rating_does_not_count(self):
        lin, bo = make_staff("lin", at=None), make_staff("bo", at=None)
        chat = rated(5, lin)
        say(chat, "hello again", at=NOW, sender="agent", author=bo)
        assert set(by_person()) == {"lin"}

    def test_a_chat_without_staff_is_the_bots_and_stands_first(self):
        lin = make_staff("lin", at=None)
        for _ in range(3):
            rated(5, lin)
        rated(1)
        first = satisfaction.numbers(NOW)["liked_by_person"][0]
        assert first.name is None
        assert (first.good.hits, first.good.size) == (0, 1)

    def test_thumbs_count_for_who_wrote_the_answer(self):
        lin = make_staff("lin", at=None)
        chat = make_chat()
        say(chat, "a", at=YESTERDAY, sender="agent", author=lin, rating=1)
        say(chat, "b", at=YESTERDAY, sender="bot", rating=-1)
        say(chat, "c", at=YESTERDAY, sender="bot", rating=1)
        say(chat, "d", at=YESTERDAY, sender="bot")
        found = by_person()
        assert (found["lin"].up.hits, found["lin"].up.size) == (1, 1)
        assert (found["None"].up.hits, found["None"].up.size) == (1, 2)

    def test_the_interval_is_wide_where_little_is_known_and_it_is_said(self):
        lin, bo = make_staff("lin", at=None), make_staff("bo", at=None)
        rated(5, lin)
        for _ in range(30):
            rated(5, bo)
        found = by_person()
        assert found["lin"].is_few
        assert not found["bo"].is_few
        assert found["lin"].good.low < 0.35 < 0.85 < found["bo"].good.low

    def test_who_left_the_shop_is_left_out_and_older_ratings_too(self):
        lin = make_staff("lin", at=None)
        rated(5, lin)
        rated(5, make_staff("bo", at=None), at=NOW - timedelta(days=40))
        User.objects.filter(pk=lin.pk).delete()
        assert set(by_person()) <= {"None"}

    def test_a_rating_that_was_changed_counts_once(self):
        lin = make_staff("lin", at=None)
        chat = rated(1, lin)
        ratings.rate_conversation(chat.pk, score=5, now=NOW)
        assert (by_person()["lin"].good.hits, by_person()["lin"].good.size) == (1, 1)


class TestByDay:
    def test_every_day_stands_there_with_its_counts(self):
        rated(5)
        rated(2)
        say(make_chat(), "b", at=NOW - timedelta(days=3), sender="bot", rating=1)
        days = satisfaction.numbers(NOW)["liked_by_day"]
        assert len(days) == 28
        assert [day.name for day in days] == sorted(day.name for day in days)
        told = {day.name: day for day in days if day.size}
        yesterday = told[YESTERDAY.date()]
        assert (yesterday.good.hits, yesterday.good.size, yesterday.mean) == (1, 2, 3.5)
        assert told[(NOW - timedelta(days=3)).date()].up.hits == 1

    def test_nothing_is_no_error(self):
        found = satisfaction.numbers(NOW)
        assert found["liked_by_person"] == []
        assert all(day.mean is None and day.good.share is None for day in found["liked_by_day"])


def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries):
    for n in range(5):
        rated(1 + n, make_staff(f"s{n}", at=None))
    with django_assert_max_num_queries(6):
        satisfaction.numbers(NOW)


def test_a_key_that_names_no_chat_is_passed_over():
    from crm.models import Feedback
    from tests.factories import make_customer

    Feedback.objects.create(
        customer=make_customer(), kind="csat", source="chat", key="strange", score=5, at=YESTERDAY
    )
    assert satisfaction.numbers(NOW)["liked_by_person"] == []


class TestPage:
    @pytest.fixture
    def bo(self):
        """May see chats, and looks after nobody."""
        staff = User.objects.create_user("bo", is_staff=True)
        staff.user_permissions.add(Permission.objects.get(codename="view_conversation"))
        return staff

    @pytest.fixture
    def both(self, bo):
        from django.utils import timezone

        lin = make_staff("linlin", at=None)
        at = timezone.now() - timedelta(days=2)
        rated(5, lin, at=at)
        rated(2, bo, at=at)
        rated(4, at=at)
        return lin

    def test_who_looks_after_staff_sees_everybody(self, client, both):
        client.force_login(both)
        page = client.get(reverse("admin:chatbot_figures")).content.decode()
        assert "linlin</td>" in page.replace(" <span", "</td> <span")
        assert ">bo" in page
        assert "the bot" in page
        assert "too few to tell" in page

    def test_others_see_themselves_and_the_bot_also_from_the_cache(self, client, both, bo):
        client.force_login(both)
        client.get(reverse("admin:chatbot_figures"))
        client.force_login(bo)
        context = client.get(reverse("admin:chatbot_figures")).context
        assert {row.name for row in context["liked_by_person"]} == {None, bo}
