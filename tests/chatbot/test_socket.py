"""The chat socket: what INTERFACES promises, frame by frame."""

import asyncio
from functools import partial

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from chatbot import consumers, conversation, frames, sockets, staffing
from chatbot.frames import Bucket
from chatbot.models import Conversation, Message
from chatbot.transcript import Saying
from tests.chatbot.conftest import NOW
from tests.chatbot.test_visits import signed
from tests.chatbot.wire import HELLO, Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_process")]


async def test_a_message_is_acknowledged_stored_and_answered():
    client = await Client().open()
    await client.say("show me lamps")
    ack = await client.until("ack", client_id="c1")
    mine = await client.until("message", sender="customer")
    answer = await client.until("message", sender="bot")
    assert (ack["seq"], mine["seq"], answer["seq"]) == (1, 1, 2)
    assert {
        "act",
        "args",
        "intent",
        "entities",
        "sentiment",
        "products",
        "quick_replies",
        "reply_to",
    } <= set(answer)
    assert answer["products"][0].keys() == {
        "id",
        "title",
        "price",
        "currency",
        "url",
        "image",
        "reason",
    }
    await client.close()


async def test_after_a_reconnect_everything_missed_is_sent_in_order():
    client = await Client().open()
    welcome = client.welcome
    for number in range(3):
        await client.say("hello", client_id=f"c{number}")
        await client.until("message", sender="bot")
    await client.close()
    again = await Client().open(
        visitor=welcome["visitor"], conversation=welcome["conversation"], after=2
    )
    assert [m["seq"] for m in again.welcome["messages"]] == [3, 4, 5, 6]
    assert again.welcome["seq"] == 6
    await again.send({"type": "resume", "after": 4})
    assert [(await again.until("message"))["seq"] for _ in range(2)] == [5, 6]
    await again.close()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_is_said_while_a_visitor_comes_back_arrives_once_and_at_once(monkeypatch, when):
    monkeypatch.setattr(sockets, "POLL_SECONDS", 600)
    read = consumers._so_far

    def meanwhile(conversation_id, after):
        found = read(conversation_id, after) if when == "after" else None
        conversation.reply(conversation_id, Saying(Message.Sender.AGENT, "one moment"), now=NOW)
        return found or read(conversation_id, after)

    monkeypatch.setattr(consumers, "_so_far", meanwhile)
    client = await Client().open()
    if when == "before":
        assert [m["text"] for m in client.welcome["messages"]] == ["one moment"]
    else:
        assert (await client.until("message"))["text"] == "one moment"
    await client.say("hello")
    seen = [(await client.until("message", sender=who))["seq"] for who in ("customer", "bot")]
    assert seen == [2, 3]
    await client.close()


async def test_the_same_message_twice_is_one_message():
    client = await Client().open()
    for _ in range(2):
        await client.say("hello")
        assert (await client.until("ack"))["seq"] == 1
    await client.until("message", sender="bot")
    assert await sync_to_async(Message.objects.filter(sender="customer").count)() == 1
    await client.close()


async def test_what_another_process_wrote_arrives_without_a_wake_up(monkeypatch):
    monkeypatch.setattr("chatbot.wakeups.wake", lambda *_: None)
    client = await Client().open()
    chat = await sync_to_async(Conversation.objects.get)()
    lin = await sync_to_async(User.objects.create_user)("lin")
    await sync_to_async(staffing.answer_as_staff)(chat.pk, lin, "Hello from staff", now=NOW)
    assert (await client.until("message", sender="agent"))["text"] == "Hello from staff"
    assert (await client.until("state"))["state"] == "agent"
    await client.close()


async def test_two_tabs_of_one_visitor_see_the_same_chat():
    one = await Client().open()
    two = await Client().open(visitor=one.welcome["visitor"])
    assert one.welcome["conversation"] == two.welcome["conversation"]
    await one.say("hello")
    assert (await two.until("message", sender="bot"))["seq"] == 2
    await one.send({"type": "typing", "typing": True})
    assert (await two.until("typing", sender="customer"))["typing"]
    await one.close()
    await two.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "bad_frame"),
        ("[]", "bad_frame"),
        ('{"type": 5}', "bad_frame"),
        ('{"type": "dance"}', "bad_frame"),
        ('{"type": "message"}', "bad_frame"),
        ('{"type": "message", "client_id": "a", "text": "   "}', "bad_frame"),
        ('{"type": "message", "client_id": "", "text": "x"}', "bad_frame"),
        ('{"type": "message", "client_id": "a", "text": "' + "x" * 2001 + '"}', "too_long"),
        ('{"type": "message", "client_id": "\\ud800", "text": "x"}', "bad_frame"),
        ('{"type": "message", "client_id": "a\\u0000", "text": "x"}', "bad_frame"),
        ('{"type": "feedback", "seq": 1, "rating": 1, "comment": "\\udfff"}', "bad_frame"),
        ('{"type": "resume", "after": -1}', "bad_frame"),
        ('{"type": "feedback", "seq": 1, "rating": 7}', "bad_frame"),
        ('{"type": "feedback", "seq": 99, "rating": 1}', "bad_frame"),
        ('{"type": "csat", "score": 6}', "bad_frame"),
    ],
)
async def test_a_bad_frame_is_refused_and_the_socket_stays_open(frame, code):
    client = await Client().open()
    await client.send(frame)
    error = await client.until("error")
    assert error["code"] == code
    assert error["detail"]
    await client.say("hello")
    assert await client.until("ack")
    await client.close()


async def test_binary_frames_are_refused():
    client = await Client().open()
    await client.wire.send_to(bytes_data=b"\x00\x01")
    assert (await client.until("error"))["code"] == "bad_frame"
    await client.close()


async def test_nothing_happens_before_hello():
    client = Client()
    await client.wire.connect()
    await client.say("hello")
    assert (await client.until("error"))["code"] == "bad_frame"
    assert await sync_to_async(Message.objects.count)() == 0
    await client.close()


async def test_a_forged_identity_is_shown_out():
    client = Client()
    await client.wire.connect()
    await client.send({**HELLO, "user_id": "ada", "user_hash": "0" * 64})
    assert (await client.until("error"))["code"] == "unauthorised"
    assert (await client.wire.receive_output())["code"] == 4401
    assert await sync_to_async(Conversation.objects.count)() == 0


async def test_a_proven_identity_is_welcome():
    client = await Client().open(user_id="ada", user_hash=signed("ada"))
    assert client.welcome["verified"]
    await client.close()


async def test_somebody_elses_conversation_is_unknown():
    victim = await Client().open()
    thief = Client()
    await thief.wire.connect()
    await thief.send({**HELLO, "conversation": victim.welcome["conversation"]})
    assert (await thief.until("error"))["code"] == "unknown_conversation"
    await thief.send(HELLO)
    assert (await thief.until("welcome"))["messages"] == []
    await victim.close()
    await thief.close()


async def test_foreign_pages_are_refused_at_the_handshake(settings):
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert not (await Client(origin="https://evil.example", host="shop.example").wire.connect())[0]
    friend = Client(origin="https://shop.example", host="shop.example")
    assert (await friend.wire.connect())[0]
    await friend.close()


async def test_a_page_that_a_source_allows_may_carry_the_widget(settings):
    from crm.models import Source

    settings.ALLOWED_HOSTS = ["shop.example"]
    await sync_to_async(Source.objects.create)(
        name="blog", allowed_origins=["https://blog.example"]
    )
    friend = Client(origin="https://blog.example", host="shop.example")
    assert (await friend.wire.connect())[0]
    await friend.close()


async def test_too_many_messages_are_refused_and_a_flood_ends_the_connection(monkeypatch):
    monkeypatch.setattr(consumers, "PATIENCE", 3)
    never_filled = partial(Bucket, per_second=0.0)  # however slowly the messages come
    monkeypatch.setattr(frames, "Bucket", never_filled)
    client = await Client().open()
    for _ in range(40):
        await client.send('{"type": "read", "seq": 0}')
    assert (await client.until("error"))["code"] == "too_fast"
    output = await client.wire.receive_output()
    while output["type"] != "websocket.close":
        output = await client.wire.receive_output()
    assert output["code"] == 1008


async def test_a_frame_that_is_far_too_big_ends_the_connection():
    client = await Client().open()
    await client.send("x" * 40_000)
    assert (await client.wire.receive_output())["code"] == 1009


async def test_a_message_left_unanswered_by_a_crash_is_answered_at_the_next_hello():
    client = await Client().open()
    chat = await sync_to_async(Conversation.objects.get)()
    await client.close()
    await sync_to_async(conversation.hear)(chat.pk, text="hello", now=NOW)
    again = await Client().open(
        visitor=client.welcome["visitor"], conversation=client.welcome["conversation"]
    )
    assert (await again.until("message", sender="bot"))["reply_to"] == 1
    await again.close()


async def test_a_turn_that_fails_keeps_the_socket_and_the_message(monkeypatch):
    client = await Client().open()
    monkeypatch.setattr(conversation, "respond", lambda *_, **__: 1 / 0)
    await client.say("hello")
    await client.until("ack")
    await asyncio.sleep(0)
    await client.send({"type": "feedback", "seq": 50, "rating": 1})
    assert await client.until("error")
    assert await sync_to_async(Message.objects.count)() == 1
    await client.close()


async def test_thumbs_and_stars_are_kept():
    client = await Client().open()
    await client.say("hello")
    await client.until("message", sender="bot")
    await client.send({"type": "feedback", "seq": 2, "rating": 1, "comment": "nice"})
    await client.send({"type": "csat", "score": 5})
    await client.send({"type": "feedback", "seq": 77, "rating": 1})
    await client.until("error")  # frames are dealt with in order
    assert (await sync_to_async(Message.objects.get)(seq=2)).rating == 1
    await client.close()


@pytest.mark.skipif(settings.IS_SQLITE, reason="a file has no other end that could go away")
class TestSoundConnection:
    def ask(self):
        return sockets._with_sound_connection(Message.objects.count)

    def lose(self):
        """Where nobody who uses it looks."""
        other = connection.copy()
        with other.cursor() as cursor:
            lost = connection.connection.info.backend_pid
            cursor.execute("SELECT pg_terminate_backend(%s)", [lost])
        other.close()

    def test_one_that_was_lost_in_a_quiet_hour_is_replaced_before_anything_fails(self, monkeypatch):
        self.ask()
        self.lose()
        monkeypatch.setattr(sockets, "SOUND_FOR", 0)
        assert self.ask() == 0

    def test_one_that_is_lost_in_the_middle_fails_once(self):
        self.ask()
        self.lose()
        with pytest.raises(OperationalError):
            self.ask()
        assert self.ask() == 0
