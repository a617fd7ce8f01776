"""Servers of our own, what they take of the machine, and a database that is gone afterwards."""

import os
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent.parent
TICK = os.sysconf("SC_CLK_TCK")
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


def production() -> dict[str, str]:
    """What a server of production is told, where a run does not say otherwise."""
    return {
        "DEBUG": "0",
        "SECRET_KEY": "of this run alone, and long enough for that",
        "ALLOWED_HOSTS": "127.0.0.1",
        "CELERY_BROKER_URL": "filesystem://localhost",
        "EMAIL_URL": "consolemail://",
        "WIDGET_IDENTITY_SECRET": "of this run alone",
        "SITE_URL": "https://127.0.0.1",
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }


def memory(pids: list[int]) -> float:
    """Kilobytes of our own: what processes share is split between them."""
    lines = [x for pid in pids for x in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


def worked(pids: list[int]) -> float:
    """Seconds of the processor that these processes have taken, in all their threads."""
    told = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(fields[11]) + int(fields[12]) for fields in told) / TICK


@contextmanager
def serving(application: str, folder: str, env: dict[str, str], count: int = 1) -> Iterator[Any]:
    ports, processes = [], []
    for _ in range(count):
        with sockets.create_server(("127.0.0.1", 0)) as probe:
            ports.append(probe.getsockname()[1])
        serve = [sys.executable, "-m", "uvicorn", application, "--port", str(ports[-1])]
        serve += ["--log-level", "error", "--no-access-log", "--app-dir", folder]
        serve += ["--ws-per-message-deflate", "false"]
        serve += ["--timeout-graceful-shutdown", "5"]
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
            end(process)


def end(process: "subprocess.Popen[bytes]", patience: float = 30) -> None:
    """A thousand sockets may hold up a server that was asked to stop."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
