"""Both sides see who types and how far was read, over sockets; staff who may see chats alone."""

import json

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser, Permission, User

from chatbot import inbox, reading_marks, staffing
from chatbot.models import Conversation, Message
from chatbot.routing import websocket_urlpatterns
from tests.chatbot.conftest import NOW
from tests.chatbot.staff import make_staff
from tests.chatbot.wire import WAIT, Client, Wire

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("one_process")]
HERE = {"origin": "https://shop.example", "host": "shop.example"}


class Line:
    """The inbox of one member of staff, as far as frames go."""

    def __init__(self, user, pk, **headers):
        sent = [(k.encode(), v.encode()) for k, v in (headers or HERE).items()]
        self.wire = Wire(URLRouter(websocket_urlpatterns), f"/ws/desk/{pk}/", headers=sent)
        self.wire.scope["user"] = user
        self.frames = []

    async def open(self):
        self.accepted, self.code = await self.wire.connect()
        return self

    async def send(self, **frame):
        await self.wire.send_to(text_data=json.dumps(frame))

    async def until(self, kind, **fields):
        while True:
            frame = json.loads(await self.wire.receive_from(timeout=WAIT))
            if frame["type"] == kind and fields.items() <= frame.items():
                return frame
            self.frames.append(frame)

    async def close(self):
        await self.wire.disconnect()


def make_reader(name):
    reader = User.objects.create_user(name, is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    return reader


@pytest.fixture
def staff():
    return make_staff("mei")


@pytest.fixture
async def guest(shop, trained):
    client = await Client().open()
    await client.say("hello")
    await client.until("message", sender="bot")
    yield client
    await client.close()


async def of(guest):
    return await Conversation.objects.aget(public_id=guest.welcome["conversation"])


async def handed_over(guest, staff):
    chat = await of(guest)
    await sync_to_async(staffing.take_over)(chat.pk, staff, now=NOW)
    await guest.until("state", state="agent")
    return chat


async def test_the_customer_sees_that_staff_type_and_staff_that_the_customer_does(guest, staff):
    chat = await handed_over(guest, staff)
    line = await Line(staff, chat.pk).open()
    await line.send(type="typing", typing=True)
    assert (await guest.until("typing", sender="agent"))["typing"] is True
    await line.send(type="typing", typing=False)
    assert (await guest.until("typing", sender="agent"))["typing"] is False
    await guest.send({"type": "typing", "typing": True})
    assert (await line.until("typing", sender="customer"))["typing"] is True
    assert await Message.objects.filter(conversation=chat).acount() == chat.last_seq + 1
    await line.close()


async def test_read_marks_go_both_ways_and_stay(guest, staff):
    chat = await handed_over(guest, staff)
    line = await Line(staff, chat.pk).open()
    look = await line.until("look")
    await line.send(type="read", seq=look["seq"])
    assert (await guest.until("read", sender="agent"))["seq"] == look["seq"]
    await guest.send({"type": "read", "seq": look["seq"]})
    assert (await line.until("read", sender="customer"))["seq"] == look["seq"]
    chat = await of(guest)
    assert (chat.staff_read, chat.customer_read) == (look["seq"], look["seq"])
    await line.close()


async def test_who_comes_back_is_told_how_far_was_read(guest, staff):
    chat = await handed_over(guest, staff)
    last = (await of(guest)).last_seq
    await sync_to_async(reading_marks.note)(chat.pk, "staff_read", last)
    await sync_to_async(reading_marks.note)(chat.pk, "customer_read", last)
    again = await Client().open(
        visitor=guest.welcome["visitor"], conversation=guest.welcome["conversation"], after=last
    )
    assert (await again.until("read", sender="agent"))["seq"] == last
    line = await Line(staff, chat.pk).open()
    assert (await line.until("look"))["customer_read"] == last
    snapshot = await sync_to_async(inbox.snapshot)(await of(guest))
    assert snapshot["customer_read"] == last
    await line.close()
    await again.close()


async def test_a_new_message_and_a_new_state_have_the_page_look(guest, staff):
    chat = await of(guest)
    line = await Line(staff, chat.pk).open()
    first = await line.until("look")
    await guest.say("thanks", client_id="c2")
    assert (await line.until("look"))["seq"] > first["seq"]
    await sync_to_async(staffing.take_over)(chat.pk, staff, now=NOW)
    assert (await line.until("look", state="agent"))["seq"]
    await line.close()


async def test_who_looks_over_the_bots_shoulder_leaves_no_mark(guest, staff):
    chat = await of(guest)
    line = await Line(staff, chat.pk).open()
    await line.until("look")
    await line.send(type="read", seq=chat.last_seq)
    await line.send(type="nonsense")
    await line.until("error", code="bad_frame")  # what came before it has been dealt with
    assert (await of(guest)).staff_read == 0
    await line.close()


async def test_who_may_only_look_types_and_reads_nothing(guest, staff):
    chat = await handed_over(guest, staff)
    reader = await sync_to_async(make_reader)("li")
    line = await Line(reader, chat.pk).open()
    await line.until("look")
    await line.send(type="typing", typing=True)
    await line.send(type="read", seq=1)
    await line.send(type="nonsense")
    await line.until("error")
    assert (await of(guest)).staff_read == 0
    assert "read" not in {frame["type"] for frame in guest.frames}
    await line.close()


@pytest.mark.parametrize("who", ["anonymous", "customer", "no rights", "left"])
async def test_nobody_else_is_let_in(guest, who):
    chat = await of(guest)
    make = sync_to_async(User.objects.create_user)
    user = AnonymousUser()
    if who == "customer":
        user = await make("c")
    if who == "no rights":
        user = await make("n", is_staff=True)
    if who == "left":
        user = await make("x", is_staff=True, is_superuser=True, is_active=False)
    line = await Line(user, chat.pk).open()
    assert (line.accepted, line.code) == (False, 4403)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example", "host": "shop.example"}, {"host": "shop.example"}],
)
async def test_another_page_may_not_use_the_session(guest, staff, headers):
    chat = await of(guest)
    line = await Line(staff, chat.pk, **headers).open()
    assert (line.accepted, line.code) == (False, 4403)


async def test_an_unknown_chat_is_refused(guest, staff):
    line = await Line(staff, 10**9).open()
    assert (line.accepted, line.code) == (False, 4404)


async def test_bad_frames_and_binary_are_refused_and_a_flood_ends_the_line(guest, staff):
    chat = await of(guest)
    line = await Line(staff, chat.pk).open()
    await line.until("look")
    await line.wire.send_to(bytes_data=b"\x00\x01")
    await line.until("error", code="bad_frame")
    await line.send(type="read", seq="9")
    await line.until("error", code="bad_frame")
    for _ in range(120):
        await line.send(type="nonsense")
    while (out := await line.wire.receive_output(WAIT))["type"] != "websocket.close":
        pass
    assert out["code"] == 1008


@pytest.mark.parametrize(("seq", "reached"), [(1, 1), (2, 2), (99, 2), (0, 0)])
def test_marks_only_grow_and_pass_no_last_message(
    chat, django_assert_max_num_queries, seq, reached
):
    chat.say("hello")
    with django_assert_max_num_queries(2):
        assert reading_marks.note(chat.row.pk, "customer_read", seq) == reached
    assert reading_marks.note(chat.row.pk, "customer_read", 1) == (1 if seq == 0 else 0)
    assert Conversation.objects.get().customer_read == max(reached, 1)
