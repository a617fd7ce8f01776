"""Figures of the staff and worth of the bot, on planted chats with known answers."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from campaigns.channels import PermanentFailure
from chatbot import figures, holdout, unanswered, worth
from chatbot.channel import ChatChannel
from chatbot.models import Answer, Conversation, Message
from crm.models import Customer, Feedback
from tests.chatbot.conftest import NOW
from tests.chatbot.staff import make_staff
from tests.factories import make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


def make_chat(customer=None, *, at=NOW - timedelta(days=1), resolved=False, said="hello", **fields):
    chat = Conversation.objects.create(
        customer=customer or make_customer(), created_at=at, updated_at=at, last_seq=1,
        resolved_at=at if resolved else None, **fields,
    )  # fmt: skip
    say(chat, said, at=at)
    return chat


def say(chat, text, *, at=NOW, sender="customer", intent="greet", sure=0.99, acts=(), **fields):
    seq = chat.messages.count() + 1
    payload = {"intent": {"name": intent, "confidence": sure}, "act": list(acts)}
    return chat.messages.create(
        seq=seq, sender=sender, text=text, language="en", payload=payload, confidence=sure,
        created_at=at, **fields,
    )  # fmt: skip


def hand_over(chat, *, waits=None, staff=None, closed=None, at=NOW - timedelta(days=1)):
    after = lambda minutes: None if minutes is None else at + timedelta(minutes=minutes)  # noqa: E731
    return chat.handoffs.create(
        reason="asked", requested_at=at, accepted_at=after(waits), first_answer_at=after(waits),
        closed_at=after(closed), staff=staff,
    )  # fmt: skip


class TestStaff:
    def test_waits_are_told_by_their_middle_and_their_slow_end(self):
        lin = make_staff("lin", at=None)
        for minutes in range(1, 12):
            hand_over(make_chat(), waits=minutes, staff=lin, closed=30)
        found = figures.numbers(NOW)["all"]
        assert (found.count, found.answered) == (11, 11)
        assert (found.first_answer, found.slowest_tenth, found.resolved) == (6.0, 10.0, 30.0)
        assert (found.given_up.hits, found.given_up.size) == (0, 11)

    @pytest.mark.parametrize("count", [1, 2, 3, 10, 20])
    def test_the_slow_end_is_never_before_the_middle(self, count):
        for minutes in range(1, count + 1):
            hand_over(make_chat(), waits=minutes)
        found = figures.numbers(NOW)["all"]
        assert found.slowest_tenth >= found.first_answer

    def test_who_was_never_answered_has_given_up_once_it_is_over_or_an_hour_old(self):
        hand_over(make_chat(), waits=2)
        hand_over(make_chat(), closed=5)
        hand_over(make_chat(), at=NOW - timedelta(minutes=61))
        hand_over(make_chat(), at=NOW - timedelta(minutes=5))
        found = figures.numbers(NOW)["all"].given_up
        assert (found.hits, found.size) == (2, 3)
        assert found.low < 2 / 3 < found.high

    def test_by_person_who_answered_most_first(self):
        lin, bo = make_staff("lin", at=None), make_staff("bo", at=None)
        hand_over(make_chat(), waits=1, staff=lin)
        for _ in range(2):
            hand_over(make_chat(), waits=4, staff=bo)
        found = figures.numbers(NOW)["by_person"]
        assert [(str(one.name), one.answered, one.first_answer) for one in found] == [
            ("bo", 2, 4.0),
            ("lin", 1, 1.0),
        ]

    def test_by_day_also_those_without_any(self):
        hand_over(make_chat(), waits=3, at=NOW - timedelta(days=2))
        days = figures.numbers(NOW)["by_day"]
        assert len(days) == 28
        assert [day.count for day in days if day.count] == [1]
        assert days[-3].first_answer == 3.0

    def test_what_is_older_is_left_out(self):
        hand_over(make_chat(), waits=3, at=NOW - timedelta(days=29))
        assert figures.numbers(NOW)["all"].count == 0

    def test_who_waits_now(self):
        make_chat(state="queued", queued_at=NOW - timedelta(minutes=7))
        make_staff("lin", at=NOW)
        found = figures.numbers(NOW)
        assert (found["waiting"], found["present"]) == (1, 1)
        assert found["oldest"] == NOW - timedelta(minutes=7)


class TestWorth:
    def test_chats_without_staff_are_settled_by_the_bot(self):
        for _ in range(3):
            make_chat()
        hand_over(make_chat())
        Conversation.objects.create(customer=make_customer(), created_at=NOW, updated_at=NOW)
        found = worth.numbers(NOW)
        assert (found["contained"].hits, found["contained"].size) == (3, 4)
        assert (found["handed_over"].hits, found["handed_over"].size) == (1, 4)

    def test_who_writes_again_within_three_days_had_not_been_helped(self):
        again, elsewhere, late = (
            make_chat(resolved=True, at=NOW - timedelta(days=9)) for _ in range(3)
        )
        make_chat(resolved=True)
        say(again, "it broke again", at=NOW - timedelta(days=8))
        make_chat(elsewhere.customer, at=NOW - timedelta(days=7))
        say(late, "hello", at=NOW - timedelta(days=5))
        found = worth.numbers(NOW)["reopened"]
        assert (found.hits, found.size) == (2, 4)

    def test_thumbs_and_stars(self):
        chat = make_chat()
        for rating in (1, 1, -1):
            say(chat, "x", sender="bot", rating=rating)
        for number, score in enumerate((5, 4, 2)):
            Feedback.objects.create(
                customer=chat.customer, kind="csat", score=score, source="chat",
                key=f"csat:{number}", at=NOW,
            )  # fmt: skip
        found = worth.numbers(NOW)
        assert (found["feedback"].hits, found["feedback"].size) == (2, 3)
        assert (found["csat"].hits, found["csat"].size) == (2, 3)

    def test_orders_within_seven_days_of_a_chat_count_once(self):
        ada, lamp = make_customer(), make_product(price=100)
        for days in (10, 9):
            make_chat(ada, at=NOW - timedelta(days=days))
        make_order(ada, lamp, at=NOW - timedelta(days=8))
        make_order(ada, lamp, at=NOW - timedelta(days=11))
        make_order(ada, lamp, at=NOW - timedelta(days=1))
        make_order(ada, lamp, at=NOW - timedelta(days=8), status="cancelled")
        make_order(make_customer(), lamp, at=NOW - timedelta(days=8))
        assert worth.numbers(NOW)["revenue"] == [
            {"currency": "CNY", "total": 100, "orders": 1, "customers": 1}
        ]

    def test_topics_of_the_week_beside_the_week_before(self):
        chat = make_chat(at=NOW - timedelta(days=20))
        for days, intent in ((1, "faq"), (2, "faq"), (3, "coupon"), (9, "faq"), (20, "faq")):
            say(chat, "x", intent=intent, at=NOW - timedelta(days=days))
        assert worth.numbers(NOW)["topics"] == [
            {"intent": "faq", "now": 2, "before": 1},
            {"intent": "coupon", "now": 1, "before": 0},
        ]

    def test_with_nothing_at_all_nothing_is_claimed(self):
        found = worth.numbers(NOW)
        assert found["contained"].share is None
        assert found["revenue"] == found["topics"] == []


class TestTheHoldout:
    def test_none_by_default(self):
        assert not any(holdout.is_held_out(n) for n in range(100))
        assert worth.numbers(NOW)["versus"] is None

    def test_the_share_is_kept_and_is_sticky_and_grows_by_adding(self, settings):
        settings.CHAT_HOLDOUT = 0.1
        few = {n for n in range(5000) if holdout.is_held_out(n)}
        assert 400 < len(few) < 600
        assert few == {n for n in range(5000) if holdout.is_held_out(n)}
        settings.CHAT_HOLDOUT = 0.3
        assert few < {n for n in range(5000) if holdout.is_held_out(n)}

    def test_who_is_held_out_is_not_spoken_to_first(self, settings):
        ada = make_customer()
        settings.CHAT_HOLDOUT = 1.0
        wanted = {"to": str(ada.public_id), "subject": "", "text": "Sale!", "html": ""}
        with pytest.raises(PermanentFailure, match="held out"):
            ChatChannel().deliver(**wanted, headers={}, message_id="m1")
        assert not Message.objects.exists()
        settings.CHAT_HOLDOUT = 0.0
        ChatChannel().deliver(**wanted, headers={}, message_id="m1")
        assert Message.objects.get().text == "Sale!"

    def test_a_planted_difference_is_found_and_none_is_not(self, settings):
        settings.CHAT_HOLDOUT = 0.5
        lamp = make_product(price=100)
        people = [make_customer(f"P{n}", at=NOW - timedelta(days=2)) for n in range(300)]
        assert not worth.numbers(NOW)["versus"].is_clear
        for place, one in enumerate(people):
            if place % (10 if holdout.is_held_out(one.public_id) else 2) == 0:
                make_order(one, lamp, at=NOW - timedelta(days=1))
        found = worth.numbers(NOW)["versus"]
        assert found.is_enough
        assert found.is_clear
        assert found.low < found.difference < found.high
        assert found.each_low > 0
        assert found.spoken_to.size + found.held_out.size == Customer.objects.count()

    def test_few_held_out_say_nothing(self, settings):
        settings.CHAT_HOLDOUT = 0.5
        for n in range(20):
            make_customer(f"P{n}", at=NOW - timedelta(days=2))
        assert not worth.numbers(NOW)["versus"].is_enough


class TestUnanswered:
    def test_questions_of_the_week_are_gathered_with_the_nearest_answer(self):
        Answer.objects.create(slug="repair", question_en="Do you repair machines?", answer_en="No.")
        for text in ("do you repair machines", "can you repair a machine?"):
            make_chat(said="hi")
            say(make_chat(), text, sure=0.2)
        say(make_chat(), "qwertz uiop", sure=0.99, acts=["fallback_clarify"])
        say(make_chat(), "long ago", sure=0.2, at=NOW - timedelta(days=8))
        say(make_chat(), "sure of it", sure=0.95)
        repair, other = unanswered.of_week(NOW)
        assert (repair.count, repair.customers, repair.nearest.slug) == (2, 2, "repair")
        assert (other.messages[0].text, other.nearest) == ("qwertz uiop", None)

    def test_the_same_words_are_quoted_once(self):
        chat = make_chat()
        for _ in range(3):
            say(chat, "do you engrave?", sure=0.1)
        (asked,) = unanswered.of_week(NOW)
        assert (asked.count, asked.customers, len(asked.messages)) == (3, 1, 1)

    def test_nothing_missed_nothing_shown(self):
        make_chat()
        assert unanswered.of_week(NOW) == []


class TestThePage:
    @pytest.fixture
    def staff(self, client):
        client.force_login(make_staff("lin"), backend="django.contrib.auth.backends.ModelBackend")
        return client

    def fill(self, count):
        lin = User.objects.get(username="lin")
        for n in range(count):
            now = timezone.now()
            chat = make_chat(at=now - timedelta(hours=n + 2), resolved=True)
            hand_over(chat, waits=3, closed=9, staff=lin, at=now - timedelta(hours=n + 2))
            say(chat, f"what about {n} <b>", sure=0.2, at=now - timedelta(hours=1))
            make_order(chat.customer, make_product(), at=now - timedelta(minutes=9))

    def test_it_takes_as_many_queries_for_many_chats_as_for_few(
        self, staff, django_assert_max_num_queries, settings
    ):
        settings.CHAT_HOLDOUT = 0.5
        for count in (2, 25):
            self.fill(count)
            from django.core.cache import cache

            cache.clear()
            with django_assert_max_num_queries(22):
                assert staff.get(reverse("admin:chatbot_figures")).status_code == 200

    @pytest.mark.parametrize(
        ("language", "word"), [("en", "Worth of the bot"), ("zh-hans", "机器人的价值")]
    )
    def test_in_both_languages_full_and_empty(self, staff, language, word):
        address = reverse("admin:chatbot_figures")
        empty = staff.get(address, headers={"accept-language": language}).content.decode()
        assert word in empty
        assert "CHAT_HOLDOUT=0.1" in empty
        self.fill(3)
        from django.core.cache import cache

        cache.clear()
        full = staff.get(address, headers={"accept-language": language}).content.decode()
        assert "what about 0 &lt;b&gt;" in full

    def test_only_for_those_who_may_see_chats(self, client):
        bo = User.objects.create_user("bo", is_staff=True)
        client.force_login(bo, backend="django.contrib.auth.backends.ModelBackend")
        for name in ("chatbot_figures", "chatbot_learning"):
            assert client.get(reverse(f"admin:{name}")).status_code == 403
