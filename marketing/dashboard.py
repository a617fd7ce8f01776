"""The staff home page: the numbers that matter, each from a few queries, whatever the size."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Avg, Count, F, Max, Q, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns import results
from campaigns.models import Campaign
from chatbot.models import Conversation
from crm import features
from crm.models import Artifact, Customer, Event, Feedback, Order, Score, Segment

WINDOW = 30
DAYS = 90
FRESH = 60  # seconds: a home page need not be newer
SATISFIED = 4.0


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold puts into the index page."""
    now = timezone.now()
    key = f"dashboard:{get_language()}"  # segments and states are named in the reader's language
    figures = cache.get(key)
    if figures is None:
        figures = numbers(now)
        cache.set(key, figures, FRESH)
    return context | charts(figures) | {"figures": figures, "title": _("Home")}


def numbers(now: datetime) -> dict[str, Any]:
    """Plain numbers of the last 30 days beside the 30 before, and what waits for staff."""
    since = now - timedelta(days=WINDOW)
    before = since - timedelta(days=WINDOW)
    return {
        "customers": _customers(since),
        "revenue": _revenue(since, before, now),
        "currency": features.shop_currency(now=now),
        "conversion": _conversion(since, now),
        "value": _customer_value(),
        "campaigns": _campaigns(),
        "roi": _campaign_return(now),
        "satisfaction": _satisfaction(since),
        "waiting_chats": Conversation.objects.filter(state="queued").count(),
        "by_day": _by_day(now),
        "newest_order": Order.objects.aggregate(at=Max("placed_at"))["at"],
        "segments": _segments(),
        "champions": list(
            Artifact.objects.filter(status=Artifact.Status.CHAMPION)
            .order_by("name")
            .values("pk", "name", "trained_at", "reason")
        ),
    }


def _options(*, sideways: bool = False) -> str:
    """How the charts are drawn: numbers on the axis, quiet lines, no legend for one series."""
    numbers = {"beginAtZero": True, "grid": {"color": "rgba(148, 163, 184, .2)"}}
    ticks = {"autoSkip": False} if sideways else {"maxTicksLimit": 8, "maxRotation": 0}
    names = {"grid": {"display": False}, "ticks": ticks}
    return json.dumps(
        {
            "animation": False,
            "maintainAspectRatio": False,
            "indexAxis": "y" if sideways else "x",
            "barPercentage": 0.7,
            "plugins": {"legend": {"display": False}},
            "elements": {"point": {"radius": 0, "hitRadius": 12}},
            "scales": {
                "x": numbers if sideways else names,
                "y": names if sideways else numbers,
            },
        }
    )


def charts(figures: dict[str, Any]) -> dict[str, str]:
    """The same numbers as JSON for the charts."""
    days, segments = figures["by_day"], figures["segments"]
    line = {
        "labels": [date_format(date.fromisoformat(day), "MONTH_DAY_FORMAT") for day, _ in days],
        "datasets": [
            {
                "label": f"{_('Revenue')}, {figures['currency']}",
                "data": [money for _, money in days],
                "borderColor": "var(--color-primary-600)",
            }
        ],
    }
    bars = {
        "labels": [name for name, _ in segments],
        "datasets": [
            {
                "label": _("Customers"),
                "data": [size for _, size in segments],
                "backgroundColor": "var(--color-primary-500)",
            }
        ],
    }
    return {
        "revenue_chart": json.dumps(line) if any(money for _, money in days) else "",
        "revenue_options": _options(),
        "segment_chart": json.dumps(bars),
        "segment_options": _options(sideways=True),
    }


def _customers(since: datetime) -> dict[str, int]:
    return Customer.objects.known().aggregate(
        total=Count("pk"),
        new=Count("pk", filter=Q(first_seen_at__gte=since)),
        active=Count("pk", filter=Q(last_seen_at__gte=since)),
    )


def _revenue(since: datetime, before: datetime, now: datetime) -> dict[str, Any]:
    orders = Order.objects.revenue().filter(placed_at__gte=before, placed_at__lte=now)
    found = orders.aggregate(
        now=Sum("total", filter=Q(placed_at__gte=since)),
        then=Sum("total", filter=Q(placed_at__lt=since)),
        orders=Count("pk", filter=Q(placed_at__gte=since, is_refund=False)),
    )
    this, that = found["now"] or Decimal(0), found["then"] or Decimal(0)
    change = float((this - that) / that * 100) if that else None
    return {
        "total": this,
        "orders": found["orders"],
        "change": change,
    }


def _conversion(since: datetime, now: datetime) -> float | None:
    """Of the customers who looked at a product, the share who ordered, in percent."""
    looked = Event.objects.of_kind("crm.product_viewed").filter(
        happened_at__gte=since, happened_at__lte=now
    )
    lookers = looked.values("customer").distinct()
    bought = Order.objects.sales().filter(placed_at__gte=since, customer__in=lookers)
    count = lookers.count()
    return bought.values("customer").distinct().count() / count * 100 if count else None


def _customer_value() -> dict[str, Any]:
    """The mean of the modelled value to come; spending so far where no model serves yet."""
    modelled = Score.objects.filter(name="clv").aggregate(mean=Avg("value"))["mean"]
    if modelled is not None:
        return {"mean": modelled, "is_modelled": True}
    spent = Order.objects.revenue().aggregate(mean=Sum("total") / Count("customer", distinct=True))
    return {"mean": spent["mean"], "is_modelled": False}


def _campaigns() -> list[dict[str, Any]]:
    newest = Campaign.objects.select_related("segment").order_by(
        F("started_at").desc(nulls_last=True), "-pk"
    )
    return [
        {"pk": c.pk, "name": c.name, "status": c.status, "label": str(c.get_status_display())}
        for c in newest[:5]
    ]


def _campaign_return(now: datetime) -> dict[str, Any] | None:
    """What the newest finished campaign with a holdout earned beyond it, per unit spent.

    Never without its interval: a return whose lower end is below nought is not one yet.
    """
    campaign = (
        Campaign.objects.filter(status=Campaign.Status.FINISHED, holdout_size__gt=0)
        .order_by("-finished_at", "-pk")
        .first()
    )
    if campaign is None:
        return None
    result = results.of(campaign, now=now)
    earned = result.overall.revenue_total if result.overall else None
    cost = result.sent * settings.MESSAGE_COST
    if earned is None or not cost:
        return None
    return {
        "pk": campaign.pk,
        "name": campaign.name,
        "ratio": (earned.estimate - cost) / cost,
        "earned": earned.estimate,
        "lower": earned.lower,
        "upper": earned.upper,
    }


def _satisfaction(since: datetime) -> dict[str, Any]:
    return Feedback.objects.filter(at__gte=since).aggregate(
        csat=Avg("score", filter=Q(kind=Feedback.Kind.CSAT)),
        stars=Avg("score", filter=Q(kind__in=[Feedback.Kind.RATING, Feedback.Kind.REVIEW])),
        answers=Count("pk"),
    )


def _by_day(now: datetime) -> list[tuple[str, float]]:
    """Whole days only: today's, half over, would look like a fall."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=DAYS)
    rows = (
        Order.objects.revenue()
        .filter(placed_at__gte=since, placed_at__lt=midnight)
        .annotate(day=TruncDate("placed_at"))
        .values_list("day")
        .annotate(money=Sum("total"))
    )
    found: dict[date, Decimal] = dict(rows)
    days = [since.date() + timedelta(days=i) for i in range(DAYS)]
    return [(day.isoformat(), float(found.get(day, 0))) for day in days]


def _segments() -> list[tuple[str, int]]:
    largest = Segment.objects.filter(kind=Segment.Kind.LABEL, size__gt=0).order_by("-size", "pk")
    rows = list(largest[:11]) or list(Segment.objects.order_by("-size", "pk")[:11])
    return [(str(segment), segment.size) for segment in rows]
