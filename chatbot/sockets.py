"""The open sockets of this process, and the poll that finds what other processes wrote.

A wake-up is only a hint and may get lost; the poll compares what each socket has sent with
what the table holds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import DatabaseError, connection

from chatbot import wakeups
from chatbot.models import Conversation

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
POLL_SECONDS = 0.3
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="chat")


class Socket(Protocol):
    conversation_id: int
    sent_seq: int
    sent_state: str

    def look_again(self) -> None: ...


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work (understanding, the database) on a thread, never in the event loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        _threads, partial(_with_sound_connection, function, *args, **kwargs)
    )


def _with_sound_connection(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """These few threads keep their connections: opening one costs more than most queries.

    One that failed is looked at, and replaced, before the next piece of work.
    """
    connection.close_at = None
    connection.close_if_unusable_or_obsolete()
    return function(*args, **kwargs)


class Switchboard:
    """Which sockets follow which conversation, in one event loop."""

    def __init__(self) -> None:
        self.sockets: dict[int, set[Socket]] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.poll: asyncio.Task[None] | None = None

    def join(self, socket: Socket) -> None:
        loop = asyncio.get_running_loop()
        if self.loop is not loop:  # another loop (tests start one each): begin anew
            self.sockets, self.poll, self.loop = {}, None, loop
        self.sockets.setdefault(socket.conversation_id, set()).add(socket)
        if self.poll is None or self.poll.done():
            self.poll = loop.create_task(self._poll())
        wakeups.listen(self.wake)

    def leave(self, socket: Socket) -> None:
        left = self.sockets.get(socket.conversation_id, set())
        left.discard(socket)
        if not left:
            self.sockets.pop(socket.conversation_id, None)

    def others(self, socket: Socket) -> list[Socket]:
        return [s for s in self.sockets.get(socket.conversation_id, ()) if s is not socket]

    def wake(self, conversation_id: int) -> None:
        """Called from any thread after a commit in this process."""
        if conversation_id in self.sockets and self.loop and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._wake, conversation_id)

    def _wake(self, conversation_id: int) -> None:
        for socket in list(self.sockets.get(conversation_id, ())):
            socket.look_again()

    async def _poll(self) -> None:
        while self.sockets:
            await asyncio.sleep(POLL_SECONDS)
            try:
                rows = await run(_present, list(self.sockets))
            except DatabaseError:  # the next poll tries again; nothing is lost meanwhile
                logger.exception("chat: the poll could not read the database")
                continue
            for pk, last_seq, state in rows:
                for socket in list(self.sockets.get(pk, ())):
                    if socket.sent_seq < last_seq or socket.sent_state != state:
                        socket.look_again()


def _present(ids: list[int]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for start in range(0, len(ids), 500):
        rows = Conversation.objects.filter(pk__in=ids[start : start + 500])
        found.extend(rows.values_list("pk", "last_seq", "state"))
    return found


switchboard = Switchboard()
Sender = Callable[[dict[str, Any]], Awaitable[None]]
