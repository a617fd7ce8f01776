"""Run as a program by test_kill.py, outside pytest: fills the scratch database, looks into it.

python tests/campaigns/kill_world.py fill NUMBER | start | sweep
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")

import django

django.setup()

from django.utils import timezone  # noqa: E402

from campaigns import lifecycle, tasks  # noqa: E402
from campaigns.models import Campaign, Delivery  # noqa: E402
from tests.campaigns.world import make_campaign, make_members  # noqa: E402


def fill(number: int) -> dict:
    campaign = make_campaign(holdout_share="0.1")
    make_members(campaign, number)
    return {"campaign": campaign.pk}


def start() -> dict:
    return {"begun": lifecycle.start(Campaign.objects.get(), now=timezone.now())}


def sweep() -> dict:
    """As the scheduler does every 30 seconds; then the state."""
    tasks.sweep.delay()
    return state()


def state() -> dict:
    campaign = Campaign.objects.get()
    rows = Delivery.objects.values_list("status", "address")
    by_status: dict[str, list[str]] = {}
    for status, address in rows:
        by_status.setdefault(status, []).append(address)
    return {
        "campaign": campaign.status,
        "audience": campaign.audience_size,
        "holdout": campaign.holdout_size,
        "deliveries": by_status,
    }


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    answer = globals()[command](*(int(argument) for argument in arguments))
    sys.stdout.write(json.dumps(answer) + "\n")
