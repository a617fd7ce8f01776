"""Run as a program by test_allowances.py: takes what it may, all the time; RATE OWN SECONDS."""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")

import django

django.setup()

from campaigns import allowances  # noqa: E402
from campaigns.pacing import Wish  # noqa: E402


def work(rate, own, seconds):
    went, wishes = [], {"slow.org": Wish(own, 1000), "a.org": Wish(None, 1000)}
    allowances.take({"a.org": Wish(None, 0)}, rate)
    end = time.time() + seconds
    while time.time() < end:
        going = allowances.take(wishes, rate)
        went += [(time.time(), domain, number) for domain, number in going.items() if number]
        time.sleep(0.02)
    return {"pid": os.getpid(), "went": went}


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(work(*map(float, sys.argv[1:])))}\n")
