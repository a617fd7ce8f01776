"""How many a rule would find: counted where that is quick, otherwise estimated from a sample."""

import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.db.models import Max, Min

from crm.models import Customer
from crm.segments import checking, compiling
from crm.segments.sql import Among

QUICK = 1.0  # seconds for an exact count
PATIENCE = 3.0  # seconds for a sample
FEW = 50_000  # so many customers are always counted
SAMPLE = 20_000
CONFIDENCE = 1.96  # 95 %


class TooSlow(Exception):
    """The question took longer than it may."""


@dataclass(frozen=True)
class Estimate:
    """`size` customers, surely between `low` and `high` (95 %) where not exact."""

    size: int
    low: int
    high: int
    is_exact: bool
    of: int


def estimate(rule: Any, *, now: datetime) -> Estimate:
    """How many customers a rule describes, within seconds. Raises BadRule and TooSlow."""
    part = checking.checked(rule)
    everybody = _everybody()
    try:
        with at_most(PATIENCE if everybody <= FEW else QUICK):
            size = compiling.customers(part, now=now).count()
            return Estimate(size, size, size, True, everybody)
    except TooSlow:
        if everybody <= FEW:
            raise
    with at_most(PATIENCE):
        ids = _sample()
        hits = compiling.customers(part, now=now, among=ids).count()
    return scaled(hits, sampled=len(ids), everybody=everybody)


def scaled(hits: int, *, sampled: int, everybody: int) -> Estimate:
    """From a sample to everybody, with the Wilson interval: it holds for rare things too."""
    if not sampled:
        return Estimate(0, 0, everybody, False, everybody)
    share, square = hits / sampled, CONFIDENCE**2 / sampled
    middle = (share + square / 2) / (1 + square)
    spread = share * (1 - share) / sampled + square / (4 * sampled)
    half = CONFIDENCE * math.sqrt(spread) / (1 + square)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Estimate(
        round(share * everybody),
        int(low * everybody),
        math.ceil(high * everybody),
        False,
        everybody,
    )


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Let what is asked of the database take no longer. Raises TooSlow."""
    try:
        with transaction.atomic(), _limited(seconds):
            yield
    except OperationalError as error:
        raise TooSlow(f"no answer within {seconds:g} s") from error


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [int(seconds * 1000)])
        yield
        with connection.cursor() as cursor:  # an outer transaction goes on without the limit
            cursor.execute("SET LOCAL statement_timeout = 0")
        return
    end = time.monotonic() + seconds
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _everybody() -> int:
    known: int | None = cache.get("segments:customers")
    if known is None or known <= FEW:
        known = Customer.objects.active().count()
        cache.set("segments:customers", known, 60)
    return known


def _sample() -> list[int]:
    """Customers drawn by number, always the same ones, so that an estimate does not flicker."""
    ends = Customer.objects.aggregate(low=Min("pk"), high=Max("pk"))
    chance = random.Random(ends["high"])
    drawn = {chance.randint(ends["low"], ends["high"]) for _ in range(SAMPLE)}
    found = Customer.objects.active().filter(Among("pk", sorted(drawn)))
    return list(found.values_list("pk", flat=True))
