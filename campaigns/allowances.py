"""The rates of `pacing.py` shared by all who send, in whatever process: buckets in the database."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models.functions import Now

from campaigns.models import SendingAllowance
from campaigns.pacing import PROVIDER, Wish, allowed, filled


@transaction.atomic
def take(wishes: Mapping[str, Wish], rate: float) -> dict[str, int]:
    """How many of each domain may go now; nobody else may send these. Three queries.

    By the clock of the database, so that it does not matter what the workers' clocks say.
    """
    rates = {name: wish.rate for name, wish in wishes.items() if wish.rate}
    rates |= {PROVIDER: rate} if rate else {}
    new = [SendingAllowance(name=name, left=1.0, at=Now()) for name in sorted(rates)]
    SendingAllowance.objects.bulk_create(new, ignore_conflicts=True)
    # In the order of the names, or two senders wait for one another.
    rows = SendingAllowance.objects.filter(name__in=rates).order_by("name").select_for_update()
    buckets = {row.name: row for row in rows.annotate(clock=Now())}
    for name, bucket in buckets.items():
        passed = (bucket.clock - bucket.at).total_seconds()
        bucket.left = filled(bucket.left, passed=passed, rate=rates[name])
        bucket.at = max(bucket.at, bucket.clock)  # who waited for the lock had asked before
    going = allowed(wishes, {name: bucket.left for name, bucket in buckets.items()})
    for name, bucket in buckets.items():
        bucket.left -= sum(going.values()) if name == PROVIDER else going[name]
    SendingAllowance.objects.bulk_update(buckets.values(), ["left", "at"])
    return going
