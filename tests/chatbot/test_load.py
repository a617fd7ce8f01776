"""Limits and slow readers: one visitor cannot hold up or fill up a server."""

import asyncio
from functools import partial

import pytest
from asgiref.sync import sync_to_async

from chatbot import consumers, conversation, frames, sockets
from chatbot.consumers import ChatConsumer
from chatbot.frames import Bucket
from chatbot.models import Conversation, Message
from tests.chatbot.conftest import NOW
from tests.chatbot.wire import HELLO, Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_process")]


@pytest.fixture(autouse=True)
def _switchboard(monkeypatch):
    monkeypatch.setattr(sockets, "switchboard", sockets.Switchboard())
    monkeypatch.setattr("chatbot.wakeups._listeners", [])


@pytest.fixture
def _never_filled(monkeypatch):
    monkeypatch.setattr(sockets, "Bucket", partial(Bucket, per_second=0.0))
    monkeypatch.setattr(frames, "Bucket", partial(Bucket, per_second=0.0))


@pytest.mark.usefixtures("_never_filled")
async def test_all_tabs_of_a_visitor_share_one_limit():
    one = await Client().open()
    two = await Client().open(visitor=one.welcome["visitor"])
    for number in range(21):
        await one.send({"type": "read", "seq": number})
    assert (await one.until("error"))["code"] == "too_fast"
    await two.say("hello")
    assert (await two.until("error"))["code"] == "too_fast"
    stranger = await Client().open()
    await stranger.say("hello")
    assert await stranger.until("ack")
    for client in (one, two, stranger):
        await client.close()


@pytest.mark.usefixtures("_never_filled")
async def test_who_comes_back_after_a_flood_has_no_new_limit():
    client = await Client().open()
    for number in range(25):
        await client.send({"type": "read", "seq": number})
    await client.until("error")
    await client.close()
    again = await Client().open(visitor=client.welcome["visitor"])
    await again.say("hello")
    assert (await again.until("error"))["code"] == "too_fast"
    await again.close()


async def test_buckets_that_are_full_again_are_forgotten(monkeypatch):
    monkeypatch.setattr(sockets, "MOST_BUCKETS", 3)
    board = sockets.Switchboard()
    for number in range(4):
        board.bucket_of(f"v{number}", now=0.0).take(0.0)
    board.bucket_of("busy", now=5.0)
    assert list(board.buckets) == ["busy"]


async def test_a_visitor_has_so_many_tabs_and_no_more(monkeypatch):
    monkeypatch.setattr(consumers, "MOST_TABS", 2)
    first = await Client().open()
    second = await Client().open(visitor=first.welcome["visitor"])
    third = Client()
    await third.wire.connect()
    await third.send({**HELLO, "visitor": first.welcome["visitor"]})
    assert (await third.until("error"))["code"] == "too_fast"
    assert (await third.wire.receive_output())["code"] == 1008
    await second.close()
    fourth = await Client().open(visitor=first.welcome["visitor"])
    for client in (first, fourth):
        await client.close()


class SlowReader(ChatConsumer):
    """The consumer by itself, with a wire that takes nothing until it is told to."""

    def __init__(self):
        super().__init__()
        self.sent, self.open = [], asyncio.Event()
        self.behind, self.must_read, self.fresh, self.passing = asyncio.Event(), False, {}, {}

    async def _send(self, frame):
        await self.open.wait()
        self.sent.append(frame)


def frame(seq):
    return {"type": "message", "seq": seq}


async def test_what_is_offered_to_a_slow_reader_is_bounded_and_the_table_has_the_rest(monkeypatch):
    reader, table = SlowReader(), [frame(seq) for seq in range(1, 501)]

    def messages(_, after):
        return table[after : after + consumers.BATCH], "bot"

    monkeypatch.setattr(consumers, "_messages", messages)
    following = asyncio.create_task(reader._follow())
    for seq in range(1, 501):
        reader.offer(frame(seq), "bot")
        reader.pass_on({"type": "typing", "sender": "agent", "typing": seq % 2 == 0})
        await asyncio.sleep(0)
    assert len(reader.fresh) <= consumers.MOST_FRESH
    assert len(reader.passing) == 1
    reader.open.set()
    while reader.sent_seq < 500:
        await asyncio.sleep(0.001)
    following.cancel()
    numbers = [f["seq"] for f in reader.sent if f["type"] == "message"]
    assert numbers == list(range(1, 501))


async def test_a_message_offered_out_of_turn_waits_for_the_ones_before(monkeypatch):
    reader = SlowReader()
    reader.open.set()
    monkeypatch.setattr(consumers, "_messages", lambda *_: ([frame(1), frame(2), frame(3)], "bot"))
    following = asyncio.create_task(reader._follow())
    reader.offer(frame(3), "bot")
    reader.offer(frame(2), "bot")
    while reader.sent_seq < 3:
        await asyncio.sleep(0.001)
    reader.offer(frame(1), "bot")  # late, and known by now
    await asyncio.sleep(0.01)
    following.cancel()
    assert [f["seq"] for f in reader.sent if f["type"] == "message"] == [1, 2, 3]


async def test_a_tab_that_does_not_read_holds_no_other_tab_up(monkeypatch):
    one = await Client().open()
    (followers,) = sockets.switchboard.sockets.values()
    first = set(followers)
    two = await Client().open(visitor=one.welcome["visitor"])
    stuck = asyncio.Event()
    (other,) = followers - first
    monkeypatch.setattr(other, "_send", lambda _: stuck.wait())
    for _ in range(3):
        await one.send({"type": "typing", "typing": True})
    await one.say("hello")
    assert (await one.until("message", sender="bot"))["seq"] == 2
    stuck.set()
    for client in (one, two):
        await client.close()


async def test_what_was_said_first_is_answered_first():
    """Two messages that a dead server left behind, and the later one is taken up first."""
    client = await Client().open()
    await client.close()
    chat = await sync_to_async(Conversation.objects.get)()

    def leave_and_answer():
        hear = partial(conversation.hear, chat.pk, now=NOW)
        left = [hear(text=text) for text in ("hello", "thanks")]
        conversation.respond(left[1].pk, now=NOW)
        assert conversation.respond(left[0].pk, now=NOW) is None
        said = Message.objects.filter(sender="bot").order_by("seq")
        return [message.payload["reply_to"] for message in said]

    assert await sockets.run(leave_and_answer) == [1, 2]


async def test_a_message_that_cannot_be_answered_does_not_silence_the_next(monkeypatch):
    client = await Client().open()
    await client.close()
    chat = await sync_to_async(Conversation.objects.get)()
    right = conversation.understanding.hear

    def hear(text, **known):
        return right(text, **known) if text != "poison" else 1 / 0

    monkeypatch.setattr(conversation.understanding, "hear", hear)

    def leave_and_answer():
        left = [conversation.hear(chat.pk, text=text, now=NOW) for text in ("poison", "hello")]
        return conversation.respond(left[1].pk, now=NOW).payload["reply_to"]

    assert await sockets.run(leave_and_answer) == 2
