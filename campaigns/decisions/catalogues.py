"""What could be chosen at a placement, frozen by its content, so that a log needs it only once."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from campaigns.models import NOTHING, Action, Catalogue, Placement


def content_of(placement: Placement, actions: Iterable[Action]) -> dict[str, Any]:
    """All that the rules and the words read of a placement and its actions."""
    quiet = None
    if placement.quiet_from is not None and placement.quiet_until is not None:
        quiet = [placement.quiet_from.isoformat(), placement.quiet_until.isoformat()]
    limit = placement.value_limit
    return {
        "placement": {
            "slug": placement.slug,
            "topic": placement.topic_id,
            "cap": placement.cap_decisions,
            "cap_days": placement.cap_days,
            "quiet": quiet,
            "value_limit": None if limit is None else float(limit),
            "may_stay_silent": placement.may_stay_silent,
            "holdout": placement.holdout_share,
            "explore": placement.explore,
        },
        "actions": [_action(action) for action in actions],
        "secret": fingerprint(),
    }


def kept(placement: Placement, content: dict[str, Any], *, now: datetime) -> int:
    """The id of the catalogue with this content."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    known = Catalogue.objects.filter(placement=placement, digest=digest)
    pk: int | None = known.values_list("pk", flat=True).first()
    if pk is None:
        row, _ = Catalogue.objects.get_or_create(
            placement=placement, digest=digest, defaults={"content": content, "created_at": now}
        )
        pk = row.pk
    return pk


def order_of(content: dict[str, Any]) -> list[str]:
    """The choices by number: nothing first, then the actions."""
    return [NOTHING, *(action["slug"] for action in content["actions"])]


def weights_of(content: dict[str, Any]) -> list[float]:
    """Staff's own shares, in the order of `order_of`. Nothing counts as one action."""
    return [1.0, *(action["weight"] for action in content["actions"])]


@lru_cache(maxsize=4)
def _secret(key: str) -> bytes:
    return hashlib.sha256(f"campaigns.decisions {key}".encode()).digest()


def secret() -> bytes:
    """What chances are drawn with."""
    return _secret(settings.SECRET_KEY)


def fingerprint() -> str:
    """Tells one secret from another and nothing else."""
    return hashlib.sha256(b"fingerprint" + secret()).hexdigest()[:12]


def _action(action: Action) -> dict[str, Any]:
    return {
        "slug": action.slug,
        "names": [action.name_en, action.name_zh],
        "is_active": action.is_active,
        "channel": action.channel,
        "slot": action.slot,
        "weight": action.weight,
        "value": float(action.value),
        "segment": action.segment_id,
        "from": action.active_from.isoformat() if action.active_from else None,
        "until": action.active_until.isoformat() if action.active_until else None,
        "repeat_days": action.repeat_days,
    }
