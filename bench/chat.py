"""How long the chat takes to answer while many customers talk at once.

    python bench/chat.py [ws://127.0.0.1:8000/ws/chat/] [--customers 50] [--turns 6] [--pause 2 6]

Without an address it starts a server of its own on a small demo store. Every customer has a socket of their own, says
the next thing a moment after the answer to the last, and remembers every number seen.
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websockets

SAID = (
    ("zh", "你好"), ("zh", "我想买一部手机"), ("zh", "3000以内的"), ("zh", "第一个多少钱"), ("zh", "运费怎么算"),
    ("zh", "有什么优惠券"), ("zh", "换一批"), ("zh", "谢谢"), ("en", "hello"), ("en", "I need a phone under 3000"),
    ("en", "something cheaper?"), ("en", "the second one"), ("en", "how much is shipping?"), ("en", "do I have any coupons?"),
    ("en", "show me laptops"), ("en", "thanks"),
)  # fmt: skip
HELLO = {
    "type": "hello",
    "visitor": None,
    "user_id": None,
    "user_hash": None,
    "conversation": None,
    "after": 0,
}
Pause = tuple[float, float]  # seconds between an answer and the next message, at least and at most
PAUSE: Pause = (2.0, 6.0)


async def one_customer(address: str, number: int, turns: int, pause: Pause) -> dict[str, Any]:
    rng = random.Random(number)
    answers, acks = [], []
    numbers: list[int] = []
    async with websockets.connect(address) as socket:
        await socket.send(json.dumps({**HELLO, "locale": rng.choice(["zh-CN", "en"])}))
        welcome = json.loads(await socket.recv())
        for turn in range(turns):
            await asyncio.sleep(rng.uniform(*pause))
            started = time.perf_counter()
            message = {"type": "message", "client_id": f"{turn}", "text": rng.choice(SAID)[1]}
            await socket.send(json.dumps(message))
            while True:
                frame = json.loads(await asyncio.wait_for(socket.recv(), 30))
                if frame["type"] == "ack":
                    acks.append(1000 * (time.perf_counter() - started))
                if frame["type"] == "message":
                    numbers.append(frame["seq"])
                    if frame["sender"] == "bot":
                        answers.append(1000 * (time.perf_counter() - started))
                        break
    first = welcome["seq"] + 1
    gapless = numbers == list(range(first, first + len(numbers)))
    return {"answers": answers, "acks": acks, "gapless": gapless}


async def talk(address: str, customers: int, turns: int, pause: Pause) -> dict[str, Any]:
    started = time.perf_counter()
    talks = await asyncio.gather(
        *(one_customer(address, n, turns, pause) for n in range(customers))
    )
    seconds = time.perf_counter() - started
    answers = sorted(ms for t in talks for ms in t["answers"])
    acks = sorted(ms for t in talks for ms in t["acks"])
    return {
        "customers": customers,
        "pause_seconds": list(pause),
        "messages": len(answers),
        "messages_per_second": round(len(answers) / seconds, 1),
        "answer_p50_ms": _percentile(answers, 50),
        "answer_p95_ms": _percentile(answers, 95),
        "answer_p99_ms": _percentile(answers, 99),
        "ack_p95_ms": _percentile(acks, 95),
        "numbers_without_gaps": all(t["gapless"] for t in talks),
    }


def _percentile(values: list[float], share: int) -> float:
    return round(values[min(len(values) - 1, len(values) * share // 100)], 1)


def run(address: str, customers: int = 50, turns: int = 8, pause: Pause = PAUSE) -> dict[str, Any]:
    """Measure against a server that runs at `address`."""
    asyncio.run(talk(address, 4, 2, pause))  # models are loaded at the first message
    return asyncio.run(talk(address, customers, turns, pause))


@contextmanager
def own_server() -> Iterator[str]:
    """A server on the embedded default with the demo store and a trained classifier."""
    root = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder, sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        servers = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"), "")
        env = {
            **os.environ,
            **servers,
            "VAR_DIR": folder,
            "OPENBLAS_NUM_THREADS": "1",
            "DEBUG": "1",
        }
        for command in (
            ["migrate"],
            ["demo", "--customers", "200"],
            ["train", "intents", "recommender"],
        ):
            done = [sys.executable, "manage.py", *command]
            subprocess.run(done, cwd=root, env=env, check=True, stdout=sys.stderr)
        probe.close()
        serve = [sys.executable, "-m", "uvicorn", "marketing.asgi:application", "--port", port]
        server = subprocess.Popen([*serve, "--log-level", "warning"], cwd=root, env=env)
        try:
            _wait_for(int(port))
            yield f"ws://127.0.0.1:{port}/ws/chat/"
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with sockets.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"no server on port {port} after {seconds} seconds")


def main() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--customers", type=int, default=50)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--pause", type=float, nargs=2, default=PAUSE)
    options = parser.parse_args()
    wanted = (options.customers, options.turns, tuple(options.pause))
    if options.address:
        return run(options.address, *wanted)
    with own_server() as address:
        return run(address, *wanted)


if __name__ == "__main__":
    result = main()
    for name, value in result.items():
        print(f"{name:24} {value}", file=sys.stderr)
    print(json.dumps(result))
