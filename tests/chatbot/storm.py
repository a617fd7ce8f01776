"""Visitors with sockets of their own, and weather: cut lines, dead servers, an emptied Redis.

A visitor here keeps what a browser keeps (token, conversation, the last number seen, what was not
acknowledged) and complains at once of a number that comes twice, out of order, or not at all.
"""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests import servers

HELLO = {"type": "hello", "locale": "en", "user_id": None, "user_hash": None}
WORDS = ("hello", "你好", "thanks", "谢谢", "what can you do?", "运费怎么算", "show me something")
PATIENCE = 150  # seconds until one answer, on a busy machine with dead servers


class Server:
    """The web process as the Procfile starts it, on a port that it keeps over its deaths."""

    def __init__(self, folder, environment):
        self.port, self.environment = servers.free_port(), environment
        self.log = folder / f"{self.port}.log"
        self.process, self.deaths = None, 0

    def start(self):
        options = ["--port", str(self.port), "--ws-max-size", "65536", "--no-access-log"]
        options += ["--timeout-graceful-shutdown", "5", "--log-level", "warning"]
        options += ["--ws-per-message-deflate", "false"]
        command = [sys.executable, "-m", "uvicorn", "marketing.asgi:application", *options]
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                command, cwd=servers.ROOT, env=self.environment, stdout=out, stderr=out
            )

    def ready(self):
        servers.wait_for(f"http://127.0.0.1:{self.port}/healthz", self.process, self.log)
        return self

    def end(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(60)
        self.deaths += 1

    @property
    def address(self):
        return f"ws://127.0.0.1:{self.port}/ws/chat/"


class Tab:
    """One page of a visitor: a line that comes back whenever it breaks."""

    def __init__(self, person, name):
        self.person, self.name, self.rng = person, name, person.rng
        self.wire, self.at, self.rewound = None, 0, None
        self.seen, self.unsent, self.sent = [], {}, []
        self.reconnects = -1
        self.line = asyncio.create_task(self._hold())

    async def _hold(self):
        while True:
            try:
                server = self.rng.choice(self.person.town)
                async with connect(server.address, open_timeout=20, ping_interval=None) as wire:
                    await self._hello(wire)
                    async for text in wire:
                        await self._take(wire, json.loads(text))
            except ConnectionClosed as end:
                self.person.codes.add(end.rcvd.code if end.rcvd else None)
            except (OSError, WebSocketException, TimeoutError):
                pass
            self.wire = None
            await asyncio.sleep(self.rng.uniform(0.02, 0.3))

    async def _hello(self, wire):
        self.reconnects += 1
        self.rewound = None
        known = {"visitor": self.person.visitor, "conversation": self.person.conversation}
        await wire.send(json.dumps({**HELLO, **known, "after": self.at}))

    async def _take(self, wire, frame):
        match frame["type"]:
            case "welcome":
                self.person.visitor = frame["visitor"]
                self.person.conversation = frame["conversation"]
                for message in frame["messages"]:
                    self._see(message)
                self.wire = wire
                for client_id, text in list(self.unsent.items()):
                    await self._send(client_id, text)
            case "message":
                self._see(frame)
            case "ack":
                self.unsent.pop(frame["client_id"], None)
            case "error":
                assert frame["code"] == "too_fast", frame
        self.person.news.set()

    def _see(self, message):
        seq, row = message["seq"], (message["seq"], message["sender"], message["text"])
        if self.rewound is not None and seq == self.rewound + 1:
            self.at, self.rewound = self.rewound, None
        assert seq == self.at + 1, f"{self.person.name}: {seq} came after {self.at}"
        self.at = seq
        if seq > len(self.seen):
            self.seen.append(row)
        assert self.seen[seq - 1] == row, f"{self.person.name}: {row} was {self.seen[seq - 1]}"
        self.person.note(message)

    async def say(self, text):
        client_id = f"{self.name}-{len(self.sent)}"
        self.sent.append(client_id)
        self.unsent[client_id] = text
        if self.wire:
            await self._send(client_id, text, wire=self.wire)

    async def _send(self, client_id, text, *, wire=None):
        frame = json.dumps({"type": "message", "client_id": client_id, "text": text})
        try:
            for _ in range(1 + (self.rng.random() < 0.1)):  # sent twice now and then
                await (wire or self.wire).send(frame)
        except (OSError, WebSocketException, AttributeError):
            pass  # it is kept, and sent at the next welcome

    async def look_back(self):
        """Ask for everything after some earlier number again."""
        if self.wire and self.at > 1 and self.rewound is None:
            self.rewound = self.rng.randrange(self.at - 1)
            with suppress(OSError, WebSocketException):
                await self.wire.send(json.dumps({"type": "resume", "after": self.rewound}))

    def cut(self):
        if self.wire:
            self.wire.transport.abort()


class Person:
    """A visitor with a script: what is said must be stored once and answered once."""

    def __init__(self, number, town, rng):
        self.name, self.town, self.rng = f"visitor {number}", town, rng
        self.visitor = self.conversation = None
        self.news = asyncio.Event()
        self.own, self.answered, self.staff, self.told = {}, {}, set(), {}
        self.tabs, self.codes = [], set()

    def note(self, message):
        if message["sender"] == "customer":
            self.own[message["client_id"]] = message["seq"]
        elif message["sender"] == "bot":
            self.answered.setdefault(message["reply_to"], message["seq"])
        elif message["sender"] == "agent":
            self.staff.add(message["text"])
        else:
            self.told[message["seq"]] = message["text"]

    async def talk(self, turns, *, ask_staff=None):
        self.tabs = [Tab(self, "a")]
        await self.until(lambda: self.conversation)
        if self.rng.random() < 0.25:
            self.tabs.append(Tab(self, "b"))
        staffed = self.rng.randrange(turns) if ask_staff else -1
        for turn in range(turns):
            for _ in range(self.rng.choice((1, 1, 2))):
                await self.rng.choice(self.tabs).say(self.rng.choice(WORDS))
            await self.until(self.is_served)
            if turn == staffed:
                await ask_staff(self)
            if self.rng.random() < 0.1:
                await self.rng.choice(self.tabs).look_back()
        last = max(*self.answered.values(), *self.told)
        await self.until(lambda: all(t.at >= last and t.rewound is None for t in self.tabs))

    def is_served(self):
        sent = [client_id for tab in self.tabs for client_id in tab.sent]
        return all(self.own.get(client_id) in self.answered for client_id in sent)

    async def until(self, is_so):
        async with asyncio.timeout(PATIENCE):
            while not is_so():
                self.news.clear()
                broken = [tab.line for tab in self.tabs if tab.line.done()]
                if broken:
                    broken[0].result()
                waits = [asyncio.create_task(self.news.wait()), *(t.line for t in self.tabs)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                waits[0].cancel()

    async def leave(self):
        for tab in self.tabs:
            tab.line.cancel()
        await asyncio.gather(*(tab.line for tab in self.tabs), return_exceptions=True)
