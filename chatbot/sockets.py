"""The open sockets of this process, and the poll that finds what other processes wrote.

A wake-up, from here or from another process, is only a hint and may get lost; the poll
compares what each socket has sent with what the table holds.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import local
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import DatabaseError, connection

from chatbot import cards, relay, wakeups
from chatbot.frames import Bucket
from chatbot.models import Conversation, Message

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
POLL_SECONDS = 0.3
POLL_SECONDS_WITH_RELAY = 2.0  # where other processes wake us, the poll is the net below
MOST_BUCKETS = 2_000
BROKER_PAUSE = 1.0  # seconds between attempts to listen
SOUND_FOR = 5.0  # seconds for which a connection that worked is not asked whether it still does
_last = local()  # when a thread's connection was used
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="chat")


Frame = dict[str, Any]


class Socket(Protocol):
    """None of these waits for the other end: a slow reader holds nobody up."""

    conversation_id: int
    sent_seq: int
    sent_state: str

    def look_again(self) -> None: ...

    def offer(self, frame: Frame, state: str) -> None: ...

    def pass_on(self, frame: Frame) -> None: ...


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work (understanding, the database) on a thread, never in the event loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        _threads, partial(_with_sound_connection, function, *args, **kwargs)
    )


def _with_sound_connection(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """These few threads keep their connections: opening one costs more than most queries.

    One that failed is looked at, and replaced, before the next piece of work; so is one that has
    not been used for a while. One that has just worked is believed: asking it costs a query.
    """
    connection.close_at = None
    connection.close_if_unusable_or_obsolete()
    used_at = getattr(_last, "used_at", -SOUND_FOR)
    is_sound = time.monotonic() - used_at < SOUND_FOR
    connection.health_check_done = is_sound  # type: ignore[attr-defined]  # unknown to the stubs
    try:
        return function(*args, **kwargs)
    finally:
        _last.used_at = time.monotonic()


class Switchboard:
    """Which sockets follow which conversation, in one event loop."""

    def __init__(self) -> None:
        self.sockets: dict[int, set[Socket]] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.poll: asyncio.Task[None] | None = None
        self.hearing: asyncio.Task[None] | None = None
        self.joining: asyncio.Task[None] | None = None
        self.receiver = relay.Receiver()
        self.buckets: dict[str, Bucket] = {}

    def bucket_of(self, visitor: str, *, now: float) -> Bucket:
        """What a visitor may still send, over all of their sockets here, open and closed."""
        if len(self.buckets) > MOST_BUCKETS:  # a full one says nothing
            self.buckets = {k: b for k, b in self.buckets.items() if not b.is_full(now)}
        return self.buckets.setdefault(visitor, Bucket(at=now))

    def join(self, socket: Socket) -> None:
        loop = asyncio.get_running_loop()
        if self.loop is not loop:  # another loop (tests start one each): begin anew
            self.sockets, self.poll, self.hearing, self.joining = {}, None, None, None
            self.loop = loop
            self.receiver = relay.Receiver()
        self.sockets.setdefault(socket.conversation_id, set()).add(socket)
        if self.poll is None or self.poll.done():
            self.poll = loop.create_task(self._poll())
        if relay.is_on():
            relay.sender.use(loop)
            if self.hearing is None or self.hearing.done():
                self.hearing = loop.create_task(self._hear())
        wakeups.listen(self.wake)

    def leave(self, socket: Socket) -> None:
        left = self.sockets.get(socket.conversation_id, set())
        left.discard(socket)
        if not left:
            self.sockets.pop(socket.conversation_id, None)

    def count(self, conversation_id: int) -> int:
        return len(self.sockets.get(conversation_id, ()))

    def tell_others(self, socket: Socket, frame: Frame) -> None:
        """Pass on what is not stored: who types, what was read."""
        relay.sender.send(socket.conversation_id, frame)
        for other in self.sockets.get(socket.conversation_id, ()):
            if other is not socket:
                other.pass_on(frame)

    def wake(self, conversation_id: int, message: Message | None = None) -> None:
        """Called from any thread after a commit in this process."""
        if conversation_id not in self.sockets or self.loop is None or self.loop.is_closed():
            return
        if message is None:
            self.loop.call_soon_threadsafe(self._wake, conversation_id)
        else:
            told = cards.frame(message), message.conversation.state
            self.loop.call_soon_threadsafe(self._offer, conversation_id, *told)

    def _wake(self, conversation_id: int) -> None:
        for socket in self.sockets.get(conversation_id, ()):
            socket.look_again()

    def _offer(self, conversation_id: int, frame: Frame, state: str) -> None:
        for socket in self.sockets.get(conversation_id, ()):
            socket.offer(frame, state)

    async def _hear(self) -> None:
        """Wake whoever another process speaks of, as long as anybody is here."""
        while self.sockets and not _is_cancelled():
            await self.receiver.join()
            try:
                while self.sockets and not _is_cancelled():
                    self._take(await self.receiver.next())
            except Exception as error:  # the broker's trouble: the poll goes on meanwhile
                if _is_cancelled():
                    raise
                logger.warning("chat: no wake-ups from other processes: %s", error)
                await asyncio.sleep(BROKER_PAUSE)
        await self.receiver.leave()

    def _take(self, hints: list[relay.Hint]) -> None:
        for conversation_id, frame in hints:
            for socket in self.sockets.get(conversation_id, ()):
                socket.pass_on(frame) if frame else socket.look_again()

    async def _poll(self) -> None:
        while self.sockets:
            await asyncio.sleep(POLL_SECONDS_WITH_RELAY if relay.is_on() else POLL_SECONDS)
            try:
                rows = await run(_present, list(self.sockets))
            except DatabaseError:  # the next poll tries again; nothing is lost meanwhile
                logger.exception("chat: the poll could not read the database")
                continue
            behind = [
                socket
                for pk, last_seq, state in rows
                for socket in self.sockets.get(pk, ())
                if socket.sent_seq < last_seq or socket.sent_state != state
            ]
            for socket in behind:
                socket.look_again()
            if relay.is_on() and (self.joining is None or self.joining.done()):
                # The broker may have lost the group, and forgets who does not come back.
                self.joining = asyncio.create_task(self.receiver.join())


def _is_cancelled() -> bool:
    """Whether this task is to end: the layer may answer that with an error, or with a message."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _present(ids: list[int]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for start in range(0, len(ids), 500):
        rows = Conversation.objects.filter(pk__in=ids[start : start + 500])
        found.extend(rows.values_list("pk", "last_seq", "state"))
    return found


switchboard = Switchboard()
