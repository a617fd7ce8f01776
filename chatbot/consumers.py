"""The chat socket. It carries frames; the conversation itself happens on worker threads.

The database row is the truth: a socket remembers the last number that it sent, and a
wake-up or the poll makes it send everything after that, in order.
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Exists, F, OuterRef
from django.http.request import validate_host
from django.utils import timezone

from chatbot import cards, conversation, frames, ratings, reading_marks, sockets, visits
from chatbot.models import Conversation, Message
from chatbot.sockets import Frame
from crm.models import Source
from crm.prepared import Prepared

logger = logging.getLogger(__name__)
HELLO_WITHIN = 10.0
PATIENCE = 40  # refused messages in a row, after which a flood ends the connection
FLOOD, TOO_BIG, NO_IDENTITY = 1008, 1009, 4401
BATCH = 200
MOST_FRESH = 50  # messages that wait for a slow reader; the rest waits in the table
MOST_WORK = 50  # messages of one socket that wait for an answer; then it is not read from
READ_PAUSE = 0.3  # seconds in which what was read is gathered
MOST_TABS = 50  # sockets of one conversation in this process


STANDING = Prepared(
    lambda pk: (
        Conversation.objects.filter(pk=pk)
        .annotate(waits=Exists(Message.objects.unanswered().filter(conversation=OuterRef("pk"))))
        .values_list("state", "last_seq", "waits")
    ),
    pk=int,
)
AFTER = Prepared(
    lambda pk, seq: (
        Message.objects.filter(conversation_id=pk)
        .after(seq)
        .annotate(state=F("conversation__state"))[:BATCH]
    ),
    pk=int,
    seq=int,
)


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    # A socket that read the channel layer itself would break with the broker: the switchboard does.
    channel_layer_alias = None
    conversation_id = 0
    is_gone = False
    sent_seq = 0
    sent_state = ""
    resume_from: int | None = None
    read_to = 0
    reading: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        origin, host = self._header(b"origin"), self._header(b"host")
        if not _is_ours(origin, host) and not await sockets.run(_is_allowed, origin):
            await self.close(code=4403)
            return
        self.bucket = frames.Bucket(at=asyncio.get_running_loop().time())
        self.behind = asyncio.Event()
        self.must_read = False
        self.fresh: dict[int, tuple[Frame, str]] = {}
        self.passing: dict[tuple[str, str], Frame] = {}
        self.work: asyncio.Queue[int] = asyncio.Queue(MOST_WORK)
        self.tasks = [asyncio.create_task(self._expect_hello())]
        await self.accept()

    async def disconnect(self, code: int) -> None:
        sockets.switchboard.leave(self)
        for task in getattr(self, "tasks", []):
            task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        size = len(bytes_data) if bytes_data is not None else len((text_data or "").encode())
        if size > frames.BIGGEST:
            await self.close(code=TOO_BIG)
            return
        if not self.bucket.take(asyncio.get_running_loop().time()):
            await self._refuse("too_fast", "at most 20 messages at once and 10 a second")
            if self.bucket.refused > PATIENCE:
                await self.close(code=FLOOD)
            return
        try:
            if text_data is None:
                raise frames.BadFrame("frames are text, not binary")
            frame = frames.parse(text_data)
            if frame["type"] != "hello" and not self.conversation_id:
                raise frames.BadFrame("the first frame must be hello")
            await getattr(self, f"on_{frame['type']}")(frame)
        except frames.BadFrame as error:
            await self._refuse(error.code, str(error))

    async def on_hello(self, frame: Frame) -> None:
        claim = visits.Claim(
            visitor=frame["visitor"],
            user_id=frame["user_id"],
            proof=frame["user_hash"],
            conversation=frame["conversation"],
            language=frame["locale"],
        )
        if not self.conversation_id:  # who says hello may have to wait for a busy server
            self.tasks[0].cancel()
        now = timezone.localtime()
        try:
            visit = await sockets.run(
                visits.enter, claim, secret=settings.WIDGET_IDENTITY_SECRET, now=now
            )
        except visits.Unauthorised as error:
            await self._refuse("unauthorised", str(error))
            await self.close(code=NO_IDENTITY)
            return
        except visits.UnknownConversation as error:
            await self._refuse("unknown_conversation", str(error))
            if not self.conversation_id:
                self.tasks = [asyncio.create_task(self._expect_hello())]
            return
        await self._welcome(visit, after=frame["after"])

    async def _welcome(self, visit: visits.Visit, *, after: int) -> None:
        if self.conversation_id:
            sockets.switchboard.leave(self)
        for task in self.tasks:
            task.cancel()
        if sockets.switchboard.count(visit.conversation.pk) >= MOST_TABS:
            await self._refuse("too_fast", f"at most {MOST_TABS} connections of one visitor")
            await self.close(code=FLOOD)
            return
        now = asyncio.get_running_loop().time()
        self.bucket = sockets.switchboard.bucket_of(visit.visitor, now=now)
        self.conversation_id = visit.conversation.pk
        self.fresh.clear()  # of another conversation, where this is not the first hello
        self.passing.clear()
        self.must_read = False
        # Joined before the table is read: what is stored from now on is offered to this socket.
        sockets.switchboard.join(self)
        here = await sockets.run(_so_far, self.conversation_id, after)
        missed = here.messages
        self.sent_seq = missed[-1]["seq"] if missed else min(after, here.last_seq)
        self.sent_state = here.state
        await self._send(
            {
                "type": "welcome",
                "visitor": visit.visitor,
                "conversation": str(visit.conversation.public_id),
                "seq": max(self.sent_seq, here.last_seq),
                "state": here.state,
                "verified": visit.is_verified,
                "messages": missed,
            }
        )
        if visit.conversation.staff_read:
            read = {"type": "read", "sender": "agent", "seq": visit.conversation.staff_read}
            await self._send(read)
        self.tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._answer())]
        if len(missed) == BATCH:
            self.look_again()
        for message_id in here.unanswered:
            await self.work.put(message_id)

    async def on_message(self, frame: Frame) -> None:
        message = await sockets.run(
            conversation.hear,
            self.conversation_id,
            text=frame["text"],
            client_id=frame["client_id"],
            now=timezone.localtime(),
        )
        await self._send({"type": "ack", "client_id": frame["client_id"], "seq": message.seq})
        await self.work.put(message.pk)

    async def on_resume(self, frame: Frame) -> None:
        self.resume_from = frame["after"]  # taken up between two messages, never in the middle
        self.look_again()

    async def on_feedback(self, frame: Frame) -> None:
        wanted = {name: frame[name] for name in ("seq", "rating", "comment")}
        try:
            await sockets.run(ratings.rate_answer, self.conversation_id, **wanted)
        except ratings.NothingToRate as error:
            raise frames.BadFrame(str(error)) from None

    async def on_csat(self, frame: Frame) -> None:
        now = timezone.localtime()
        await sockets.run(
            ratings.rate_conversation, self.conversation_id, score=frame["score"], now=now
        )

    async def on_read(self, frame: Frame) -> None:
        """Written down once in a while: a reader of a long answer says it often."""
        self.read_to = max(self.read_to, frame["seq"])
        if self.reading is None or self.reading.done():
            self.reading = asyncio.create_task(self._note_read())

    async def _note_read(self) -> None:
        await asyncio.sleep(READ_PAUSE)
        reached = await sockets.run(
            reading_marks.note, self.conversation_id, "customer_read", self.read_to
        )
        if reached:
            read = {"type": "read", "sender": "customer", "seq": reached}
            sockets.switchboard.tell_others(self, read)

    async def on_typing(self, frame: Frame) -> None:
        typing = {"type": "typing", "sender": "customer", "typing": frame["typing"]}
        sockets.switchboard.tell_others(self, typing)

    def look_again(self) -> None:
        self.must_read = True
        self.behind.set()

    def offer(self, frame: Frame, state: str) -> None:
        """A message that was stored just now: sent as it is where it is the next one."""
        if len(self.fresh) < MOST_FRESH:
            self.fresh[frame["seq"]] = (frame, state)
        else:
            self.must_read = True
        self.behind.set()

    def pass_on(self, frame: Frame) -> None:
        """The last word of each kind is enough: who types, how far was read."""
        self.passing[frame["type"], frame.get("sender", "")] = frame
        self.behind.set()

    async def _follow(self) -> None:
        """Send everything after the last number sent, whenever somebody says that there is more."""
        while True:
            await self.behind.wait()
            self.behind.clear()
            try:
                await self._catch_up()
            except DatabaseError:  # the poll wakes this socket again; nothing is lost meanwhile
                logger.exception("chat: a socket could not read what is new")

    async def _catch_up(self) -> None:
        while self.passing:
            await self._send(self.passing.popitem()[1])
        await self._send_fresh()
        while self.must_read:
            self.must_read = False
            if await self._send_what_is_new():
                self.must_read = True
            await self._send_fresh()

    async def _send_fresh(self) -> None:
        """Send what was offered as long as no number is missing; the table has what is."""
        while self.resume_from is None and self.sent_seq + 1 in self.fresh:
            frame, state = self.fresh.pop(self.sent_seq + 1)
            await self._send(frame)
            self.sent_seq = frame["seq"]
            await self._send_state(state)
        if any(seq > self.sent_seq for seq in self.fresh):
            self.must_read = True
        self.fresh.clear()

    async def _send_what_is_new(self) -> bool:
        """Return whether there may be more."""
        if self.resume_from is not None:
            self.sent_seq, self.resume_from = self.resume_from, None
        messages, state = await sockets.run(_messages, self.conversation_id, self.sent_seq)
        for message in messages:
            if self.resume_from is not None:
                return True
            await self._send(message)
            self.sent_seq = message["seq"]
        await self._send_state(state)
        return len(messages) == BATCH or self.resume_from is not None

    async def _send_state(self, state: str) -> None:
        if state != self.sent_state:
            self.sent_state = state
            await self._send({"type": "state", "state": state})

    async def _answer(self) -> None:
        """Deal with this socket's messages one after the other."""
        while True:
            message_id = await self.work.get()
            if self.sent_state == Conversation.State.BOT:
                await self._send({"type": "typing", "sender": "bot", "typing": True})
            answer = None
            try:
                answer = await sockets.run(
                    conversation.respond, message_id, now=timezone.localtime()
                )
            except Exception:  # the message is kept and answered by the sweep; the socket lives on
                logger.exception("chat: message %s could not be answered", message_id)
            if answer is None:  # an answer has woken this socket when it was stored
                self.look_again()

    async def _expect_hello(self) -> None:
        await asyncio.sleep(HELLO_WITHIN)
        await self._refuse("unauthorised", "no hello within 10 seconds")
        await self.close(code=NO_IDENTITY)

    async def _refuse(self, code: str, detail: str) -> None:
        await self._send({"type": "error", "code": code, "detail": detail})

    async def _send(self, frame: Frame) -> None:
        """Nothing where the other end is gone: it asks for what it missed when it is back."""
        if self.is_gone:
            return
        try:
            await self.send(text_data=json.dumps(frame, ensure_ascii=False))
        except RuntimeError as error:  # the server has heard of it, and tells us next
            logger.debug("chat: a socket was closed meanwhile: %s", error)
            self.is_gone = True

    def _header(self, name: bytes) -> str:
        return next((v.decode("latin-1") for k, v in self.scope["headers"] if k == name), "")


def _is_ours(origin: str, host: str) -> bool:
    """Browsers say where a page comes from; what is no browser says nothing and has no cookies."""
    if not origin:
        return True
    there = urlparse(origin)
    if there.netloc and there.netloc == host:
        return True
    return bool(there.hostname and validate_host(there.hostname, settings.ALLOWED_HOSTS))


def _is_allowed(origin: str) -> bool:
    allowed = Source.objects.filter(revoked_at=None).values_list("allowed_origins", flat=True)
    return any(origin in origins for origins in allowed)


@dataclass(frozen=True)
class _Here:
    """How a conversation stands, and what a socket that comes back has not seen of it."""

    state: str
    last_seq: int
    messages: list[Frame]
    unanswered: list[int]


def _so_far(conversation_id: int, after: int) -> _Here:
    state, last_seq, waits = STANDING.first(pk=conversation_id)
    messages = _messages(conversation_id, after)[0] if last_seq > after else []
    return _Here(state, last_seq, messages, _unanswered(conversation_id) if waits else [])


def _messages(conversation_id: int, after: int) -> tuple[list[Frame], str]:
    messages: list[Any] = AFTER.rows(pk=conversation_id, seq=after)
    if messages:
        return [cards.frame(message) for message in messages], messages[0].state
    return [], STANDING.first(pk=conversation_id)[0]


def _unanswered(conversation_id: int) -> list[int]:
    waiting = Message.objects.unanswered().filter(conversation_id=conversation_id)
    return list(waiting.values_list("pk", flat=True)[:20])
