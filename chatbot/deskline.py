"""The staff's side of the socket: who types, how far was read, and that there is something to see.

The page reads messages over HTTP as ever, also where no socket comes about; this line tells it
when to look, and carries what is never stored. Only staff who may see chats are let in.
"""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import urlparse

from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from chatbot import frames, reading_marks, sockets
from chatbot.sockets import Frame

logger = logging.getLogger(__name__)
MAY_SEE, MAY_ACT = "chatbot.view_conversation", "chatbot.change_conversation"
NOT_ALLOWED, UNKNOWN, FLOOD = 4403, 4404, 1008
PATIENCE = 40  # refused frames in a row


class DeskConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Of one open page of one conversation."""

    channel_layer_alias = None
    conversation_id = 0
    sent_seq = 0
    sent_state = ""
    may_act = False
    follower: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        self.passing: dict[tuple[str, str], Frame] = {}
        self.behind = asyncio.Event()
        self.bucket = frames.Bucket(at=asyncio.get_running_loop().time())
        rights = await sockets.run(_rights, self.scope.get("user"))
        if MAY_SEE not in rights or not self._is_from_here():
            await self.close(code=NOT_ALLOWED)
            return
        self.may_act = MAY_ACT in rights
        wanted = self.scope["url_route"]["kwargs"]["pk"]
        if await sockets.run(reading_marks.standing, wanted) is None:
            await self.close(code=UNKNOWN)
            return
        self.conversation_id = wanted
        await self.accept()
        sockets.switchboard.join(self)
        self.follower = asyncio.create_task(self._follow())
        self.look_again()  # whatever happened before this line was there

    async def disconnect(self, code: int) -> None:
        if self.conversation_id:
            sockets.switchboard.leave(self)
        if self.follower:
            self.follower.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.bucket.take(asyncio.get_running_loop().time()):
            if self.bucket.refused > PATIENCE:
                await self.close(code=FLOOD)
            return
        try:
            if text_data is None or len(text_data) > frames.BIGGEST:
                raise frames.BadFrame("frames are short texts")
            frame = frames.parse(text_data)
        except frames.BadFrame as error:
            await self._send({"type": "error", "code": error.code, "detail": str(error)})
            return
        if self.may_act and frame["type"] == "typing":
            told = {"type": "typing", "sender": "agent", "typing": frame["typing"]}
            sockets.switchboard.tell_others(self, told)
        elif self.may_act and frame["type"] == "read":
            await self._read(frame["seq"])

    async def _read(self, seq: int) -> None:
        """Staff have read so far; nothing new is told to nobody."""
        reached = await sockets.run(
            reading_marks.note, self.conversation_id, "staff_read", seq, with_staff=True
        )
        if reached:
            told = {"type": "read", "sender": "agent", "seq": reached}
            sockets.switchboard.tell_others(self, told)

    def look_again(self) -> None:
        self.behind.set()

    def offer(self, frame: Frame, state: str) -> None:
        self.behind.set()

    def pass_on(self, frame: Frame) -> None:
        self.passing[frame["type"], frame.get("sender", "")] = frame
        self.behind.set()

    async def _follow(self) -> None:
        while True:
            await self.behind.wait()
            self.behind.clear()
            while self.passing:
                await self._send(self.passing.popitem()[1])
            try:
                await self._tell_where_it_stands()
            except DatabaseError:  # the page polls meanwhile
                logger.exception("chat: a line of the desk could not read what is new")

    async def _tell_where_it_stands(self) -> None:
        stands = await sockets.run(reading_marks.standing, self.conversation_id)
        if stands is None:
            return
        seq, state = stands["seq"], stands["state"]
        if (seq, state) != (self.sent_seq, self.sent_state):
            self.sent_seq, self.sent_state = seq, state
            await self._send({"type": "look", **stands})

    async def _send(self, frame: Frame) -> None:
        await self.send(text_data=json.dumps(frame, ensure_ascii=False))

    def _is_from_here(self) -> bool:
        """The session's cookie comes along from any page: only our own may use it."""
        headers = dict(self.scope["headers"])
        origin, host = headers.get(b"origin", b"").decode("latin-1"), headers.get(b"host", b"")
        return bool(origin) and urlparse(origin).netloc == host.decode("latin-1")


def _rights(user: Any) -> set[str]:
    """Which of the two permissions this user has. Of a session that is over, none."""
    if user is None or isinstance(user, AnonymousUser) or not (user.is_active and user.is_staff):
        return set()
    return {name for name in (MAY_SEE, MAY_ACT) if user.has_perm(name)}
