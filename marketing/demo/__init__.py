"""The demo shop: a seeded world with planted structure, made once in an empty database."""

import sys
from datetime import datetime

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction

from campaigns.demo import past_campaigns
from campaigns.demo_decisions import past_decisions
from campaigns.demo_journeys import journey
from chatbot.demo import answers, chats
from crm.models import Customer, Segment, Source, Topic
from crm.segments import refresh_all
from marketing.demo import catalogue, history, lists, people

CHUNK = 5000
MOST_CHATS = 2000
TOPICS = {"offers": ("Offers", "优惠活动"), "news": ("News", "新品资讯")}
SEGMENTS = {
    "active-buyers": (
        "Bought in the last 180 days",
        "近 180 天有购买",
        {"orders": "count", "op": ">=", "value": 1, "days": 180},
    ),
    "slipping-away": (
        "Good customers not seen for 60 days",
        "超过 60 天未访问的优质客户",
        {
            "all": [
                {"orders": "count", "op": ">=", "value": 3},
                {"field": "days_since_seen", "op": ">", "value": 60},
            ]
        },
    ),
    "window-shoppers": (
        "Looked often this month, bought nothing",
        "本月多次浏览但未购买",
        {
            "all": [
                {"event": "crm.product_viewed", "op": ">=", "count": 3, "days": 30},
                {"orders": "count", "op": "=", "value": 0, "days": 30},
            ]
        },
    ),
    "everyone-known": ("Everyone we know", "所有已知客户", {"field": "is_known", "value": True}),
}


class NotEmpty(Exception):
    """The database holds customers already; the demo shop is only made in an empty one."""


@transaction.atomic
def fill(*, customers: int, seed: int, now: datetime, staff: User | None = None) -> dict[str, int]:
    """Make the whole shop in one transaction; return how many of each were made."""
    if Customer.objects.exists():
        raise NotEmpty("the database holds customers already")
    rng = np.random.default_rng(seed)
    Source.objects.get_or_create(name="shop", defaults={"allowed_origins": ["*"]})
    for slug, (en, zh) in TOPICS.items():
        Topic.objects.get_or_create(slug=slug, defaults={"name_en": en, "name_zh": zh})
    shelf = catalogue.stock_shelves(now=now, rng=rng)
    made = {"products": len(shelf.products), "customers": 0, "orders": 0, "lists": 0}
    by_chance = rng.spawn(1)[0]  # chances of their own, so that the rest is as it was
    for start in range(0, customers, CHUNK):
        size = min(CHUNK, customers - start)
        crowd = people.invite(size, start=start, categories=shelf.categories, now=now, rng=rng)
        made["orders"] += history.live(crowd, shelf, now=now, rng=rng)
        made["lists"] += lists.shown(crowd, shelf, now=now, rng=by_chance)
        made["customers"] += size
        sys.stderr.write(f"  {made['customers']:,} customers, {made['orders']:,} orders\n")
    _make_segments(now=now)
    made["answers"] = answers()
    few = min(max(20, customers // 10), MOST_CHATS)
    some = list(Customer.objects.order_by("-last_seen_at")[:few])
    made["chats"] = chats(some, now=now, rng=rng)
    made["campaigns"] = past_campaigns(now=now, rng=rng, staff=staff)
    made["journey"] = journey(now=now, rng=by_chance, staff=staff)
    made["decisions"] = past_decisions(now=now, rng=rng.spawn(1)[0])
    return made


def _make_segments(*, now: datetime) -> None:
    for slug, (en, zh, rule) in SEGMENTS.items():
        Segment.objects.create(slug=slug, name_en=en, name_zh=zh, kind=Segment.Kind.RULE, rule=rule)
    refresh_all(now=now)
