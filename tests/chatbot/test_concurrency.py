"""Many writers at once, each with a connection of its own, on a real database file."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests import servers

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = """
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from django.core.management import call_command
from django.utils import timezone
from chatbot import conversation, visits
from crm import customers
call_command("migrate", verbosity=0)
now = timezone.now()
customer = customers.resolve({"anonymous_id": "tab"}, source="test", at=now)
chat = visits.open_for(customer, visitor="tab", is_verified=False, language="en", now=now)

def tab(number):
    for turn in range(12):
        said = {"text": "hello", "client_id": f"{number % 3}-{turn}"}  # tabs repeat each other
        message = conversation.hear(chat.pk, **said, now=now)
        conversation.respond(message.pk, now=now)

with ThreadPoolExecutor(6) as pool:
    list(pool.map(tab, range(6)))
rows = list(chat.messages.order_by("seq").values_list("seq", "sender"))
assert [seq for seq, _ in rows] == list(range(1, 73)), rows
assert sum(sender == "bot" for _, sender in rows) == 36, rows
chat.refresh_from_db()
assert chat.last_seq == 72
print("in order")
"""

DESK = """
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from chatbot import patience, staffing, visits
from chatbot.models import Conversation, Handoff, Message
from crm import customers
call_command("migrate", verbosity=0)
now = timezone.now()
for number in range(9):
    customer = customers.resolve({"anonymous_id": f"visitor-{number:09}"}, source="test", at=now)
    chat = visits.open_for(customer, visitor="", is_verified=False, language="en", now=now)
    staffing.handover(chat.pk, reason="asked", now=now)
people = [User.objects.create_user(f"staff{n}") for n in range(4)]
start = Barrier(6)

def desk(staff):
    start.wait()
    taken = []
    while chat := staffing.take_next(staff, now=now):
        taken.append(chat.pk)
    return taken

def clock(_):
    start.wait()
    return [patience.sweep(now) for _ in range(5)]

with ThreadPoolExecutor(6) as pool:
    hands = [pool.submit(desk, staff) for staff in people]
    clocks = [pool.submit(clock, None) for _ in range(2)]
    taken = [pk for hand in hands for pk in hand.result()]
    [one.result() for one in clocks]
assert sorted(taken) == sorted(set(taken)), taken
assert len(taken) == 9, taken
assert not Conversation.objects.waiting_for_staff().exists()
assert Handoff.objects.filter(accepted_at=None).count() == 0
for chat in Conversation.objects.all():
    offers = [m for m in chat.messages.all() if m.payload.get("act") == ["offer_callback"]]
    assert len(offers) <= 1, offers
print("in order")
"""


def test_two_who_take_the_next_chat_at_once_get_two(tmp_path):
    talk(tmp_path, script=DESK)


@pytest.mark.services
@pytest.mark.skipif(settings.IS_SQLITE, reason="needs PostgreSQL (DATABASE_URL)")
def test_two_who_take_the_next_chat_at_once_get_two_on_postgresql(tmp_path):
    with servers.scratch_database("desk") as url:
        talk(tmp_path, url, script=DESK)


def test_six_tabs_writing_at_once_leave_no_gap_and_no_double(tmp_path):
    talk(tmp_path)


@pytest.mark.services
@pytest.mark.skipif(settings.IS_SQLITE, reason="needs PostgreSQL (DATABASE_URL)")
def test_six_tabs_writing_at_once_leave_no_gap_on_postgresql(tmp_path):
    with servers.scratch_database("tabs") as url:
        talk(tmp_path, url)


def talk(folder, database_url="", script=SCRIPT):
    environment = {
        **servers.environment(folder, DATABASE_URL=database_url),
        "REDIS_URL": "",
        "CELERY_BROKER_URL": "",
        "DJANGO_SETTINGS_MODULE": "marketing.settings",
        "DEBUG": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith("in order"), done.stderr[-2000:]
