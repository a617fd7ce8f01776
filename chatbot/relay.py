"""Wake-ups across processes, through the channel layer, where one is configured that reaches them.

Only hints travel here. A hint that gets lost costs a little time and nothing else: the row is
the truth, and the poll of `chatbot/sockets.py` finds what no hint has told. So nothing here
waits for the broker or raises into whoever has something to tell.
"""

import asyncio
import logging
import os
import threading
import uuid
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

logger = logging.getLogger(__name__)
Note = dict[str, Any]
HERE = uuid.uuid4().hex
PATIENCE = 2.0  # seconds for one note
MOST = 200  # notes on their way; a broker that hangs must not fill the memory


def is_on() -> bool:
    """Whether other processes can be reached."""
    return bool(settings.REDIS_URL)


def group_of(conversation_id: int) -> str:
    return f"chat.{conversation_id}"


def here() -> str:
    """This process, whose sockets were woken directly. A forked one is another."""
    return f"{HERE}:{os.getpid()}"


class Sender:
    """Sends notes on an event loop: the one of the sockets where there is one, else its own."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.process = 0
        self.on_their_way: set[asyncio.Task[None]] = set()
        self.is_failing = False
        self.lock = threading.Lock()

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.process = loop, os.getpid()
        self.on_their_way = set()

    def send(self, conversation_id: int, frame: Note | None = None) -> None:
        """Have all other processes look at this conversation again, or pass on a frame.

        From any thread, after the commit. Returns at once.
        """
        if not is_on() or len(self.on_their_way) >= MOST:
            return
        note = {"type": "wake", "from": here(), "conversation": conversation_id, "frame": frame}
        try:
            self._running_loop().call_soon_threadsafe(self._start, note)
        except RuntimeError:  # the process is ending, and its loop was closed just now
            logger.debug("chat: no wake-up for %s", conversation_id)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self.lock:
            # A forked worker has inherited a loop, but not the thread that ran it.
            is_ours = self.process == os.getpid()
            if self.loop is not None and is_ours and self.loop.is_running():
                return self.loop
            loop = asyncio.new_event_loop()
            self.use(loop)
            threading.Thread(target=loop.run_forever, name="relay", daemon=True).start()
            return loop

    def _start(self, note: Note) -> None:
        task = asyncio.get_running_loop().create_task(self._send(note))
        self.on_their_way.add(task)
        task.add_done_callback(self.on_their_way.discard)

    async def _send(self, note: Note) -> None:
        try:
            layer = get_channel_layer()
            group = group_of(note["conversation"])
            await asyncio.wait_for(layer.group_send(group, note), PATIENCE)
        except Exception as error:  # the broker's trouble, of whatever kind, is not the sender's
            if not self.is_failing:
                logger.warning("chat: wake-ups do not get out, the poll goes on: %s", error)
            self.is_failing = True
        else:
            self.is_failing = False


class Receiver:
    """One channel of this process, in the groups of all conversations that are open in it."""

    def __init__(self) -> None:
        self.channel = ""

    async def join(self, conversation_id: int) -> None:
        await self._tell("group_add", conversation_id)

    async def leave(self, conversation_id: int) -> None:
        await self._tell("group_discard", conversation_id)

    async def next(self) -> Note:
        """The next note of another process. Raises whatever the broker's trouble is."""
        layer = get_channel_layer()
        if not self.channel:
            self.channel = await layer.new_channel()
        while True:
            note: Note = await layer.receive(self.channel)
            if note["from"] != here():
                return note

    async def _tell(self, what: str, conversation_id: int) -> None:
        layer = get_channel_layer()
        try:
            if not self.channel:
                self.channel = await layer.new_channel()
            joining = getattr(layer, what)(group_of(conversation_id), self.channel)
            await asyncio.wait_for(joining, PATIENCE)
        except Exception as error:  # the poll finds what this group would have told
            logger.debug("chat: %s failed: %s", what, error)


sender = Sender()
