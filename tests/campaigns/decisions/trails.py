"""A placement with a history in which one thing is true, to be found out."""

from datetime import timedelta
from uuid import UUID

import numpy as np

from campaigns import decisions
from campaigns.decisions.snapshots import FEATURES
from campaigns.models import Decision, Reward
from tests.campaigns.decisions.world import make_home
from tests.factories import NOON, make_customer

AGO = timedelta(days=40)
CHINESE = FEATURES.index("reads_chinese")


def made_history(*, people=400, days=6, best=0.5, other=0.1, harm=0.0, **fields):
    """Readers of Chinese want "a", those of English "b"; chosen by chance, and rewarded.

    Chance hangs on the placement's name, the customers' ids and the secret: all are the same in
    every run (with the fixture `same_luck`).
    """
    placement, _ = make_home("a", "b", **({"explore": 0.2, "slug": "history"} | fields))
    crowd = [
        make_customer(f"P{n}", language="zh-hans" if n % 2 else "en", public_id=UUID(int=n + 1)).pk
        for n in range(people)
    ]
    for day in range(days):
        decisions.decide_many(crowd, placement, now=NOON - AGO + timedelta(days=day))
    rewarded(Decision.objects.filter(placement=placement), best=best, other=other, harm=harm)
    return placement


def rewarded(chosen, *, best, other, harm=0.0, seed=0):
    rng, rows = np.random.default_rng(seed), []
    for row in chosen.order_by("pk"):
        wants = "a" if row.facts["features"][CHINESE] else "b"
        told = {"decision": row, "at": row.decided_at, "received_at": row.decided_at}
        if rng.random() < (best if row.choice == wants else other):
            rows.append(Reward(kind="conversion", key="order 1", value=10, **told))
        if row.choice == wants and rng.random() < harm:
            rows.append(Reward(kind="unsubscribe", key="left", **told))
    Reward.objects.bulk_create(rows)
