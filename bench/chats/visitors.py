"""Visitors with a socket each, who speak whether or not they are answered, and are cut off."""

import asyncio
import json
import random
import time
from contextlib import suppress
from typing import Any

import websockets
from websockets.asyncio.client import connect

from bench.chats.sayings import SAID, percentiles
from bench.chats.servers import memory, worked

HELLO = {"type": "hello", "user_id": None, "user_hash": None}
PATIENCE = 30  # seconds after the last message, for what is still to come


class Line:
    """One visitor's socket, which comes back when it is cut and sends again what was not acknowledged."""

    def __init__(self, address: str, number: int, load: "Load") -> None:
        self.address, self.load, self.rng = address, load, random.Random(number)
        self.number, self.seq, self.wrong = number, 0, 0
        self.visitor = self.conversation = None
        self.due: dict[str, tuple[float, str]] = {}  # sent, not acknowledged
        self.asked: dict[str, float] = {}  # not answered
        self.numbers: dict[int, str] = {}
        self.wire: Any = None
        self.ready = asyncio.Event()
        self.task = asyncio.create_task(self.hold())

    async def hold(self) -> None:
        while True:
            with suppress(OSError, websockets.WebSocketException, TimeoutError):
                async with connect(self.address, open_timeout=60, ping_interval=None) as wire:
                    known = {"visitor": self.visitor, "conversation": self.conversation}
                    locale = "zh-CN" if self.number % 2 else "en"
                    await wire.send(
                        json.dumps({**HELLO, **known, "locale": locale, "after": self.seq})
                    )
                    async for text in wire:
                        await self.take(wire, json.loads(text))
            self.ready.clear()

    async def take(self, wire: Any, frame: dict[str, Any]) -> None:
        now = time.perf_counter()
        if frame["type"] == "welcome":
            self.visitor, self.conversation = frame["visitor"], frame["conversation"]
            self.wire = wire
            self.ready.set()
            for message in frame["messages"]:
                self.see(message, now)
            for client_id, (_, text) in list(self.due.items()):
                await self.send(client_id, text)
        elif frame["type"] == "ack" and frame["client_id"] in self.due:
            self.load.acks.append(now - self.due.pop(frame["client_id"])[0])
        elif frame["type"] == "message":
            self.see(frame, now)

    def see(self, message: dict[str, Any], now: float) -> None:
        self.wrong += message["seq"] != self.seq + 1
        self.seq = message["seq"]
        if message["sender"] == "customer":
            self.numbers[message["seq"]] = message["client_id"]
        elif message["sender"] == "bot":
            due = self.asked.pop(self.numbers.get(message.get("reply_to"), ""), None)
            if due is not None:
                self.load.answers.append(now - due)

    async def say(self, client_id: str, due: float) -> None:
        text = self.rng.choice(SAID)[1]
        self.due[client_id], self.asked[client_id] = (due, text), due
        if self.ready.is_set():
            await self.send(client_id, text)

    async def send(self, client_id: str, text: str) -> None:
        with suppress(OSError, websockets.WebSocketException):
            await self.wire.send(
                json.dumps({"type": "message", "client_id": client_id, "text": text})
            )

    def cut(self) -> None:
        if self.ready.is_set():
            self.wire.transport.abort()


class Load:
    """So many sockets, so many messages a second, so many cuts."""

    def __init__(self, addresses: list[str], pids: list[int]) -> None:
        self.addresses, self.pids = addresses, pids
        self.answers: list[float] = []
        self.acks: list[float] = []

    async def run(self, count: int, rate: float, seconds: float, cuts: int) -> dict[str, Any]:
        before = memory(self.pids)
        lines = []
        for number in range(count):
            lines.append(Line(self.addresses[number % len(self.addresses)], number, self))
            if number % 20 == 19:
                await asyncio.gather(*(line.ready.wait() for line in lines[-20:]))
        await asyncio.gather(*(line.ready.wait() for line in lines))
        idle = memory(self.pids)
        await self.send(lines, rate, 5, 0)  # models and caches are warm before anything counts
        self.answers, self.acks = [], []
        cpu = worked(self.pids)
        sent = await self.send(lines, rate, seconds, cuts)
        cpu = worked(self.pids) - cpu
        for line in lines:
            line.task.cancel()
        return {
            "sockets": count, "messages_a_second": rate, "messages": sent, "reconnects": cuts,
            "server_cpu_ms_a_message": round(1000 * cpu / sent, 2),
            **percentiles("answer", self.answers), **percentiles("ack", self.acks),
            "lost": sum(len(line.asked) + len(line.due) for line in lines),
            "out_of_order": sum(line.wrong for line in lines),
            "idle_socket_kb": round((idle - before) / count, 1),
            "process_mb": round(memory(self.pids) / 1024 / len(self.pids), 1),
        }  # fmt: skip

    async def send(self, lines: list[Line], rate: float, seconds: float, cuts: int) -> int:
        rng, count, start = random.Random(5), int(rate * seconds), time.perf_counter()
        for turn in range(count):
            due = start + turn / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await lines[turn % len(lines)].say(f"{start}-{turn}", due)
            if cuts and turn % max(1, count // cuts) == 0:
                rng.choice(lines).cut()
        until = time.perf_counter() + PATIENCE
        while any(line.asked or line.due for line in lines) and time.perf_counter() < until:
            await asyncio.sleep(0.1)
        return count


async def echoes(
    address: str, pids: list[int], count: int, rate: float, seconds: float
) -> dict[str, float]:
    """The same load on a consumer that only sends back what it gets."""
    wires, took = [], []
    for _ in range(count):
        wires.append(await connect(address, open_timeout=60, ping_interval=None))
    start, cpu = time.perf_counter(), worked(pids)

    async def one(wire: Any, due: float) -> None:
        await wire.send(json.dumps({"type": "message", "client_id": "1", "text": "hello"}))
        await wire.recv()
        took.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for turn in range(int(rate * seconds)):
            due = start + turn / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(wires[turn % count], due))
    cpu = worked(pids) - cpu
    await asyncio.gather(*(wire.close() for wire in wires))
    return {**percentiles("echo", took), "echo_cpu_ms_a_message": round(1000 * cpu / len(took), 2)}
