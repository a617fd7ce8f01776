"""kill -9 in the middle of a campaign: real worker, real PostgreSQL, real Redis, real SMTP."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from tests.campaigns.mailserver import MailServer
from tests.servers import scratch_database

ROOT = Path(__file__).resolve().parents[2]
RECIPIENTS = 400
KILLS = 2
CONNECTIONS = 4
REDIS_DATABASE = 13

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(
        "postgres" not in settings.DATABASE_URL, reason="DATABASE_URL is not PostgreSQL"
    ),
    pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set"),
]


@pytest.fixture
def sink():
    """Slow, so that a kill finds the worker at work."""
    with MailServer().running() as server:
        server.delay = 0.03
        yield server


@pytest.fixture
def database():
    with scratch_database("kill") as url:
        yield url


@pytest.fixture
def environment(database, sink, tmp_path):
    redis = urlsplit(settings.REDIS_URL)._replace(path=f"/{REDIS_DATABASE}").geturl()
    empty_redis(redis)
    yield {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DJANGO"))},
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "CELERY_BROKER_URL": redis,
        "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        "VAR_DIR": str(tmp_path / "var"),
        "DEBUG": "1",
    }
    empty_redis(redis)


def empty_redis(url):
    import redis

    redis.Redis.from_url(url).flushdb()


def run(environment, *arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def world(environment, *arguments):
    output = run(environment, "tests/campaigns/kill_world.py", *arguments)
    return json.loads(output.splitlines()[-1])


class Workers:
    """One worker at a time, in a process group of its own."""

    def __init__(self, environment, log):
        self.environment, self.log, self.process, self.started = environment, log, None, 0

    def start(self):
        self.started += 1
        name = f"kill-{os.getpid()}-{self.started}@%h"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "marketing", "worker", "-c", "2", "-n", name],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def kill(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


@pytest.fixture
def workers(environment, tmp_path):
    with open(tmp_path / "worker.log", "wb") as log:
        started = Workers(environment, log)
        yield started
        started.kill()


def test_killed_again_and_again_nobody_is_forgotten_and_nobody_gets_it_twice(
    environment, sink, workers
):
    run(environment, "manage.py", "migrate", "-v", "0")
    world(environment, "fill", RECIPIENTS)
    workers.start()
    world(environment, "start")
    for kill in range(1, KILLS + 1):
        assert sink.wait_for(kill * RECIPIENTS // (KILLS + 2), 200), "the worker sends nothing"
        workers.kill()
        empty_redis(environment["REDIS_URL"])  # the broker forgets every task, too
        state = world(environment, "sweep")
        assert state["campaign"] != "finished", "finished too early"
        workers.start()
    state = until_finished(environment)
    workers.kill()

    sent = set(state["deliveries"]["sent"])
    uncertain = set(state["deliveries"].get("uncertain", []))
    audience = sent | uncertain
    assert len(audience) == state["audience"] - state["holdout"]
    assert set(state["deliveries"]) <= {"sent", "uncertain"}
    assert max(sink.received.values()) == 1, "somebody got it twice"
    assert sent <= set(sink.received), "somebody was forgotten"
    assert set(sink.received) <= audience, "somebody held out got it"
    assert len(uncertain) <= KILLS * CONNECTIONS, "at most one per connection and kill is uncertain"


def test_a_few_random_runs_of_chaos_leave_the_books_in_order(environment):
    """`make chaos` plays a thousand of them; what it asserts is said there."""
    output = run(environment, "tests/campaigns/chaos.py", "--runs", 4, "--seed", os.getpid())
    counts = json.loads(output.splitlines()[-1])
    assert counts["runs"] == 4
    assert counts["kills"] > 0
    assert counts["mails sent"] > 300


def until_finished(environment, seconds=300):
    """The scheduler goes on; what still hangs is settled when its lease ends."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = world(environment, "sweep")
        if state["campaign"] == "finished":
            return state
        time.sleep(1)
    counts = {status: len(addresses) for status, addresses in state["deliveries"].items()}
    raise AssertionError(f"not finished after {seconds} s: {state['campaign']}, {counts}")
