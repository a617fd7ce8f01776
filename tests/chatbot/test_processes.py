"""Two servers on one PostgreSQL and one Redis: staff writes on the one, the customer reads on the other."""

import json
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager

import pytest
import redis
from django.conf import settings
from websockets.sync.client import connect

from tests import servers
from tests.chatbot.wire import HELLO

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(
        settings.IS_SQLITE or not settings.REDIS_URL,
        reason="needs PostgreSQL and Redis (DATABASE_URL and REDIS_URL)",
    ),
]
DATABASE_NUMBER = 7  # of Redis, emptied by this test
POLL = 20  # seconds; ten times as rare as in production, so that nothing is owed to it
SERVER = f"""
import sys, uvicorn, marketing.asgi
from chatbot import sockets
sockets.POLL_SECONDS_WITH_RELAY = {POLL}
uvicorn.run(marketing.asgi.application, port=int(sys.argv[1]))
"""
SIGNED_IN = """
import django
django.setup()
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
call_command("migrate", verbosity=0)
lin = User.objects.create_superuser("lin")
session = SessionStore()
session["_auth_user_id"] = str(lin.pk)
session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
session["_auth_user_hash"] = lin.get_session_auth_hash()
session.save()
print(session.session_key)
"""


@contextmanager
def serving(folder, name, environment):
    port, log = servers.free_port(), folder / f"{name}.log"
    command = [sys.executable, "-c", SERVER, str(port)]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=servers.ROOT, env=environment, stdout=out, stderr=out
        )
        try:
            servers.wait_for(f"http://127.0.0.1:{port}/healthz", process, log)
            yield port
        finally:
            process.terminate()
            process.wait(120)


@pytest.fixture
def redis_url():
    url = f"{settings.REDIS_URL.rsplit('/', 1)[0]}/{DATABASE_NUMBER}"
    redis.Redis.from_url(url).flushdb()
    return url


@pytest.fixture
def two(tmp_path, redis_url):
    """The ports of two servers, and the key of a session of staff."""
    with ExitStack() as stack:
        url = stack.enter_context(servers.scratch_database("processes"))
        told = {"DATABASE_URL": url, "REDIS_URL": redis_url, "CELERY_BROKER_URL": ""}
        environment = servers.environment(tmp_path, DEBUG="1", **told)
        environment["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
        script = [sys.executable, "-c", SIGNED_IN]
        key = subprocess.check_output(script, cwd=servers.ROOT, env=environment, text=True)
        ports = [stack.enter_context(serving(tmp_path, n, environment)) for n in ("one", "two")]
        yield *ports, key.split()[-1]


def answer(port, key, number, text):
    token = "t" * 32
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/admin/chatbot/conversation/{number}/do/",
        data=json.dumps({"action": "answer", "text": text}).encode(),
        headers={"Cookie": f"sessionid={key}; csrftoken={token}", "X-CSRFToken": token},
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        assert json.load(response)["state"] == "agent"


def until(socket, text, *, within=120):
    numbers = []
    while True:
        frame = json.loads(socket.recv(timeout=within))
        if frame["type"] == "message":
            numbers.append(frame["seq"])
            if frame["text"] == text:
                return numbers


def test_an_answer_written_on_one_server_reaches_the_customer_on_the_other(two, redis_url):
    one, other, key = two
    with connect(f"ws://127.0.0.1:{other}/ws/chat/") as socket:
        socket.send(json.dumps(HELLO))
        assert json.loads(socket.recv(timeout=120))["type"] == "welcome"
        answer(one, key, 1, "first")  # the first says who joined, and starts the connections
        numbers = until(socket, "first")
        for turn in range(5):
            answer(one, key, 1, f"turn {turn}")
            # The poll after the last one is not due yet: it is the wake-up that brings this.
            numbers += until(socket, f"turn {turn}", within=POLL - 5)
        redis.Redis.from_url(redis_url).flushdb()
        answer(one, key, 1, "after the loss")
        numbers += until(socket, "after the loss")
        assert numbers == list(range(1, len(numbers) + 1))
