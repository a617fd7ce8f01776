"""Several workers at the same moment, on PostgreSQL: one training, one test, one winner."""

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from crm.models import Artifact
from crm.training import AlreadyTraining, Order
from recommendations import interleavings, retraining
from recommendations.models import Interleaving, Retraining
from tests.factories import NOON

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(settings.IS_SQLITE, reason="SQLite has a single writer"),
    pytest.mark.django_db(transaction=True),
]


def at_once(work, *, workers=6):
    """What each of them returned, all begun at the same moment."""
    barrier, found = threading.Barrier(workers), []

    def run(number):
        try:
            barrier.wait()
            found.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == workers
    return found


def test_one_worker_takes_the_turn():
    turns = []

    def take(number):
        now = NOON + timedelta(microseconds=number)
        try:
            turn = retraining.turn(Order(as_of=now, now=now))
            turn.__enter__()
        except AlreadyTraining:
            return False
        turns.append(turn)  # or it would end when nobody holds it any more
        return True

    assert sorted(at_once(take)) == [False] * 5 + [True]
    turns[0].__exit__(None, None, None)
    assert Retraining.objects.get().claimed_at is None


def test_one_test_begins(monkeypatch):
    monkeypatch.setattr("crm.artifacts.load", lambda *_: None)
    pair = [
        Artifact.objects.create(
            name="recommender", sha256="0" * 64, format=1, as_of=NOON, trained_at=NOON
        )
        for _ in range(2)
    ]

    def start(number):
        try:
            return interleavings.start(*pair, by=str(number), now=NOON) is not None
        except interleavings.AlreadyRunning:
            return False

    assert sorted(at_once(start)) == [False] * 5 + [True]
    assert Interleaving.objects.count() == 1
