"""Codes of one's own from a series, and what became of them.

A code is given once to each customer, however often a message is made; the last of a limited
series are given to whoever asks first, under the lock of its row. A use is counted once for each
order, however often it is told.
"""

import base64
import hmac
from collections.abc import Collection, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from campaigns.models import Coupon, CouponSeries, Redemption
from crm.models import Customer

LETTERS = 10  # of a code after its prefix: 50 bits
OVER, STRANGER, LATE = "used_up", "of_another", "not_valid"


def of_series(series: CouponSeries, customer_ids: Collection[int]) -> dict[int, Coupon]:
    """The codes that these customers have."""
    found = Coupon.objects.filter(series=series, customer__in=customer_ids)
    return {one.customer_id: one for one in found if one.customer_id is not None}


def give(series: CouponSeries, customer_ids: Sequence[int], *, now: datetime) -> dict[int, Coupon]:
    """The code of each; who gets none is left out: the series is over, or all of it is given."""
    found = of_series(series, customer_ids)
    missing = [pk for pk in dict.fromkeys(customer_ids) if pk not in found]
    if not missing or not series.gives(now):
        return found
    with transaction.atomic():
        series = CouponSeries.objects.select_for_update().get(pk=series.pk)
        given = of_series(series, missing)  # by another, while we waited
        missing = [pk for pk in missing if pk not in given][: _left(series)]
        Coupon.objects.bulk_create(
            (
                Coupon(
                    code=code_of(series, pk),
                    customer_id=pk,
                    series=series,
                    category_id=series.category_id,
                    text_en=series.text_en,
                    text_zh=series.text_zh,
                    valid_from=now.date(),
                    valid_to=series.last_day(now),
                    most_uses=series.uses_each,
                )
                for pk in missing
            ),
            ignore_conflicts=True,
        )
        return found | given | of_series(series, missing)


def code_of(series: CouponSeries, customer_id: int) -> str:
    """Nobody guesses another's; made twice it is the same."""
    said = f"coupon {series.pk} {customer_id}".encode()
    digest = hmac.new(settings.SECRET_KEY.encode(), said, "sha256").digest()
    return series.prefix + base64.b32encode(digest).decode()[:LETTERS]


@transaction.atomic
def redeem(code: str, customer: Customer, *, order: str, at: datetime) -> Redemption | None:
    """Note that a coupon was used for an order; None for a code that is none of ours."""
    coupon = Coupon.objects.select_for_update().filter(code=code.strip()).first()
    if coupon is None:
        return None
    known = Redemption.objects.filter(coupon=coupon, order=order).first()
    if known is not None:
        return known
    reason = _refusal(coupon, customer, at)
    Coupon.objects.filter(pk=coupon.pk).update(uses=F("uses") + 1)
    return Redemption.objects.create(
        coupon=coupon, customer=customer, order=order, at=at, is_allowed=not reason, reason=reason
    )


def _refusal(coupon: Coupon, customer: Customer, at: datetime) -> str:
    """Why the shop should not have taken it. It has: this is for those who look after it."""
    if coupon.customer_id not in (None, customer.pk):
        return STRANGER
    if coupon.is_used_up:
        return OVER
    return "" if coupon.is_valid_on(at.date()) else LATE


def _left(series: CouponSeries) -> int | None:
    if series.most is None:
        return None
    return max(series.most - series.coupons.count(), 0)
