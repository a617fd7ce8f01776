"""Random faults, real processes: `make chaos RUNS=1000`, or some of it in test_kill.py.

    python tests/campaigns/chaos.py [--runs N] [--seed S]

Each run is a campaign that two workers send, by PostgreSQL and a mail server that is slow, refuses
and hangs up, while workers are killed with -9, the database drops its connections, clocks are wrong
and tasks come twice. In the end nobody may be forgotten, nobody written to twice, and what nobody
can know must be shown as uncertain. One run in three is a journey. A run is repeated by its seed (its timing is not).
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.campaigns.mailserver import HANG_UP, MailServer  # noqa: E402

PEOPLE = 120
SECONDS = 120  # a run may take
OPEN = {"queued", "sending"}
EVERY = 3  # one run in so many is a journey (chaos_journeys.py)


@contextmanager
def nursery(environment):
    """The process that forks workers: yields a function that starts one and returns its id."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/campaigns/chaos_worker.py")],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def start(**work):
        process.stdin.write(json.dumps(work) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    try:
        yield start
    finally:
        process.stdin.close()
        process.wait(30)


class Run:
    """One campaign among faults; `counts` says how many of each there were."""

    def __init__(self, seed, server, start):
        self.rng, self.seed = random.Random(seed), seed
        self.server, self.start = server, start
        self.counts, self.workers = Counter(), []

    def play(self):
        from django.utils import timezone

        from campaigns import freezing, lifecycle
        from tests.campaigns.world import make_campaign, make_members

        campaign = make_campaign(holdout_share="0.1", cap_messages=self.rng.choice([None, 3]))
        self.campaign = campaign
        members = make_members(campaign, PEOPLE)
        self.people = [member.email for member in members]
        self.server.mails, self.server.rules = {}, self.rules()
        self.server.delay = self.rng.choice([0, 0.001, 0.005])
        freezing.BLOCK = 15  # that somebody is killed over a block
        lifecycle.start(campaign, now=timezone.now())
        try:
            self.make_trouble()
            self.let_it_end()
        finally:
            self.kill_all()

    def rules(self):
        """Some people's mails are refused, deferred, dropped before or after acceptance."""
        odd = self.rng.sample(self.people, 12)
        self.unanswered = set(odd[9:])
        return {
            **{f"RCPT {address}": "550 5.1.1 no such user" for address in odd[:3]},
            **{f"DOT {address}": ["451 later"] for address in odd[3:5]},
            **{f"DOT {address}": "554 spam" for address in odd[5:7]},
            **{f"RCPT {address}": [HANG_UP, HANG_UP] for address in odd[7:9]},
            **{f"DOT {address}": [HANG_UP] for address in odd[9:]},
            "MAIL": [None] * self.rng.randint(5, 60) + [self.rng.choice([HANG_UP, "421 bye"])],
        }

    def hire(self):
        clock = self.rng.choice([0, 0, 0, -3600, 3600])
        self.counts["wrong clocks"] += bool(clock)
        seed = self.rng.randrange(2**32)
        self.workers.append(self.start(campaign=self.campaign.pk, seed=seed, clock=clock))

    def make_trouble(self):
        for _ in range(2):
            self.hire()
        for _ in range(self.rng.randint(1, 5)):
            time.sleep(self.rng.random() * 0.25)
            self.rng.choice([self.kill_one, self.kill_one, self.kill_all, self.cut_database])()
            self.look()
            while len(self.workers) < 2:
                self.hire()

    def kill_one(self):
        worker = self.workers.pop(self.rng.randrange(len(self.workers)))
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
            self.counts["kills"] += 1

    def kill_all(self):
        while self.workers:
            self.kill_one()

    def cut_database(self):
        """What a restart of the database does to those who are connected."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            self.counts["connections cut"] += cursor.fetchone()[0]

    def look(self):
        """The state at this moment; a campaign that says it is over must have nothing open."""
        from django.db import transaction

        from campaigns.models import Campaign

        with transaction.atomic():
            rows = dict(self.campaign.deliveries.values_list("address", "status"))
            status = Campaign.objects.select_for_update().get(pk=self.campaign.pk).status
            if status == "finished":
                rows = dict(self.campaign.deliveries.values_list("address", "status"))
                assert not OPEN & set(rows.values()), f"seed {self.seed}: finished too early"
        return status, rows

    def let_it_end(self):
        from django.utils import timezone

        end = time.monotonic() + SECONDS
        while (state := self.look())[0] != "finished":
            assert time.monotonic() < end, f"seed {self.seed}: {Counter(state[1].values())}"
            long_ago = timezone.now() - timedelta(hours=2)  # by every worker's clock
            self.campaign.deliveries.filter(status="queued").update(due_at=long_ago)
            time.sleep(0.05)
        self.judge(state[1])

    def judge(self, rows):
        """Nobody forgotten, nobody twice, the books in order."""
        received, told = self.server.received, f"seed {self.seed}"
        by_status = {s: {a for a, status in rows.items() if status == s} for s in rows.values()}
        sent, unsure = by_status.get("sent", set()), by_status.get("uncertain", set())
        self.campaign.refresh_from_db()
        assert set(by_status) <= {"sent", "failed", "uncertain"}, (told, set(by_status))
        assert self.campaign.unprepared == self.campaign.blocks.count() == 0, told
        assert self.campaign.audience_size == PEOPLE, told
        assert self.campaign.assignments.count() == PEOPLE, told
        assert len(rows) == self.campaign.to_be_written_to, f"{told}: somebody has no row"
        assert not received or max(received.values()) == 1, f"{told}: somebody got it twice"
        assert sent <= set(received), f"{told}: {sent - set(received)} never got it"
        assert set(received) <= sent | unsure, f"{told}: more arrived than is told"
        assert self.unanswered & set(rows) <= unsure, f"{told}: an answer was made up"
        most = len(self.unanswered) + 4 * self.counts["kills"] + 4 * self.counts["connections cut"]
        assert len(unsure) <= most, f"{told}: {len(unsure)} uncertain"
        self.counts += Counter(
            {f"mails {status}": len(addresses) for status, addresses in by_status.items()}
        )


def play(runs, *, seed, environment, server):
    """Play so many runs in the database of this process; returns what happened, counted."""
    from tests.campaigns.chaos_journeys import JourneyRun  # a kind of Run

    counts = Counter()
    with nursery(environment) as start:
        for number in range(runs):
            kind = JourneyRun if (seed + number) % EVERY == 0 else Run
            run = kind(seed + number, server, start)
            run.play()
            counts += run.counts
            counts["runs"] += 1
            if number % 20 == 19:
                sys.stderr.write(f"{dict(counts)}\n")
    return counts


def environment_of(url, server, folder):
    """What the workers are told: no broker, no Redis; the database is all they have."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DJANGO", "REDIS"))}
    return kept | {
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": "memory://",
        "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "VAR_DIR": str(folder),
        "DEBUG": "0",
        "SECRET_KEY": "chaos" * 12,
        "LOG_LEVEL": "CRITICAL",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    from bench.scratch import scratch

    url, drop = scratch(os.environ["DATABASE_URL"])
    with tempfile.TemporaryDirectory() as folder, MailServer().running() as server:
        os.environ |= environment_of(url, server, folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
        import django
        from django.core.management import call_command

        django.setup()
        try:
            call_command("migrate", verbosity=0)
            counts = play(
                arguments.runs, seed=arguments.seed, environment=dict(os.environ), server=server
            )
        finally:
            django.db.connections.close_all()
            drop()
    sys.stdout.write(f"{json.dumps(counts)}\n")


if __name__ == "__main__":
    main()
