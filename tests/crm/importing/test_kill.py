"""`manage.py load` killed in the middle of a file, by kill -9, and run again."""

import csv
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import psycopg2
import pytest
from django.conf import settings

from tests.servers import ROOT, environment, scratch_database

pytestmark = pytest.mark.services
CHUNK = 20_000  # rows that are written together
ROWS = 3 * CHUNK
PATIENCE = 300  # seconds; on a quiet machine a few are enough
COUNT = {
    "customers": "SELECT count(*) FROM crm_customer",
    "online-retail": "SELECT count(*) FROM crm_orderline",
}
# What a file leaves behind, without numbers of the database's own and without when it was read.
PICTURE = {
    "customers": (
        "SELECT c.email, c.phone, c.name, c.country, i.kind, i.value, COUNT(e.id)"
        " FROM crm_customer c JOIN crm_identity i ON i.customer_id = c.id"
        " LEFT JOIN crm_evidence e ON e.other_id = i.id"
        " GROUP BY c.email, c.phone, c.name, c.country, i.kind, i.value ORDER BY i.kind, i.value"
    ),
    "online-retail": (
        "SELECT o.number, o.total, o.status, l.key, i.value, c.first_seen_at, c.last_seen_at,"
        " (SELECT COUNT(*) FROM crm_event v WHERE v.customer_id = c.id)"
        " FROM crm_orderline l JOIN crm_order o ON o.id = l.order_id"
        " JOIN crm_customer c ON c.id = o.customer_id JOIN crm_identity i ON i.customer_id = c.id"
        " ORDER BY o.number, l.key"
    ),
}


def people(writer):
    writer.writerow(["user_id", "email", "phone", "name", "country"])
    for n in range(ROWS):
        writer.writerow([f"c{n}", f"p{n}@x.org", f"139{n:08d}", "李雷", "CN"])


def lines(writer):
    writer.writerow(
        ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"]
        + ["CustomerID", "Country"]
    )
    rng = random.Random(3)
    for n in range(ROWS):
        invoice = n // 20
        day = f"2011-0{1 + invoice * 8 // (ROWS // 20)}-1{invoice % 10}"
        writer.writerow(
            [536000 + invoice, 20000 + n % 20, "MUG", rng.randint(1, 9), f"{day} 12:00:00"]
            + [2.5, 12000 + invoice % 900, "France"]
        )


class Shop:
    """A database of its own, and the command on it."""

    def __init__(self, url, folder):
        self.url = url
        self.environment = environment(folder, DATABASE_URL=url, SECRET_KEY="x", DEBUG="1")
        self.command("migrate", "-v0").wait(PATIENCE)

    def command(self, *words):
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def load(self, form, path):
        out, _ = self.command("load", form, str(path)).communicate(timeout=PATIENCE)
        return json.loads(out.splitlines()[-1])

    def kill_in_the_middle(self, form, path):
        """Start to load and kill -9 as soon as something is written; return how many rows are."""
        loading = self.command("load", form, str(path))
        deadline = time.monotonic() + PATIENCE
        while not self.ask(COUNT[form])[0][0]:
            assert loading.poll() is None, "it ended before it wrote anything"
            assert time.monotonic() < deadline, "nothing was written"
            time.sleep(0.02)
        loading.kill()
        assert loading.wait(PATIENCE) == -signal.SIGKILL
        return self.ask(COUNT[form])[0][0]

    def ask(self, query):
        if self.url.startswith("sqlite"):
            opened = sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=60)
        else:
            opened = psycopg2.connect(self.url)
        with closing(opened) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            return cursor.fetchall()


@pytest.fixture
def shops(request, tmp_path):
    """Two empty databases of one kind: one to be disturbed, one for comparison."""
    if request.param == "sqlite":
        yield [Shop(f"sqlite:///{tmp_path}/{name}.sqlite3", tmp_path) for name in ("one", "two")]
        return
    if "postgres" not in settings.DATABASE_URL:
        pytest.skip("DATABASE_URL is not PostgreSQL")
    with scratch_database("killed") as one, scratch_database("undisturbed") as two:
        yield [Shop(one, tmp_path), Shop(two, tmp_path)]


@pytest.mark.parametrize(
    ("shops", "form", "content"),
    [
        ("postgresql", "customers", people),
        ("sqlite", "online-retail", lines),
    ],
    indirect=["shops"],
)
def test_what_was_killed_and_run_again_is_what_was_never_disturbed(shops, form, content, tmp_path):
    path = tmp_path / "file.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        content(csv.writer(file))
    killed, undisturbed = shops
    before = killed.kill_in_the_middle(form, path)
    assert before % CHUNK == 0, "a chunk is written whole or not at all"
    rest = killed.load(form, path)
    assert (rest["created"], rest["unchanged"], rest["rejected"]) == (ROWS - before, before, 0)
    again = killed.load(form, path)
    assert (again["created"], again["unchanged"]) == (0, ROWS)
    assert undisturbed.load(form, path)["created"] == ROWS
    assert killed.ask(PICTURE[form]) == undisturbed.ask(PICTURE[form])
