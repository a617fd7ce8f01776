"""Nobody waits in silence: what a customer is told while no person has answered yet."""

from datetime import timedelta

import pytest

from chatbot import conversation, patience, presence, staffing
from chatbot.models import Conversation, Handoff, Message, Ticket
from crm.models import Event
from tests.chatbot.conftest import NOW
from tests.chatbot.staff import make_staff

pytestmark = pytest.mark.django_db


def later(**span):
    return NOW + timedelta(**span)


def told(chat):
    """What the bot said about waiting, in order."""
    acts = ("offer_callback", "still_waiting", "bot_returned", "ticket_opened")
    said = Message.objects.filter(conversation=chat.row, sender="bot").order_by("seq")
    return [m.payload["act"][0] for m in said if m.payload["act"][0] in acts]


def last(chat):
    return chat.row.messages.order_by("-seq").first()


class TestNobodyIsThere:
    def test_it_is_said_at_once_in_the_customers_language(self, chat):
        assert chat.say("转人工") == "handoff"
        assert told(chat) == ["offer_callback"]
        assert "电话或邮箱" in last(chat).text
        assert "继续等" in last(chat).payload["quick_replies"]

    def test_and_in_english(self, chat):
        chat.say("I want to talk to a person")
        assert "Leave a phone number" in last(chat).text
        assert "I will wait" in last(chat).payload["quick_replies"]

    def test_it_is_said_once_however_much_the_customer_writes(self, chat):
        for text in ("转人工", "在吗", "有人吗"):
            chat.say(text)
        assert told(chat) == ["offer_callback"]
        assert chat.heard["act"] == ["stay_silent"]

    def test_messages_keep_their_numbers_without_gaps(self, chat):
        for text in ("转人工", "13800138000", "在吗"):
            chat.say(text)
        numbers = list(chat.row.messages.order_by("seq").values_list("seq", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))

    def test_outside_of_service_hours_a_present_person_makes_no_difference(self, chat, settings):
        make_staff()
        settings.CHAT_HOURS = "18:00-19:00"
        chat.say("转人工")
        assert told(chat) == ["offer_callback"]

    def test_with_somebody_there_nothing_is_said(self, chat):
        make_staff()
        chat.say("转人工")
        assert told(chat) == []

    def test_who_steps_away_later_is_noticed_at_the_next_word(self, chat):
        lin = make_staff()
        chat.say("转人工")
        presence.set_away(lin, is_away=True, now=NOW)
        chat.say("在吗")
        assert told(chat) == ["offer_callback"]


class TestACallBack:
    def test_the_ticket_keeps_who_what_and_how_to_reach_them(self, chat, ada):
        chat.say("my lamp flickers all the time")
        chat.say("I want to talk to a person")
        chat.say("call me on +44 20 7946 0958")
        ticket = Ticket.objects.get(kind="call_back")
        assert ticket.customer == ada
        assert ticket.contact == "+44 20 7946 0958"
        assert "my lamp flickers" in ticket.subject
        assert ticket.number in last(chat).text
        assert "+44 20 7946 0958" in last(chat).text

    def test_it_is_one_ticket_and_one_event_with_the_newest_contact(self, chat):
        for text in ("转人工", "13800138000", "ada@example.org"):
            chat.say(text)
        assert Ticket.objects.get().contact == "ada@example.org"
        assert Event.objects.filter(kind="chatbot.ticket_opened").count() == 1

    def test_who_is_proven_may_choose_the_address_we_know(self, chat, ada):
        chat.say("I want to talk to a person")
        assert "E-mail me" in last(chat).payload["quick_replies"]
        chat.say("E-mail me")
        assert Ticket.objects.get().contact == ada.email

    def test_a_visitor_is_never_shown_or_given_an_address(self, visitor):
        visitor.say("I want to talk to a person")
        assert "E-mail me" not in last(visitor).payload["quick_replies"]
        visitor.say("E-mail me")
        assert not Ticket.objects.exists()

    def test_before_any_offer_a_number_is_only_a_message(self, chat):
        make_staff()
        chat.say("转人工")
        chat.say("13800138000")
        assert not Ticket.objects.exists()

    def test_staff_may_still_answer_in_the_chat(self, chat):
        chat.say("转人工")
        chat.say("13800138000")
        staffing.answer_as_staff(chat.row.pk, make_staff(), "您好", now=NOW)
        chat.row.refresh_from_db()
        assert chat.row.state == "agent"

    def test_half_an_hour_later_the_bot_goes_on(self, chat):
        chat.say("转人工")
        chat.say("13800138000")
        patience.sweep(later(minutes=29))
        chat.row.refresh_from_db()
        assert chat.row.state == "queued"
        patience.sweep(later(minutes=31))
        assert chat.say("推荐台灯") == "show_products"
        assert told(chat)[-1] == "bot_returned"

    @pytest.mark.parametrize("text", ["回到智能助手", "Back to the assistant"])
    def test_who_would_rather_go_on_with_the_bot_does(self, chat, text):
        chat.say("转人工")
        chat.say(text)
        assert told(chat)[-1] == "bot_returned"
        assert chat.say("show me lamps") == "show_products"
        assert Handoff.objects.get().closed_at is not None

    def test_who_stays_keeps_the_place(self, chat):
        chat.say("转人工")
        chat.say("继续等")
        chat.row.refresh_from_db()
        assert (chat.row.state, told(chat)[-1]) == ("queued", "still_waiting")


class TestTheClock:
    @pytest.fixture
    def busy(self, chat):
        """Somebody is there all the time, and does not answer."""
        lin = make_staff()
        chat.say("转人工")

        def sweep(**span):
            presence.beat(lin, now=later(**span))
            return patience.sweep(later(**span))

        chat.sweep = sweep
        return chat

    def test_after_two_minutes_they_are_told_and_after_ten_offered_a_call_back(self, busy):
        for minutes in range(1, 61):
            busy.sweep(minutes=minutes)
        assert told(busy) == ["still_waiting", "offer_callback"]
        waits = {m.payload["act"][0]: m.created_at - NOW for m in busy.row.messages.all()
                 if m.sender == "bot" and m.seq > 2}  # fmt: skip
        assert waits == {
            "still_waiting": timedelta(minutes=2),
            "offer_callback": timedelta(minutes=10),
        }

    def test_a_clock_that_stood_still_says_only_the_last_of_it(self, busy):
        busy.sweep(minutes=15)
        assert told(busy) == ["offer_callback"]

    def test_the_settings_say_how_long(self, busy, settings):
        settings.CHAT_WAIT_TOLD = 5
        busy.sweep(minutes=4)
        assert told(busy) == []
        busy.sweep(minutes=5)
        assert told(busy) == ["still_waiting"]

    def test_the_one_at_the_head_is_told_so_and_others_how_many_are_before_them(self, busy, ada):
        Conversation.objects.create(
            customer=ada, state="queued", queued_at=NOW - timedelta(hours=1), created_at=NOW,
            updated_at=NOW,
        )  # fmt: skip
        busy.sweep(minutes=3)
        assert "您前面还有1位" in last(busy).text

    def test_who_was_answered_hears_nothing_of_it(self, busy):
        staffing.answer_as_staff(busy.row.pk, make_staff("bo"), "您好", now=NOW)
        busy.sweep(minutes=30)
        assert told(busy) == []

    def test_when_the_last_person_leaves_all_who_wait_are_told(self, busy):
        patience.sweep(later(minutes=1.5))
        assert told(busy) == ["offer_callback"]
        patience.sweep(later(minutes=20))
        assert told(busy) == ["offer_callback"]

    def test_after_a_day_the_bot_goes_on(self, busy):
        busy.sweep(hours=25)
        assert told(busy)[-1] == "bot_returned"
        busy.row.refresh_from_db()
        assert busy.row.state == "bot"

    def test_a_sweep_that_runs_twice_at_the_same_moment_says_nothing_twice(self, busy):
        busy.sweep(minutes=10)
        busy.sweep(minutes=10)
        assert told(busy) == ["offer_callback"]

    def test_an_idle_sweep_asks_few_questions(self, chat, django_assert_max_num_queries):
        with django_assert_max_num_queries(8):
            patience.sweep(NOW)


class TestGivingOut:
    def test_a_new_chat_gets_the_name_of_who_is_least_busy(self, chat):
        lin = make_staff()
        chat.say("转人工")
        assert (chat.row.state, chat.row.assigned_to) == ("queued", lin)

    def test_who_comes_to_the_desk_is_given_what_waits(self, chat):
        chat.say("转人工")
        assert chat.row.assigned_to is None
        lin = make_staff()
        assert patience.sweep(NOW)["assigned"] == 1
        chat.row.refresh_from_db()
        assert chat.row.assigned_to == lin

    def test_who_is_too_slow_or_gone_loses_it_to_another(self, chat):
        make_staff("lin")
        chat.say("转人工")
        bo = make_staff("bo", at=later(minutes=4))
        patience.sweep(later(minutes=4))
        chat.row.refresh_from_db()
        assert chat.row.assigned_to == bo

    def test_who_is_alone_keeps_it(self, chat):
        lin = make_staff()
        chat.say("转人工")
        presence.beat(lin, now=later(minutes=4))
        patience.sweep(later(minutes=4))
        chat.row.refresh_from_db()
        assert chat.row.assigned_to == lin

    def test_a_customer_whose_agent_went_away_goes_back_to_the_queue(self, chat):
        staffing.answer_as_staff(chat.row.pk, make_staff("lin"), "Hello", now=NOW)
        chat.say("and now?")
        bo = make_staff("bo", at=later(minutes=5))
        assert patience.sweep(later(minutes=5))["left"] == 1
        chat.row.refresh_from_db()
        assert (chat.row.state, chat.row.assigned_to) == ("queued", bo)
        assert list(Handoff.objects.values_list("reason", flat=True)) == ["staff", "left"]

    def test_a_chat_whose_customer_was_answered_stays_where_it_is(self, chat):
        staffing.answer_as_staff(chat.row.pk, make_staff("lin"), "Hello", now=NOW)
        assert patience.sweep(later(minutes=30))["left"] == 0

    def test_an_agent_who_took_a_chat_and_left_without_a_word_has_not_answered_it(self, chat):
        make_staff("lin")
        chat.say("转人工")
        staffing.take_over(chat.row.pk, make_staff("bo"), now=NOW)
        chat.say("在吗")
        patience.sweep(later(minutes=5))
        handoff = Handoff.objects.get()
        assert (handoff.accepted_at, handoff.staff, handoff.closed_at) == (None, None, None)


class TestSnoozing:
    @pytest.fixture
    def snoozed(self, chat):
        lin = make_staff()
        staffing.answer_as_staff(chat.row.pk, lin, "I will ask the warehouse", now=NOW)
        staffing.snooze(chat.row.pk, lin, until=later(hours=2), now=NOW)
        return chat

    def test_it_returns_by_itself_to_who_put_it_aside(self, snoozed):
        assert patience.sweep(later(hours=1))["woken"] == 0
        assert patience.sweep(later(hours=2))["woken"] == 1
        snoozed.row.refresh_from_db()
        assert (snoozed.row.state, str(snoozed.row.assigned_to)) == ("agent", "lin")
        assert snoozed.row.snoozed_until is None

    def test_it_returns_at_once_when_the_customer_writes(self, snoozed):
        assert snoozed.say("any news?") == "stay_silent"
        assert snoozed.row.state == "agent"

    def test_who_put_it_aside_takes_it_up_without_joining_again(self, snoozed):
        before = Message.objects.count()
        staffing.take_over(snoozed.row.pk, snoozed.row.handoffs.get().staff, now=NOW)
        snoozed.row.refresh_from_db()
        assert (snoozed.row.state, snoozed.row.snoozed_until) == ("agent", None)
        assert Message.objects.count() == before

    @pytest.mark.parametrize("span", [{"hours": -1}, {"hours": 0}, {"days": 31}])
    def test_a_time_past_or_too_far_is_refused(self, chat, span):
        with pytest.raises(staffing.BadTime):
            staffing.snooze(chat.row.pk, make_staff(), until=later(**span), now=NOW)

    def test_what_the_bot_has_cannot_be_put_aside(self, chat):
        with pytest.raises(staffing.NotWithStaff):
            staffing.snooze(chat.row.pk, make_staff(), until=later(hours=1), now=NOW)


class TestHandingBack:
    def test_the_customer_reads_what_was_agreed_and_the_bot_repeats_it(self, chat):
        staffing.answer_as_staff(chat.row.pk, make_staff(), "I will send a new one", now=NOW)
        staffing.release(chat.row.pk, agreed="A new lamp leaves on Friday", now=NOW)
        said = chat.row.messages.filter(sender="system").values_list("text", flat=True)
        assert "What we agreed: A new lamp leaves on Friday" in said
        assert Handoff.objects.get().agreed == "A new lamp leaves on Friday"
        assert chat.say("can you repeat that?") == "repeat_last"
        assert "A new lamp leaves on Friday" in chat.text

    def test_without_a_word_agreed_nothing_is_said_of_it(self, chat):
        staffing.take_over(chat.row.pk, make_staff(), now=NOW)
        staffing.release(chat.row.pk, agreed=" \x00 ", now=NOW)
        assert not chat.row.messages.filter(text__contains="agreed").exists()


def test_notes_are_no_messages(chat):
    staffing.note(chat.row.pk, make_staff(), "angry, be kind", now=NOW)
    assert not Message.objects.exists()
    with pytest.raises(conversation.Empty):
        staffing.note(chat.row.pk, make_staff("bo"), "  ", now=NOW)
