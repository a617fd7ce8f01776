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


def test_six_tabs_writing_at_once_leave_no_gap_and_no_double(tmp_path):
    talk(tmp_path)


@pytest.mark.services
@pytest.mark.skipif(settings.IS_SQLITE, reason="needs PostgreSQL (DATABASE_URL)")
def test_six_tabs_writing_at_once_leave_no_gap_on_postgresql(tmp_path):
    with servers.scratch_database("tabs") as url:
        talk(tmp_path, url)


def talk(folder, database_url=""):
    environment = {
        **servers.environment(folder, DATABASE_URL=database_url),
        "REDIS_URL": "",
        "CELERY_BROKER_URL": "",
        "DJANGO_SETTINGS_MODULE": "marketing.settings",
        "DEBUG": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith("in order"), done.stderr[-2000:]
