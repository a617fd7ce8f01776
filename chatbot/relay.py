"""Wake-ups across processes, through the channel layer, where one is configured that reaches them.

Only hints travel here. A hint that gets lost costs a little time and nothing else: the row is
the truth, and the poll of `chatbot/sockets.py` finds what no hint has told. So nothing here
waits for the broker or raises into whoever has something to tell.

All processes with open sockets are in one group, and a process sends them one note of all that
gathered in a moment: a note is more work than an answer to a greeting, however much it tells.
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
Frame = dict[str, Any]
Hint = tuple[int, Frame | None]  # the conversation to look at, or what to pass on in it
GROUP = "chat"
HERE = uuid.uuid4().hex
PATIENCE = 2.0  # seconds for one note
MOST = 1_000  # hints that wait; a broker that hangs must not fill the memory
AT_ONCE = 200  # hints in one note
GATHERED = 0.05  # seconds; who sits in another process sees a message that much later


def is_on() -> bool:
    """Whether other processes can be reached."""
    return bool(settings.REDIS_URL)


def here() -> str:
    """This process, whose sockets were woken directly. A forked one is another."""
    return f"{HERE}:{os.getpid()}"


class Sender:
    """Sends notes on an event loop: the one of the sockets where there is one, else its own."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.process = 0
        self.waiting: list[Hint] = []
        self.sending: asyncio.Task[None] | None = None
        self.is_failing = False
        self.lock = threading.Lock()

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.loop is not loop or self.process != os.getpid():
            self.loop, self.process = loop, os.getpid()
            self.waiting, self.sending = [], None

    def send(self, conversation_id: int, frame: Frame | None = None) -> None:
        """Have all other processes look at this conversation again, or pass on a frame.

        From any thread, after the commit. Returns at once.
        """
        if not is_on() or len(self.waiting) >= MOST:
            return
        try:
            loop = self._running_loop()
            loop.call_soon_threadsafe(self._add, (conversation_id, frame))
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

    def _add(self, hint: Hint) -> None:
        if hint not in self.waiting[-AT_ONCE:]:
            self.waiting.append(hint)
        if self.sending is None or self.sending.done():
            self.sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self.waiting:
            await asyncio.sleep(GATHERED)
            hints, self.waiting = self.waiting[:AT_ONCE], self.waiting[AT_ONCE:]
            note = {"type": "wake", "from": here(), "hints": hints}
            try:
                await asyncio.wait_for(get_channel_layer().group_send(GROUP, note), PATIENCE)
            except Exception as error:  # the broker's trouble, whatever it is, is not the sender's
                if not self.is_failing:
                    logger.warning("chat: wake-ups do not get out, the poll goes on: %s", error)
                self.is_failing = True
            else:
                self.is_failing = False


class Receiver:
    """The one channel of this process, in the group of all that have open sockets."""

    def __init__(self) -> None:
        self.channel = ""

    async def join(self) -> None:
        """Also where the broker may have forgotten the group."""
        await self._tell("group_add")

    async def leave(self) -> None:
        await self._tell("group_discard")

    async def next(self) -> list[Hint]:
        """What another process tells next. Raises whatever the broker's trouble is."""
        while True:
            note = await get_channel_layer().receive(self.channel)
            if note["from"] != here():
                return [(pk, frame) for pk, frame in note["hints"]]

    async def _tell(self, what: str) -> None:
        layer = get_channel_layer()
        try:
            if not self.channel:
                self.channel = await layer.new_channel()
            await asyncio.wait_for(getattr(layer, what)(GROUP, self.channel), PATIENCE)
        except Exception as error:  # the poll finds what this group would have told
            logger.debug("chat: %s failed: %s", what, error)


sender = Sender()
