"""Decisions of the demo store: a placement with a history in which one thing is true."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from campaigns import decisions
from campaigns.decisions.snapshots import FEATURES
from campaigns.models import Action, Decision, Placement, Reward
from crm.models import Customer, Topic

SLUG = "home-banner"
PEOPLE, DAYS = 400, 5
AGO = timedelta(days=45)
CHINESE = FEATURES.index("reads_chinese")
BASE, LIKED = 0.05, 0.3  # chances of a purchase: of any action, of the one that fits
ACTIONS: tuple[dict[str, Any], ...] = (
    {"slug": "tenth-off", "name_en": "10 % off", "name_zh": "九折优惠", "value": Decimal(10)},
    {"slug": "free-delivery", "name_en": "Free delivery", "name_zh": "免运费", "value": Decimal(8)},
    {"slug": "new-in", "name_en": "What is new", "name_zh": "新品上架"},
    {
        "slug": "gift",
        "name_en": "A gift with the next order",
        "name_zh": "下单赠礼",
        "value": Decimal(15),
        "uses_limit": 300,
        "repeat_days": 30,
    },
    {
        "slug": "mail-offer",
        "name_en": "An offer by e-mail in the morning",
        "name_zh": "早间邮件优惠",
        "channel": Action.Channel.EMAIL,
        "slot": Action.Slot.MORNING,
        "cost": Decimal("0.05"),
    },
)


def past_decisions(*, now: datetime, rng: np.random.Generator) -> int:
    """Fill in a placement, its actions and what was decided and bought; return how many decisions.

    Readers of Chinese like free delivery, the others a tenth off. A second call changes nothing.
    """
    if Placement.objects.filter(slug=SLUG).exists():
        return 0
    placement = Placement.objects.create(
        slug=SLUG,
        name_en="Banner of the home page",
        name_zh="首页横幅",
        topic=Topic.objects.filter(slug="offers").first(),
        holdout_share=0.05,
        explore=0.15,
        value_limit=Decimal(20),
    )
    for fields in ACTIONS:
        Action.objects.create(placement=placement, **fields)
    newest = Customer.objects.known().filter(first_seen_at__lt=now - AGO).order_by("pk")
    crowd = list(newest.values_list("pk", flat=True)[:PEOPLE])
    for day in range(DAYS):
        decisions.decide_many(crowd, placement, now=now - AGO + timedelta(days=day))
    rows = Decision.objects.filter(placement=placement).order_by("pk")
    rewards = [_bought(row) for row in rows if rng.random() < _chance(row)]
    Reward.objects.bulk_create(rewards, batch_size=500)
    return rows.count()


def _chance(row: Decision) -> float:
    liked = "free-delivery" if row.facts["features"][CHINESE] else "tenth-off"
    return LIKED if row.choice == liked else BASE


def _bought(row: Decision) -> Reward:
    at = row.decided_at + timedelta(hours=3)
    return Reward(
        decision=row,
        kind=Reward.Kind.CONVERSION,
        key="demo",
        value=Decimal(100),
        at=at,
        received_at=at,
    )
