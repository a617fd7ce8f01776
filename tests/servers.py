"""Real servers for tests: a database of one's own, a free port, the product running on both."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from django.conf import settings

ROOT = Path(__file__).resolve().parents[1]
START = 300  # seconds a start may take on a busy machine


@contextmanager
def scratch_database(purpose):
    """A database on the server of DATABASE_URL, made now and dropped at the end."""
    name = f"rapport_{purpose}_{os.getpid()}"
    server_url = settings.DATABASE_URL.rsplit("/", 1)[0]
    server = psycopg2.connect(f"{server_url}/postgres")
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{server_url}/{name}"
    finally:
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def environment(folder, **servers):
    """What the product is told; nothing of the settings of the tests themselves."""
    ours = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "EMAIL_URL", "PORT")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"VAR_DIR": str(folder), "LOG_LEVEL": "WARNING"} | servers


@contextmanager
def running(folder, *, customers=150, **servers):
    """`manage.py up` until it is ready; stopped as Ctrl-C stops it. Yields its address."""
    port = free_port()
    with (folder / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), "--customers", str(customers)],
            cwd=ROOT,
            env=environment(folder, PORT=str(port), **servers),
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz", process, folder / "up.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)


def wait_for(url, process, log):
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"never ready: {log.read_text()[-2000:]}")
