"""Stored, numbered, answered once; staff take over and hand back."""

import pytest
from django.contrib.auth.models import User

from chatbot import conversation, ratings, staffing, tasks
from chatbot.models import Conversation, Handoff, Message, Ticket, Turn
from crm.models import CartItem, Consent, Event, Feedback, Order
from tests import factories
from tests.chatbot.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin():
    return User.objects.create_user("lin", first_name="Lin", is_staff=True)


def numbers(chat):
    return list(chat.row.messages.values_list("seq", flat=True))


def test_messages_are_numbered_without_gaps(chat):
    for said in ("hello", "show me lamps", "thanks"):
        chat.say(said)
    assert numbers(chat) == [1, 2, 3, 4, 5, 6]
    assert chat.row.last_seq == 6


def test_the_same_message_sent_again_is_stored_once(chat):
    first = conversation.hear(chat.row.pk, text="hello", client_id="x", now=NOW)
    again = conversation.hear(chat.row.pk, text="hello", client_id="x", now=NOW)
    assert first.pk == again.pk
    assert numbers(chat) == [1]


def test_a_message_is_answered_once_however_often_it_is_dealt_with(chat):
    message = conversation.hear(chat.row.pk, text="hello", now=NOW)
    assert conversation.respond(message.pk, now=NOW) is not None
    assert conversation.respond(message.pk, now=NOW) is None
    assert Turn.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "error"), [("x" * 2001, conversation.TooLong), ("  \x00 ", conversation.Empty)]
)
def test_what_cannot_be_stored_is_refused_by_name(chat, text, error):
    with pytest.raises(error):
        conversation.hear(chat.row.pk, text=text, now=NOW)
    assert numbers(chat) == []


def test_every_turn_is_an_event_that_quotes_nobody(chat):
    chat.say("show me lamps for my secret friend")
    event = Event.objects.get(kind="chatbot.message_received")
    assert event.data["intent"] == "recommend"
    assert "secret" not in str(event.data)


def test_a_turn_keeps_what_is_needed_to_replay_it(chat):
    chat.say("show me lamps")
    turn = Turn.objects.get()
    assert turn.memory_before["frame"] == {}
    assert turn.memory_after["frame"] == {"category": "lamp"}
    assert turn.acts[0]["name"] == "show_products"
    assert turn.version


def test_the_bot_is_silent_until_staff_hand_back(chat, lin):
    assert chat.say("转人工") == "handoff"
    assert chat.say("在吗") == "stay_silent"
    assert chat.answer is None
    staffing.answer_as_staff(chat.row.pk, lin, "Hello, this is Lin", now=NOW)
    assert chat.say("show me lamps") == "stay_silent"
    chat.release()
    assert chat.say("show me lamps") == "show_products"


def test_a_hand_over_is_written_down_from_request_to_close(chat, lin):
    chat.say("I want to talk to a person")
    staffing.answer_as_staff(chat.row.pk, lin, "Hi", now=NOW)
    chat.release()
    handoff = Handoff.objects.get()
    assert None not in (handoff.accepted_at, handoff.first_answer_at, handoff.closed_at)
    assert Event.objects.filter(kind="chatbot.handoff_requested").count() == 1


def test_two_of_staff_do_not_answer_the_same_customer(chat, lin):
    staffing.take_over(chat.row.pk, lin, now=NOW)
    with pytest.raises(staffing.NotYours):
        staffing.answer_as_staff(chat.row.pk, User.objects.create_user("bo"), "hi", now=NOW)


def test_taking_over_twice_says_so_once(chat, lin):
    staffing.take_over(chat.row.pk, lin, now=NOW)
    staffing.take_over(chat.row.pk, lin, now=NOW)
    assert Message.objects.filter(sender="system").count() == 1


def test_a_closed_chat_stays_closed(chat):
    staffing.resolve(chat.row.pk, now=NOW)
    staffing.resolve(chat.row.pk, now=NOW)
    assert Conversation.objects.get().state == "resolved"
    assert Event.objects.filter(kind="chatbot.conversation_resolved").count() == 1


def test_who_writes_again_opens_a_closed_chat(chat):
    staffing.resolve(chat.row.pk, now=NOW)
    assert chat.say("hello") == "greet"
    assert chat.row.state == "bot"


def test_handing_over_twice_queues_once(chat):
    staffing.handover(chat.row.pk, reason="sla", now=NOW)
    staffing.handover(chat.row.pk, reason="sla", now=NOW)
    assert Handoff.objects.count() == 1


def test_the_cart_adds_up(chat):
    chat.say("how much is the Giant Escape 3?")
    chat.say("add 2 to my cart")
    chat.say("add it to my cart")
    assert CartItem.objects.get().quantity == 3


def test_a_cancelled_order_is_cancelled(chat):
    chat.say("cancel AB1000002")
    assert Order.objects.get(number="AB1000002").status == "processing"
    chat.say("yes")
    assert Order.objects.get(number="AB1000002").status == "cancelled"


def test_an_order_that_was_sent_meanwhile_is_not_cancelled(chat):
    chat.say("cancel AB1000002")
    Order.objects.filter(number="AB1000002").update(status="shipped")
    assert chat.say("yes") == "cannot_cancel"
    assert Order.objects.get(number="AB1000002").status == "shipped"


def test_a_new_address_is_kept(chat):
    chat.say("change the address of order AB1000002")
    chat.say("7 Mill Road, Cambridge")
    chat.say("yes")
    assert Order.objects.get(number="AB1000002").address == "7 Mill Road, Cambridge"


def test_unsubscribing_withdraws_the_consent(chat, ada):
    factories.agree(ada, channel="sms")
    chat.say("别再给我发短信")
    assert not Consent.objects.get(channel="sms").is_granted


def test_a_complaint_becomes_a_ticket_with_its_number_in_the_answer(chat):
    chat.say("the lamp arrived broken, this is unacceptable")
    assert Ticket.objects.get().number in chat.text
    assert chat.heard["sentiment"]["label"] == "neg"


def test_a_thumb_belongs_to_an_answer_and_only_to_an_answer(chat):
    chat.say("hello")
    ratings.rate_answer(chat.row.pk, seq=2, rating=-1, comment="no")
    assert Message.objects.get(seq=2).rating == -1
    with pytest.raises(ratings.NothingToRate):
        ratings.rate_answer(chat.row.pk, seq=1, rating=1)


def test_the_last_rating_of_a_chat_counts(chat):
    ratings.rate_conversation(chat.row.pk, score=2, now=NOW)
    ratings.rate_conversation(chat.row.pk, score=5, now=NOW)
    assert Feedback.objects.get(kind="csat").score == 5


def test_what_a_crash_left_unanswered_is_answered_by_the_sweep(chat):
    from datetime import timedelta

    from django.utils import timezone

    message = conversation.hear(
        chat.row.pk, text="hello", now=timezone.now() - timedelta(minutes=5)
    )
    assert tasks.answer_waiting() == 1
    assert Turn.objects.filter(message=message).exists()
    assert tasks.answer_waiting() == 0


def test_the_product_that_a_conversation_comes_to_is_told_once(chat):
    chat.say("how much is the Giant Escape 3?")
    chat.say("add 2 to my cart")
    event = Event.objects.get(kind="chatbot.product_mentioned")
    assert event.data["sku"] == "B1"
    assert event.customer_id == chat.row.customer_id


def test_a_conversation_about_no_product_mentions_none(chat):
    chat.say("hello")
    assert not Event.objects.filter(kind="chatbot.product_mentioned").exists()
