"""A person says no to an action, for one customer or for everybody, and the reason is kept."""

from datetime import datetime
from typing import Any

from campaigns.models import Action, Decision, Veto
from crm.models import Customer


def veto(  # noqa: PLR0913  (what, for whom, why, says who, when, because of what)
    action: Action,
    *,
    customer: Customer | None,
    reason: str,
    by: Any,
    at: datetime,
    decision: Decision | None = None,
) -> tuple[Veto, bool]:
    """The veto that stands from now on, and whether it is new. Raises ValueError without reason."""
    if not reason.strip():
        raise ValueError("a reason is needed")
    return Veto.objects.standing().get_or_create(
        action=action,
        customer=customer,
        lifted_at=None,
        defaults={"reason": reason.strip()[:300], "by": by, "at": at, "decision": decision},
    )


def lift(veto: Veto, *, at: datetime) -> bool:
    """The action may be chosen again; false where it was lifted before."""
    return bool(Veto.objects.standing().filter(pk=veto.pk).update(lifted_at=at))
