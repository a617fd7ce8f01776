"""Run as a program by chaos.py: a Django process that forks workers, so that one is ready at once.

Each line of stdin is {"campaign": id, "seed": n, "clock": seconds}, or {"journey": id, "events":
ids, …}; the answer is a process id.
The worker sweeps, and takes the task of the campaign again and again, as if it were delivered more
than once, until it is killed or the campaign is over.
"""

import json
import os
import random
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")

import django

django.setup()

from django import db  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns import connections, lifecycle, pipeline, tasks  # noqa: E402
from campaigns.journeys import engine  # noqa: E402
from campaigns.models import Campaign  # noqa: E402
from crm.tasks import dispatch_events  # noqa: E402
from marketing.celery import app  # noqa: E402

app.conf.task_always_eager = True
connections.PATIENCE = (0.05,)
pipeline.BATCH = 20  # many turns in few messages
pipeline.PAUSE = 0.02
engine.BATCH = 10
engine.advance_all.__kwdefaults__["limit"] = 10
OVER = (Campaign.Status.FINISHED, Campaign.Status.CANCELLED)


def move_clock(seconds):
    right = timezone.now
    timezone.now = lambda: right() + timedelta(seconds=seconds)


def work(campaign, seed, clock):
    rng = random.Random(seed)
    move_clock(clock)
    while True:
        try:
            if Campaign.objects.get(pk=campaign).status in OVER:
                return
            if rng.random() < 0.5:
                tasks.start_campaign(campaign_id=campaign)
            else:
                tasks.sweep()
            if rng.random() < 0.1:
                lifecycle.finish_if_done(campaign, now=timezone.now())
        except db.Error:  # as a task fails: the next one tries again
            db.connections.close_all()
        time.sleep(rng.random() * 0.05)


def walk(journey, events, seed, clock):
    """Hear, move on, send, sweep: as often as may be, in any order, until killed."""
    rng = random.Random(seed)
    move_clock(clock)
    while True:
        try:
            rng.choice(
                [
                    dispatch_events,
                    tasks.walk,
                    tasks.walk,
                    tasks.send_due,
                    tasks.sweep,
                    lambda: tasks.hear(event_ids=rng.sample(events, 5)),
                ]
            )()
        except db.Error:  # as a task fails: the next one tries again
            db.connections.close_all()
        time.sleep(rng.random() * 0.05)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        db.connections.close_all()
        child = os.fork()
        if child == 0:
            told = json.loads(line)
            (walk if "journey" in told else work)(**told)
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
