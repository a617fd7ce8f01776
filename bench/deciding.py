"""Decisions with eligibility and log, in batches: a second, of one process, and what is replayed.

    DATABASE_URL=… python -m bench.deciding [--customers N] [--replay]

On PostgreSQL a scratch database is made and dropped; the default is SQLite in a temporary folder.
Six actions with segment, consent, cap, repeat and stock; a LinUCB decides.
"""

import argparse
import json
import sys
import time

from bench.campaigns import analyze, prepare
from bench.scratch import scratch_shop


def town(number):
    """A placement, and people of whom some agreed, belong and bought."""
    from django.utils import timezone

    from campaigns.models import Action
    from crm.models import PurchaseSummary
    from tests.campaigns.decisions.world import make_action, make_placement
    from tests.campaigns.world import make_segment

    campaign = prepare(number)
    ids = list(campaign.segment.memberships.order_by("pk").values_list("customer_id", flat=True))
    place = make_placement("home", topic=campaign.topic, cap_decisions=5, may_stay_silent=True)
    loyal = make_segment()
    loyal.memberships.bulk_create(
        [
            loyal.memberships.model(segment=loyal, customer_id=pk, entered_at=timezone.now())
            for pk in ids[::2]
        ]
    )
    day = timezone.now().date()
    PurchaseSummary.objects.bulk_create(
        PurchaseSummary(
            customer_id=pk,
            currency="CNY",
            first_day=day,
            last_day=day,
            days=1,
            sales=pk % 7,
            money=pk % 900,
        )
        for pk in ids
    )
    make_action(place, "mail", channel="email", segment=loyal, repeat_days=5)
    make_action(place, "evening", channel="email", slot="evening")
    gift = make_action(place, "gift", value=5)
    Action.objects.filter(pk=gift.pk).update(uses_limit=number * 10)
    for slug in ("banner", "news", "survey"):
        make_action(place, slug)
    analyze()
    return place, ids


def taught(place):
    import numpy as np
    from django.utils import timezone

    from campaigns.decisions.snapshots import FEATURES
    from campaigns.ml.placed import PlacedPolicy
    from crm import artifacts
    from tests.campaigns.decisions.world import approved

    rng, now = np.random.default_rng(0), timezone.now()
    order = ["nothing", *place.actions.order_by("pk").values_list("slug", flat=True)]
    policy = PlacedPolicy(
        place.artifact_name, "linucb", actions=order, features=FEATURES, settings={"explore": 0.1}
    )
    policy.fit(
        rng.normal(size=(2_000, len(FEATURES))) + 1,
        rng.integers(0, len(order), 2_000),
        rng.random(2_000),
    )
    saved = artifacts.save(policy, artifacts.Provenance(metrics={}), as_of=now, now=now)
    approved(place, saved, now=now)


def measure(arguments):
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from campaigns import decisions
    from campaigns.decisions import replaying

    call_command("migrate", verbosity=0)
    place, ids = town(arguments.customers)
    figures = {"database": connection.vendor}
    for name in ("rules", "linucb"):
        if name == "linucb":
            taught(place)
        decisions.decide_many(ids[:500], place, now=timezone.now())
        wall, cpu = time.perf_counter(), time.process_time()
        made = decisions.decide_many(ids, place, now=timezone.now())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        figures[name] = {
            "decisions_a_second": round(len(made) / wall),
            "decisions_a_cpu_second": round(len(made) / cpu),
        }
    if arguments.replay:
        same = [
            one.is_same
            for one in replaying.replay_all(replaying.rows().order_by("-pk")[:10_000].iterator(500))
        ]
        figures["replayed"] = f"{sum(same):,} of {len(same):,} the same"
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--replay", action="store_true")
    arguments = parser.parse_args()
    with scratch_shop(DEBUG="0"):
        figures = measure(arguments)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
