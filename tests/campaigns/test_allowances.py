"""Rates hold over all who send: the buckets are in the database, by its clock."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import F

from campaigns import allowances
from campaigns.models import SendingAllowance
from campaigns.pacing import PROVIDER, Wish
from tests.servers import scratch_database

ROOT = Path(__file__).resolve().parents[2]
SECONDS, RATE, OWN = 2.0, 200.0, 40.0


@pytest.mark.django_db
class TestTaking:
    def test_the_first_may_go_at_once_and_the_next_has_to_wait(self):
        assert allowances.take({"a.org": Wish(1.0, 5)}, 0.0) == {"a.org": 1}
        assert allowances.take({"a.org": Wish(1.0, 5)}, 0.0) == {"a.org": 0}

    def test_the_bucket_fills_with_the_time_of_the_database(self):
        allowances.take({"a.org": Wish(10.0, 1)}, 0.0)
        bucket = SendingAllowance.objects.get()
        SendingAllowance.objects.update(at=bucket.at - timedelta(seconds=9))
        assert allowances.take({"a.org": Wish(10.0, 99)}, 0.0) == {"a.org": 10}

    def test_a_clock_that_went_back_takes_nothing_away(self):
        allowances.take({"a.org": Wish(10.0, 0)}, 0.0)
        bucket = SendingAllowance.objects.get()
        later = bucket.at + timedelta(hours=1)
        SendingAllowance.objects.update(at=later, left=3.0)
        assert allowances.take({"a.org": Wish(10.0, 99)}, 0.0) == {"a.org": 3}
        assert SendingAllowance.objects.get().at == later

    def test_the_provider_counts_all_domains_together(self):
        allowances.take({"a.org": Wish(None, 0)}, 5.0)
        SendingAllowance.objects.filter(name=PROVIDER).update(left=5.0)
        going = allowances.take({"a.org": Wish(None, 3), "b.org": Wish(None, 9)}, 5.0)
        assert going == {"a.org": 3, "b.org": 2}
        assert SendingAllowance.objects.filter(name="a.org").count() == 0

    def test_it_costs_the_same_however_many_domains_wait(self, django_assert_max_num_queries):
        wishes = {f"{n}.org": Wish(1.0, 5) for n in range(100)}
        with django_assert_max_num_queries(5):  # with the savepoint
            assert sum(allowances.take(wishes, 60.0).values()) == 1
        assert not SendingAllowance.objects.filter(left__lt=0).exists()
        assert SendingAllowance.objects.filter(left=F("left")).count() == 101


@pytest.mark.services
@pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has a single writer")
def test_two_processes_together_keep_the_rates(tmp_path):
    with scratch_database("rates") as url:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DJANGO"))}
        environment = kept | {"DATABASE_URL": url, "VAR_DIR": str(tmp_path), "DEBUG": "1"}
        run = {"cwd": ROOT, "env": environment, "text": True}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], check=True, **run)
        program = [sys.executable, "tests/campaigns/allowance_worker.py", str(RATE), str(OWN)]
        workers = [
            subprocess.Popen([*program, str(SECONDS)], stdout=subprocess.PIPE, **run)
            for _ in range(2)
        ]
        told = [
            json.loads(worker.communicate(timeout=120)[0].splitlines()[-1]) for worker in workers
        ]
    times = sorted(at for one in told for at, _, number in one["went"] for _ in range(number))
    own = [
        at
        for one in told
        for at, domain, n in one["went"]
        if domain == "slow.org"
        for _ in range(n)
    ]
    assert len({one["pid"] for one in told}) == 2
    assert all(one["went"] for one in told), "one of them never got its turn"
    for moments, rate in ((times, RATE), (sorted(own), OWN)):
        passed = moments[-1] - moments[0]
        assert passed > SECONDS / 2
        # a second of the rate may be made up for; the clocks of the answers are those of readers
        assert rate * passed * 0.5 < len(moments) <= rate * (passed + 1) + 0.1 * rate
