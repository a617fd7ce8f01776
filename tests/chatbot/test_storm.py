"""No message is lost, doubled or out of order, whatever happens to lines, servers and Redis.

Conversations by real sockets, on two servers that share PostgreSQL and Redis. While they talk, lines are
cut, servers killed or told to end, and Redis is emptied. `STORM` says how many conversations: 200 here, 500 for the acceptance.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg2
import pytest
import redis
from django.conf import settings

from tests import servers
from tests.chatbot.storm import Person, Server
from tests.chatbot.test_processes import DATABASE_NUMBER, SIGNED_IN

CONVERSATIONS = int(os.environ.get("STORM", "200"))
AT_ONCE = 100
TURNS = 3
ATTEMPTS = 500
SEED = 11
QUESTION = """
select c.public_id, m.seq, m.sender, m.text, m.client_id, m.payload ->> 'reply_to', c.last_seq, c.id
from chatbot_message m join chatbot_conversation c on c.id = m.conversation_id order by c.id, m.seq
"""


class Staff:
    """A member of staff who works over HTTP, on whichever server answers, until it is done."""

    def __init__(self, key, database):
        self.key, self.database, self.answered = key, database, 0

    async def __call__(self, person):
        text = f"staff for {person.name}"
        await asyncio.to_thread(self.work, person, {"action": "answer", "text": text})
        await person.until(lambda: text in person.staff)
        await asyncio.to_thread(self.work, person, {"action": "release"})
        await person.until(lambda: len(person.told) == 2)  # who joined, and who is back
        self.answered += 1

    def work(self, person, wanted):
        wanted["client_id"] = f"staff-{person.name}"
        number = self.number_of(person)
        for _ in range(ATTEMPTS):
            try:
                return self.ask(person, f"{number}/do/", wanted)
            except OSError:  # a dead server; it may have done what was asked
                person.news.set()
                time.sleep(0.2)  # both may be dead, and take a while to come back
        raise AssertionError("no server took what staff said")

    def number_of(self, person):
        with psycopg2.connect(self.database) as connection, connection.cursor() as cursor:
            question = "select id from chatbot_conversation where public_id = %s"
            cursor.execute(question, [person.conversation])
            return cursor.fetchone()[0]

    def ask(self, person, page, wanted=None):
        port, token = person.rng.choice(person.town).port, "t" * 32
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/admin/chatbot/conversation/{page}",
            data=json.dumps(wanted).encode() if wanted else None,
            headers={"Cookie": f"sessionid={self.key}; csrftoken={token}", "X-CSRFToken": token},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)


class Weather:
    """What goes wrong as long as anybody talks."""

    def __init__(self, town, people, broker, rng):
        self.town, self.people, self.broker, self.rng = town, people, broker, rng
        self.happened = dict.fromkeys(("cut", "flush", "kill", "term"), 0)

    async def on_the_lines(self):
        """Lines are cut and Redis is emptied, about twice a second."""
        while True:
            await asyncio.sleep(self.rng.uniform(0.2, 0.8))
            if self.rng.random() < 0.3:
                self.happened["flush"] += 1
                await asyncio.to_thread(self.broker.flushdb)
                continue
            for tab in [tab for person in self.people for tab in person.tabs]:
                if self.rng.random() < 0.1:
                    self.happened["cut"] += 1
                    tab.cut()

    async def on_the_servers(self):
        """One server ends, now and then both; the next when all are up again."""
        while True:
            for how, name in ((signal.SIGKILL, "kill"), (signal.SIGTERM, "term")):
                await asyncio.sleep(self.rng.uniform(1, 2))
                ending = self.town if self.rng.random() < 0.2 else [self.rng.choice(self.town)]
                for server in ending:
                    self.happened[name] += 1
                    await asyncio.to_thread(server.end, how)
                    server.start()
                await asyncio.gather(*(asyncio.to_thread(s.ready) for s in ending))


async def storm(town, staff, broker):
    rng, talking, done = random.Random(SEED), set(), []
    weather = Weather(town, talking, broker, random.Random(SEED + 1))
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with places:
            person = Person(number, town, random.Random(rng.random()))
            talking.add(person)
            try:
                await person.talk(TURNS, ask_staff=staff if number % 10 == 0 else None)
            finally:
                talking.discard(person)
                await person.leave()
            done.append(person)

    blowing = [asyncio.create_task(w()) for w in (weather.on_the_lines, weather.on_the_servers)]
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(CONVERSATIONS):
                group.create_task(one(number))
    finally:
        for wind in blowing:
            wind.cancel()
        await asyncio.gather(*blowing, return_exceptions=True)
    return done, weather.happened


@pytest.fixture
def place(tmp_path):
    """Two servers on one database and one Redis, staff who may answer, and the database's address."""
    url = f"{settings.REDIS_URL.rsplit('/', 1)[0]}/{DATABASE_NUMBER}"
    broker = redis.Redis.from_url(url)
    broker.flushdb()
    with ExitStack() as stack:
        database = stack.enter_context(servers.scratch_database("storm"))
        told = {"DATABASE_URL": database, "REDIS_URL": url, "CELERY_BROKER_URL": ""}
        environment = servers.environment(tmp_path, DEBUG="1", **told)
        environment["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
        script = [sys.executable, "-c", SIGNED_IN]
        key = subprocess.check_output(script, cwd=servers.ROOT, env=environment, text=True)
        town = [Server(tmp_path, environment) for _ in range(2)]
        for server in town:
            server.start()
            stack.callback(server.end)
        for server in town:
            server.ready()
        yield town, Staff(key.split()[-1], database), broker, database


def stored(database):
    """What the database holds: conversation -> rows in order."""
    chats = {}
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(QUESTION)
        for public_id, *row in cursor.fetchall():
            chats.setdefault(str(public_id), []).append(row)
    return chats


@pytest.mark.services
@pytest.mark.skipif(
    settings.IS_SQLITE or not settings.REDIS_URL,
    reason="needs PostgreSQL and Redis (DATABASE_URL and REDIS_URL)",
)
def test_every_message_is_there_once_and_in_order_on_both_sides(place):
    town, staff, broker, database = place
    # On a thread of its own: a browser test before this one leaves a loop behind in this thread.
    with ThreadPoolExecutor(1) as alone:
        people, happened = alone.submit(asyncio.run, storm(town, staff, broker)).result()
    assert len(people) == CONVERSATIONS
    assert all(happened.values()), happened
    assert {None, 1012} <= {code for person in people for code in person.codes}  # cut, told to end
    for server in town:  # the wind ended in the middle of a blow
        server.end()
        server.start()
    for server in town:
        server.ready()
    chats = stored(database)
    for person in people:
        rows = chats[person.conversation]
        seen = [(seq, sender, text) for seq, sender, text, *_ in rows]
        assert [seq for seq, *_ in rows] == list(range(1, rows[0][5] + 1))
        for tab in person.tabs:
            assert tab.seen == seen[: len(tab.seen)]
            assert [row[3] for row in rows if row[3].startswith(tab.name)] == tab.sent
        assert max(len(tab.seen) for tab in person.tabs) == len(seen)
        asked = [row[0] for row in rows if row[1] == "customer"]
        assert sorted(int(row[4]) for row in rows if row[1] == "bot") == asked
        assert sum(row[1] == "agent" for row in rows) == len(person.staff)
        if person.staff:
            shown = staff.ask(person, f"{rows[0][6]}/messages/?after=0")["messages"]
            assert [(m["seq"], m["sender"], m["text"]) for m in shown] == seen
