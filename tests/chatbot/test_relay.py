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
from tests.chatbot.test_socket import Client, _one_thread  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY_THERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _relayed(settings, monkeypatch):
    """Other processes can be reached, and what this one writes wakes nobody here."""
    settings.REDIS_URL = NOBODY_THERE  # the layer of the tests lives in memory
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(relay, "sender", relay.Sender())
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
    note = {"type": "wake", "from": "elsewhere", "conversation": chat.pk}
    typing = {"type": "typing", "sender": "agent", "typing": True}
    await get_channel_layer().group_send(relay.group_of(chat.pk), {**note, "frame": typing})
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


def test_a_process_without_sockets_can_wake_the_others(monkeypatch):
    sent = []

    class Layer:
        async def group_send(self, group, note):
            sent.append((group, note["conversation"]))

    monkeypatch.setattr(relay, "get_channel_layer", Layer)
    relay.sender.send(7)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), relay.sender.loop).result(60)
    assert sent == [("chat.7", 7)]


def test_a_broker_that_hangs_holds_nobody_up(monkeypatch):
    class Layer:
        async def group_send(self, group, note):
            await asyncio.sleep(600)

    monkeypatch.setattr(relay, "get_channel_layer", Layer)
    monkeypatch.setattr(relay, "MOST", 5)
    for _ in range(20):
        relay.sender.send(7)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), relay.sender.loop).result(60)
    assert len(relay.sender.on_their_way) == 5
