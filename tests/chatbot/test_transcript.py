"""Messages get numbers without gaps, once each, in few statements."""

import pytest
from django.db import transaction

from chatbot import conversation, transcript
from chatbot.models import Conversation, Message
from chatbot.transcript import Saying
from crm import outbox
from tests.chatbot.conftest import NOW

pytestmark = pytest.mark.django_db
TURNS = {  # statements from what is said to the answer, the ends of two transactions left out
    "hello": 10,
    "the second one": 11,
    "how long does delivery take?": 11,
    "do I have any coupons?": 12,
    "show me lamps": 23,
    # On PostgreSQL an event that came before is found by its key; who listens is asked now and then.
    "I want to talk to a person": 22,
}
WARM = ("how long does delivery take?", "do I have any coupons?", "show me bicycles")


def said(text, **fields):
    return Saying(Message.Sender.CUSTOMER, text, **fields)


def numbers(chat):
    return list(chat.row.messages.order_by("id").values_list("seq", flat=True))


def test_what_is_returned_is_what_is_stored(chat):
    told = said("hello", client_id="a", language="zh", payload={"act": ["greet"]})
    message = transcript.append(chat.row.pk, told, now=NOW)
    kept = Message.objects.get()
    names = [field.attname for field in Message._meta.concrete_fields]
    assert [getattr(message, n) for n in names] == [getattr(kept, n) for n in names]
    assert message.conversation == chat.row
    assert message.conversation.last_seq == Conversation.objects.get().last_seq == 1


def test_a_message_that_came_before_gives_its_number_back(chat):
    first = transcript.append(chat.row.pk, said("hello", client_id="a"), now=NOW)
    again = transcript.append(chat.row.pk, said("hello", client_id="a"), now=NOW)
    other = transcript.append(chat.row.pk, said("hello", client_id="b"), now=NOW)
    assert (again.pk, again.seq) == (first.pk, 1)
    assert other.seq == 2
    assert numbers(chat) == [1, 2]


def test_a_client_id_is_of_one_conversation(chat, visitor):
    here, there = (
        transcript.append(one.row.pk, said("hello", client_id="a"), now=NOW)
        for one in (chat, visitor)
    )
    assert (here.seq, there.seq) == (1, 1)
    assert here.pk != there.pk


def test_without_a_client_id_the_same_words_are_two_messages(chat):
    for _ in range(2):
        transcript.append(chat.row.pk, said("hello"), now=NOW)
    assert numbers(chat) == [1, 2]


def test_a_conversation_that_is_gone_is_told_by_name(db):
    with pytest.raises(Conversation.DoesNotExist):
        transcript.append(404, said("hello"), now=NOW)
    with pytest.raises(Conversation.DoesNotExist), transaction.atomic():
        transcript.locked(404)


def test_what_is_undone_leaves_no_gap(chat):
    with transaction.atomic():
        transcript.append(chat.row.pk, said("never"), now=NOW)
        transaction.set_rollback(True)
    transcript.append(chat.row.pk, said("hello"), now=NOW)
    assert numbers(chat) == [1]


def test_storing_keeps_what_the_conversation_learned(chat):
    with transaction.atomic():
        row = transcript.locked(chat.row.pk)
        row.memory, row.language, row.state = {"topic": "faq"}, "zh", Conversation.State.QUEUED
        transcript.store(row, said("hello"), now=NOW)
    kept = Conversation.objects.get()
    assert (kept.memory, kept.language, kept.state) == ({"topic": "faq"}, "zh", "queued")
    assert (kept.last_seq, kept.updated_at) == (1, NOW)


def test_hearing_a_message_is_two_statements(chat, django_assert_num_queries):
    transcript.append(chat.row.pk, said("hello"), now=NOW)
    with django_assert_num_queries(4):  # with the savepoint of the test
        transcript.append(chat.row.pk, said("hello", client_id="x"), now=NOW)


@pytest.mark.parametrize("text", TURNS)
def test_a_turn_asks_the_database_so_many_times(chat, text, django_assert_max_num_queries):
    for before in WARM:
        chat.say(before)
    outbox.has_subscribers("crm.tracked")  # what journeys and webhooks want is known for seconds
    with django_assert_max_num_queries(TURNS[text] + 4):
        message = conversation.hear(chat.row.pk, text=text, now=NOW)
        assert conversation.respond(message.pk, now=NOW)
