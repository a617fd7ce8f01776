"""Writers leave word of what they changed; `keeping` looks whom it moves into which segment.

Only what some rule reads is written down, in the transaction of the change itself. Keys:
`field:country`, `trait:plan`, `event:crm.product_viewed`, `orders`, `score:rfm`, `consent:email`,
`feedback`, `opinions`, `interest:category`, `segment:slug`, and `*` for a customer of whom
everything is new.
"""

from collections.abc import Iterable

from django.core.cache import cache
from django.db import transaction

from crm.models import Customer, OrderLine, Segment, Touch
from crm.models.segments import WANTED
from crm.segments import language, parsing, reading

EVERYTHING = "*"
KNOWN_FOR = 5  # seconds that a process without a shared cache may not know of a new rule
LULL = 0.25  # seconds
BATCH = 2_000


def touch(customer_ids: Iterable[int], *keys: str) -> None:
    """These customers changed in what the keys name. Call it in the transaction of the change."""
    if read := _read(keys):
        _write({(pk, key) for pk in customer_ids for key in read})


def touch_each(pairs: Iterable[tuple[int, str]]) -> None:
    """Customers with one key each, for writers of many."""
    wanted = wanted_keys()
    if wanted:
        _write({(pk, key) for pk, key in pairs if key in wanted})


def touch_everybody(*keys: str) -> None:
    """So many changed that asking everybody is cheaper than naming them."""
    if read := _read(keys):
        _write({(None, key) for key in read})


def touch_fields(customer: Customer, *names: str) -> None:
    """Columns of a customer changed; `traits` is any of them."""
    wanted = wanted_keys()
    keys = {f"field:{name}" for name in names}
    if "traits" in names:
        keys |= {key for key in wanted if key.startswith("trait:")}
    touch([customer.pk], *keys)


def touch_buyers(product_ids: Iterable[int]) -> None:
    """Products moved to another category or brand: whoever bought them may move with them."""
    if not _read(["orders"]):
        return
    lines = OrderLine.objects.filter(product__in=list(product_ids))
    buyers = lines.values_list("order__customer", flat=True).distinct()
    touch(buyers.iterator(chunk_size=BATCH), "orders")


def wanted_keys() -> frozenset[str]:
    """What the rules read, all together; empty when there is no rule."""
    known: frozenset[str] | None = cache.get(WANTED)
    if known is None:
        known = _wanted()
        cache.set(WANTED, known, KNOWN_FOR)
    return known


def wake() -> None:
    """Ask for somebody to look: at once, or in a moment when one was asked for just now."""
    from crm.tasks import drain_touches  # tasks import this package

    if cache.add("touches:woken", True, LULL):
        drain_touches.delay()
    elif cache.add("touches:woken-later", True, LULL):
        drain_touches.apply_async(countdown=LULL)


def _read(keys: Iterable[str]) -> list[str]:
    wanted = wanted_keys()
    return [key for key in keys if key in wanted]


def _wanted() -> frozenset[str]:
    keys: set[str] = set()
    rules = Segment.objects.filter(kind__in=Segment.RULED).values_list("rule", flat=True)
    for rule in rules:
        try:
            keys |= {EVERYTHING, *reading.reads(parsing.parse(rule))}
        except language.BadRule:  # it has no members to be moved
            continue
    return frozenset(keys)


def _write(pairs: set[tuple[int | None, str]]) -> None:
    if not pairs:
        return
    rows = [Touch(customer_id=pk, reads=key[:100]) for pk, key in pairs]
    with transaction.atomic():
        Touch.objects.bulk_create(rows, batch_size=BATCH)
        transaction.on_commit(wake, robust=True)  # a sweep runs anyway
