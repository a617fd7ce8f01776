"""How long a socket may stay without a hello, and that a busy server is nobody's fault."""

import threading
import uuid

import pytest

from chatbot import consumers, visits
from tests.chatbot.wire import HELLO, Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_process")]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(consumers, "HELLO_WITHIN", 0.5)


async def connected():
    client = Client()
    await client.wire.connect()
    return client


async def test_who_does_not_say_hello_is_shown_out():
    client = await connected()
    assert (await client.until("error"))["code"] == "unauthorised"
    assert (await client.wire.receive_output())["code"] == 4401


async def test_who_has_said_hello_may_wait_for_a_busy_server(monkeypatch):
    enter, goes_on = visits.enter, threading.Event()

    def late(*args, **kwargs):
        goes_on.wait(60)
        return enter(*args, **kwargs)

    monkeypatch.setattr(visits, "enter", late)
    monkeypatch.setattr(consumers, "HELLO_WITHIN", 3)  # the hello itself is in time
    client = await connected()
    await client.send(HELLO)
    assert await client.wire.receive_nothing(timeout=5)
    goes_on.set()
    assert await client.until("welcome")
    assert client.frames == []
    await client.close()


async def test_whose_hello_was_in_vain_has_to_say_another(monkeypatch):
    monkeypatch.setattr(consumers, "HELLO_WITHIN", 3)
    client = await connected()
    await client.send({**HELLO, "conversation": str(uuid.uuid4())})
    assert (await client.until("error", code="unknown_conversation"))["detail"]
    assert await client.until("error", code="unauthorised")
    assert (await client.wire.receive_output())["code"] == 4401
