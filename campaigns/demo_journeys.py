"""The journey of the demo store: reminders of the cart, live for ten days, with people in it."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import F
from django.utils import translation

from campaigns.journeys import engine, entering, leaving, recipes, running, steering, words
from campaigns.journeys.entering import Reason
from campaigns.models import Delivery, Journey, Passage, Template
from crm import consent
from crm.models import Channel, Customer, Topic

DAYS = 10
MOST = 60  # people who come in
REACHED = 0.3  # of them, the share who order


@transaction.atomic
def journey(*, now: datetime, rng: np.random.Generator, staff: Any = None) -> int:
    """Make it and let people walk; return how many came in. A second call changes nothing.

    Its messages count as sent at the time: a demo store writes to nobody about last week.
    """
    if not Template.objects.filter(name="We miss you").exists():
        return 0
    template = words.template_for("cart", "Cart reminder")
    topic = Topic.objects.filter(slug="offers").first()
    if template is None or topic is None or Journey.objects.exists():
        return 0
    recipe = recipes.RECIPES["cart"]
    with translation.override("en"):
        name = str(recipe.name)
    made = Journey.objects.create(
        name=name,
        topic=topic,
        draft=recipe.make(template.pk),
        again=recipe.again,
        again_days=recipe.again_days,
        goal_event=recipe.goal_event,
        holdout_share="0.2",
        created_by=staff,
    )
    begun = now - timedelta(days=DAYS)
    steering.launch(made, now=begun, by=staff)
    wanted = consent.consenting(Customer.objects.known(), channel=Channel.EMAIL, topic=topic)
    people = list(wanted.order_by("pk").values_list("pk", flat=True)[:MOST])
    for customer_id in people:
        _came(made, customer_id, begun + timedelta(hours=float(rng.uniform(0, DAYS * 24))))
    for hour in range(DAYS * 24 + 1):
        engine.advance_all(now=begun + timedelta(hours=hour))
    _were_sent(made)
    _bought(made, now=now, rng=rng)
    return len(people)


def _came(made: Journey, customer_id: int, at: datetime) -> None:
    (one,) = running.of_all([made])
    reason = Reason(f"demo:{customer_id}", at, {"event": "crm.product_added", "at": str(at)})
    entering.enter(one, {customer_id: reason}, now=at)


def _were_sent(made: Journey) -> None:
    queued = Delivery.objects.filter(campaign__journey=made, status=Delivery.Status.QUEUED)
    queued.update(
        status=Delivery.Status.SENT,
        attempts=1,
        attempted_at=F("due_at"),
        sent_at=F("due_at"),
        told_at=F("due_at"),
    )


def _bought(made: Journey, *, now: datetime, rng: np.random.Generator) -> None:
    for one in Passage.objects.filter(journey=made).order_by("pk"):
        if rng.random() >= (REACHED if one.state != Passage.State.HELD_OUT else REACHED / 2):
            continue
        at = min(one.entered_at + timedelta(hours=float(rng.uniform(2, 40))), now)
        Passage.objects.filter(pk=one.pk).update(goal_at=at)
        detail = {one.pk: {"event": "crm.order_placed", "at": at.isoformat()}}
        leaving.leave([one], state=Passage.State.REACHED, what="goal_event", detail=detail, now=at)
