"""The chat under load: open sockets, messages that arrive whether or not earlier ones are answered.

    python -m bench.chat [--sockets 1000] [--rate 100] [--seconds 20] [--reconnects 500] [--only embedded|servers]

Servers of our own on a small demo store with trained models: the embedded default (one process, half the
load), and, where DATABASE_URL and REDIS_URL name PostgreSQL and Redis, two processes there. Every latency
counts from the moment when the message was due. A bare Channels consumer that echoes is the peer.
"""

import argparse
import asyncio
import json
import os
import random
import socket as sockets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import websockets
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parent.parent
SAID = (
    ("zh", "你好"), ("zh", "我想买一部手机"), ("zh", "3000以内的"), ("zh", "第一个多少钱"), ("zh", "运费怎么算"),
    ("zh", "有什么优惠券"), ("zh", "换一批"), ("zh", "谢谢"), ("en", "hello"), ("en", "I need a phone under 3000"),
    ("en", "something cheaper?"), ("en", "the second one"), ("en", "how much is shipping?"), ("en", "do I have any coupons?"),
    ("en", "show me laptops"), ("en", "thanks"),
)  # fmt: skip
HELLO = {"type": "hello", "user_id": None, "user_hash": None}
PATIENCE = 30  # seconds after the last message, for what is still to come
ECHO = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
from channels.generic.websocket import AsyncWebsocketConsumer
class Echo(AsyncWebsocketConsumer):
    channel_layer_alias = None
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data)
application = Echo.as_asgi()
"""


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
        sent = await self.send(lines, rate, seconds, cuts)
        for line in lines:
            line.task.cancel()
        return {
            "sockets": count, "messages_a_second": rate, "messages": sent, "reconnects": cuts,
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


async def echoes(address: str, count: int, rate: float, seconds: float) -> dict[str, float]:
    """The same load on a consumer that only sends back what it gets."""
    wires, took = [], []
    for _ in range(count):
        wires.append(await connect(address, open_timeout=60, ping_interval=None))
    start = time.perf_counter()

    async def one(wire: Any, due: float) -> None:
        await wire.send(json.dumps({"type": "message", "client_id": "1", "text": "hello"}))
        await wire.recv()
        took.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for turn in range(int(rate * seconds)):
            due = start + turn / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(wires[turn % count], due))
    await asyncio.gather(*(wire.close() for wire in wires))
    return percentiles("echo", took)


def percentiles(name: str, values: list[float]) -> dict[str, float]:
    ranked = sorted(values) or [float("nan")]
    at = {share: ranked[min(len(ranked) - 1, len(ranked) * share // 100)] for share in (50, 95, 99)}
    return {f"{name}_p{share}_ms": round(1000 * value, 1) for share, value in at.items()}


def memory(pids: list[int]) -> float:
    """Kilobytes of our own: what processes share is split between them."""
    lines = [x for pid in pids for x in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


@contextmanager
def serving(application: str, folder: str, env: dict[str, str], count: int = 1) -> Iterator[Any]:
    ports, processes = [], []
    for _ in range(count):
        with sockets.create_server(("127.0.0.1", 0)) as probe:
            ports.append(probe.getsockname()[1])
        serve = [sys.executable, "-m", "uvicorn", application, "--port", str(ports[-1])]
        serve += ["--log-level", "warning", "--no-access-log", "--app-dir", folder]
        processes.append(subprocess.Popen(serve, cwd=ROOT, env=env))
    try:
        for port in ports:
            wait_for(port)
        addresses = [f"ws://127.0.0.1:{port}/ws/chat/" for port in ports]
        yield addresses, [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def wait_for(port: int, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with sockets.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"no server on port {port} after {seconds} seconds")


@contextmanager
def database(url: str) -> Iterator[str]:
    """A database of our own on that server; the embedded default where there is none."""
    if not url:
        yield ""
        return
    import psycopg2

    name, server_url = f"rapport_bench_{os.getpid()}", url.rsplit("/", 1)[0]
    server = psycopg2.connect(f"{server_url}/postgres")
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server_url}/{name}"
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            server.close()


def measure(options: argparse.Namespace, url: str, redis: str, *, share: float) -> dict[str, Any]:
    count, rate = int(options.sockets * share), options.rate * share
    with tempfile.TemporaryDirectory() as folder, database(url) as database_url:
        servers = {"DATABASE_URL": database_url, "REDIS_URL": redis, "CELERY_BROKER_URL": redis}
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        env = {**os.environ, **servers, **threads, "VAR_DIR": folder, "DEBUG": "1"}
        for command in (
            ["migrate", "-v0"],
            ["demo", "--customers", "200"],
            ["train", "intents", "recommender"],
        ):
            done = [sys.executable, "manage.py", *command]
            subprocess.run(done, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        script = [sys.executable, "-m", "bench.chat", "--turns"]
        alone = json.loads(subprocess.check_output(script, cwd=ROOT, env=env).splitlines()[-1])
        (Path(folder) / "echoing.py").write_text(ECHO)
        with serving("echoing:application", folder, env) as (addresses, _):
            echo = asyncio.run(echoes(addresses[0], count, rate, min(options.seconds, 5)))
        with serving("marketing.asgi:application", folder, env, 2 if url else 1) as (
            addresses,
            pids,
        ):
            load = Load(addresses, pids)
            found = asyncio.run(
                load.run(count, rate, options.seconds, int(options.reconnects * share))
            )
    ratio = found["answer_p95_ms"] / echo["echo_p95_ms"]
    return {
        **found,
        **alone,
        **echo,
        "answer_p95_to_echo": round(ratio, 1),
        "load_average": os.getloadavg()[0],
    }


def turns(chats: int = 12, each: int = 12) -> dict[str, Any]:
    """Whole turns in this process, one after the other: stored, understood, answered, stored."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from chatbot import conversation, visits

    settings.DEBUG = False  # which would keep every query
    rng, took, worked, queries = random.Random(3), [], [], []

    def turn(chat: Any, text: str) -> None:
        now = timezone.localtime()
        message = conversation.hear(chat.pk, text=text, client_id=str(rng.random()), now=now)
        conversation.respond(message.pk, now=now)

    for number in range(chats + 1):  # the first one warms up
        claim = visits.Claim(language=("en", "zh")[number % 2])
        chat = visits.enter(claim, secret="", now=timezone.localtime()).conversation
        for text in [rng.choice(SAID)[1] for _ in range(each)]:
            started, cpu = time.perf_counter(), time.process_time()
            turn(chat, text)
            took += [time.perf_counter() - started] if number else []
            worked += [time.process_time() - cpu] if number else []
    for _, text in SAID:
        with CaptureQueriesContext(connection) as captured:
            turn(chat, text)
        queries.append(len(captured))
    mean = round(sum(queries) / len(queries), 1)
    figures = {**percentiles("turn", took), **percentiles("turn_cpu", worked)}
    return {**figures, "turn_queries": mean, "turn_process_mb": rss_mb()}


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(round(int(x.split()[1]) / 1024, 1) for x in status if x.startswith("VmRSS"))


def main() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--reconnects", type=int, default=500)
    parser.add_argument("--only", choices=("embedded", "servers"))
    parser.add_argument("--turns", action="store_true", help="in this process, as settings say")
    options = parser.parse_args()
    if options.turns:
        return turns()
    found = {}
    url, redis = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    if options.only != "embedded" and url.startswith("postgres") and redis:
        found["servers"] = measure(options, url, redis, share=1.0)
    if options.only != "servers":
        found["embedded"] = measure(options, "", "", share=0.5)
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
