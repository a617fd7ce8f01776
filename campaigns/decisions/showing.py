"""A decision on a page: made once a day for a visitor, shown while it may be, with its click."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.decisions.deciding import (
    Decided,
    PlacementClosed,
    UnknownPlacement,
    decide,
    placement_of,
)
from campaigns.decisions.rewarding import OutsideWindow, reward
from campaigns.events import OfferClicked, OfferShown
from campaigns.models import Action, Decision, Reward, Veto
from crm import timeline
from crm.models import Customer


def shown(
    customer: Customer, slug: str, *, now: datetime, channels: Sequence[str] = ("site",)
) -> Decided | None:
    """What to show at a placement; None: nothing, or the placement is closed or unknown.

    The first page of a day decides, and its being shown is on the timeline. What was switched
    off, sold out or vetoed since is shown to nobody any more.
    """
    try:
        placement = placement_of(slug)
    except (UnknownPlacement, PlacementClosed):
        return None
    key = f"page {now.date().isoformat()}"
    made = decide(customer, placement, now=now, occasion=key, key=key, channels=channels)
    if made.action is None:
        return None
    if not made.is_new:
        return made if _stands(made.action, customer, now=now) else None
    fact = OfferShown(decision=str(made.public_id), placement=slug, action=made.choice)
    timeline.record(customer, fact, at=now, key=str(made.public_id))
    return made


def clicked(public_id: UUID, customer: Customer, *, now: datetime) -> Decision | None:
    """Reward a customer's own decision for the click; None: there is no such decision of theirs.

    Clicked twice is one reward. The decision comes with what was offered.
    """
    mine = Decision.objects.filter(public_id=public_id, customer=customer).exclude(action=None)
    row = mine.select_related("placement", "action__product").first()
    if row is None:
        return None
    with transaction.atomic(), suppress(OutsideWindow):
        reward(row, kind=Reward.Kind.CLICK, key="click", at=now, received_at=now)
        slug = row.placement.slug
        fact = OfferClicked(decision=str(public_id), placement=slug, action=row.choice)
        timeline.record(customer, fact, at=now, key=str(public_id))
    return row


def _stands(action: Action, customer: Customer, *, now: datetime) -> bool:
    """Whether an action that was chosen earlier may still be shown. One query."""
    begins, ends, product = action.active_from, action.active_until, action.product
    is_over = (begins is not None and now < begins) or (ends is not None and now >= ends)
    is_gone = product is not None and (product.stock == 0 or not product.is_active)
    if is_over or is_gone or not action.is_active:
        return False
    return not Veto.objects.standing().of(customer).filter(action=action).exists()
