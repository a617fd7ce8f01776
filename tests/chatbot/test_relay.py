"""Messages written by another process: woken through the channel layer, found by the poll without."""

import asyncio
import uuid

import pytest
from channels.layers import channel_layers, get_channel_layer
from channels_redis.core import RedisChannelLayer
from django.contrib.auth.models import User

from chatbot import relay, sockets, staffing
from chatbot.models import Conversation
from tests.chatbot.conftest import NOW
from tests.chatbot.wire import Client

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY_THERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _relayed(settings, monkeypatch, one_process):
    """Other processes can be reached, and what this one writes wakes nobody here."""
    settings.REDIS_URL = NOBODY_THERE  # the layer of the tests lives in memory
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(relay, "sender", relay.Sender())
    monkeypatch.setattr(relay, "GATHERED", 0)
    monkeypatch.setattr(sockets, "switchboard", sockets.Switchboard())
    monkeypatch.setattr("chatbot.wakeups._listeners", [])
    monkeypatch.setattr("chatbot.wakeups.listen", lambda _: None)


@pytest.fixture
def _no_poll(monkeypatch):
    monkeypatch.setattr(sockets, "POLL_SECONDS_WITH_RELAY", 600)


@pytest.fixture
def _another_process(monkeypatch):
    """What is sent from here counts as sent by another process."""
    monkeypatch.setattr(relay, "here", lambda: uuid.uuid4().hex)


async def answer(text):
    """On the one thread of the sockets, for SQLite in memory locks whole tables."""
    chat = await sockets.run(Conversation.objects.get)
    lin = await sockets.run(User.objects.create_user, "lin")
    await sockets.run(staffing.answer_as_staff, chat.pk, lin, text, now=NOW)


async def joined(client):
    """Wait until the process is in the group of the conversation."""
    layer = get_channel_layer()
    while not layer.groups:
        await asyncio.sleep(0.01)
    return client


@pytest.mark.usefixtures("_no_poll", "_another_process")
async def test_a_wake_up_of_another_process_brings_the_message_without_a_poll():
    client = await joined(await Client().open())
    await answer("Hello from staff")
    assert (await client.until("message", sender="agent"))["text"] == "Hello from staff"
    assert (await client.until("state"))["state"] == "agent"
    await client.close()


@pytest.mark.usefixtures("_no_poll")
async def test_who_types_in_another_process_is_passed_on():
    client = await joined(await Client().open())
    chat = await sockets.run(Conversation.objects.get)
    typing = {"type": "typing", "sender": "agent", "typing": True}
    note = {"type": "wake", "from": "elsewhere", "hints": [(chat.pk, typing)]}
    await get_channel_layer().group_send(relay.GROUP, note)
    assert (await client.until("typing", sender="agent"))["typing"]
    await client.close()


async def test_without_a_broker_the_poll_finds_everything_and_nobody_notices():
    channel_layers.set("default", RedisChannelLayer(hosts=[NOBODY_THERE]))
    client = await Client().open()
    await answer("Hello anyway")
    assert (await client.until("message", sender="agent"))["text"] == "Hello anyway"
    await client.say("thanks")
    assert await client.until("ack")
    await client.close()


@pytest.mark.usefixtures("_another_process")
async def test_a_broker_that_forgot_its_groups_is_told_them_again():
    client = await joined(await Client().open())
    layer = get_channel_layer()
    await layer.flush()
    await answer("Found by the poll")
    assert (await client.until("message", sender="agent"))["text"] == "Found by the poll"
    await joined(client)
    await client.close()


class Layer:
    """Takes notes, as slowly as the test wants."""

    def __init__(self):
        self.sent = []
        self.goes_on = asyncio.Event()

    async def group_send(self, group, note):
        self.sent.append(note["hints"])
        await self.goes_on.wait()


@pytest.fixture
def layer(monkeypatch):
    layer = Layer()
    monkeypatch.setattr(relay, "get_channel_layer", lambda: layer)
    return layer


def relayed():
    """Let the loop of the relay take up what it was given."""
    loop = relay.sender.loop
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), loop).result(60)
    return loop


def test_a_process_without_sockets_can_wake_the_others(layer):
    relay.sender.send(7)
    relayed()
    assert layer.sent == [[(7, None)]]


def test_what_gathers_while_a_note_is_on_its_way_goes_out_together_and_once(layer):
    typing = {"type": "typing", "sender": "customer", "typing": True}
    relay.sender.send(7)
    relayed()
    for pk in (8, 9, 8, 9):
        relay.sender.send(pk)
    relay.sender.send(9, typing)
    relayed().call_soon_threadsafe(layer.goes_on.set)
    relayed()
    assert layer.sent == [[(7, None)], [(8, None), (9, None), (9, typing)]]


def test_what_comes_in_one_moment_goes_out_together(layer, monkeypatch):
    monkeypatch.setattr(relay, "GATHERED", 0.2)
    layer.goes_on.set()
    loop = relay.sender._running_loop()
    loop.call_soon_threadsafe(lambda: [relay.sender._add((pk, None)) for pk in (1, 2)])
    relayed().call_soon_threadsafe(relay.sender._add, (3, None))
    relayed()
    assert layer.sent == []
    asyncio.run_coroutine_threadsafe(asyncio.sleep(1), loop).result(60)
    assert layer.sent == [[(1, None), (2, None), (3, None)]]


def test_many_hints_go_in_notes_of_bounded_length(layer, monkeypatch):
    monkeypatch.setattr(relay, "AT_ONCE", 3)
    layer.goes_on.set()
    loop = relay.sender._running_loop()
    loop.call_soon_threadsafe(lambda: [relay.sender._add((pk, None)) for pk in range(8)])
    relayed()
    assert [[pk for pk, _ in hints] for hints in layer.sent] == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_a_broker_that_hangs_holds_nobody_up_and_fills_no_memory(layer, monkeypatch):
    monkeypatch.setattr(relay, "MOST", 5)
    for pk in range(20):
        relay.sender.send(pk)
        relayed()
    assert len(relay.sender.waiting) == 5
    assert layer.sent == [[(0, None)]]


def test_a_broker_that_fails_is_told_of_once_and_tried_again(layer, monkeypatch, caplog):
    async def refuse(group, note):
        layer.sent.append(note["hints"])
        raise ConnectionError("nobody there")

    monkeypatch.setattr(layer, "group_send", refuse)
    for pk in (1, 2):
        relay.sender.send(pk)
        relayed()
    assert layer.sent == [[(1, None)], [(2, None)]]
    assert caplog.text.count("wake-ups do not get out") == 1
