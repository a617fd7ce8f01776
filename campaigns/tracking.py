"""What comes back: opens and clicks, by people and by machines, each counted once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from campaigns.events import MessageClicked, MessageOpened, Unsubscribed
from campaigns.models import Delivery, LinkTarget, Touch
from crm import consent, timeline

MACHINES = (  # proxies that fetch pictures, and scanners that follow links before a person can
    "googleimageproxy",
    "yahoomailproxy",
    "bingpreview",
    "bot",
    "crawler",
    "spider",
    "curl",
    "wget",
    "python",
    "go-http-client",
    "java/",
    "barracuda",
    "mimecast",
    "proofpoint",
    "safelinks",
    "symantec",
    "headlesschrome",
)
TOO_SOON = timedelta(seconds=2)
BURST = timedelta(seconds=5)
BURST_LINKS = 3
TRAP = 0  # the number of a link in every mail that no person can see
TRAP_KEY = "trap"


class UnknownDelivery(Exception):
    """The address was ours, but what it is about is gone."""


@dataclass(frozen=True)
class Visit:
    """Who came, as far as a request tells."""

    method: str
    user_agent: str
    at: datetime

    def machine_reason(self, delivery: Delivery) -> str:
        """Why this is a machine; empty for what looks like a person."""
        if self.method == "HEAD":
            return "head"
        agent = self.user_agent.lower()
        if not agent or any(name in agent for name in MACHINES):
            return "user_agent"
        if delivery.sent_at and self.at - delivery.sent_at < TOO_SOON:
            return "too_soon"
        return ""


@transaction.atomic
def opened(delivery_id: int, visit: Visit) -> None:
    delivery = _delivery(delivery_id)
    if _touch(delivery, visit, kind=Touch.Kind.OPEN, link=None):
        _note_open(delivery, at=visit.at)


@transaction.atomic
def clicked(delivery_id: int, link_id: int, visit: Visit) -> str:
    """Count the click and return where the link leads. Raises UnknownDelivery."""
    delivery = _delivery(delivery_id)
    if link_id == TRAP:
        _trapped(delivery, visit)
        return str(settings.SITE_URL)
    link = LinkTarget.objects.filter(pk=link_id, campaign=delivery.campaign_id).first()
    if link is None:
        raise UnknownDelivery(f"link {link_id} of delivery {delivery_id}")
    by_person = _touch(delivery, visit, kind=Touch.Kind.CLICK, link=link)
    if by_person and not _is_burst(delivery, at=visit.at):
        _note_open(delivery, at=visit.at)  # who clicks has seen it, with pictures or without
        _note_click(delivery, link, at=visit.at)
    return link.url


@transaction.atomic
def unsubscribed(delivery: Delivery, *, source: str, everything: bool, at: datetime) -> None:
    """Say no for this customer to the topic of the message, or to all of the channel."""
    topic = delivery.campaign.topic
    evidence = {"delivery": delivery.pk, "campaign": delivery.campaign_id}
    if everything:
        consent.withdraw_all(
            delivery.customer, channel=delivery.channel, source=source, evidence=evidence, at=at
        )
    consent.change(
        delivery.customer,
        channel=delivery.channel,
        topic=topic,
        is_granted=False,
        source=source,
        evidence=evidence,
        at=at,
    )
    Delivery.objects.filter(pk=delivery.pk, unsubscribed_at=None).update(unsubscribed_at=at)
    fact = Unsubscribed(**about(delivery), topic=topic.slug)
    timeline.record(delivery.customer, fact, at=at, key=str(delivery.pk))


def _delivery(delivery_id: int) -> Delivery:
    """The row, locked: two visits at once are looked at one after the other."""
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("campaign", "customer")
    found = rows.filter(pk=delivery_id).first()
    if found is None:
        raise UnknownDelivery(f"delivery {delivery_id}")
    return found


def _touch(delivery: Delivery, visit: Visit, *, kind: Touch.Kind, link: LinkTarget | None) -> bool:
    """Count it in its row; return whether a person did it."""
    reason = visit.machine_reason(delivery)
    if not reason and _is_by_the_trap(delivery, at=visit.at):
        reason = "honeypot"
    key = f"{kind[0]}{link.pk if link else ''}{'m' if reason else ''}"
    touch, is_new = Touch.objects.get_or_create(
        delivery=delivery,
        key=key,
        defaults={
            "kind": kind,
            "link": link,
            "is_machine": bool(reason),
            "reason": reason,
            "user_agent": visit.user_agent[:200],
            "first_at": visit.at,
            "last_at": visit.at,
        },
    )
    if not is_new:
        Touch.objects.filter(pk=touch.pk).update(count=F("count") + 1, last_at=visit.at)
    return not touch.is_machine


def _is_burst(delivery: Delivery, *, at: datetime) -> bool:
    """A scanner follows every link within seconds: then none of those clicks was a person's."""
    clicks = delivery.touches.filter(kind=Touch.Kind.CLICK)
    burst = clicks.filter(last_at__gte=at - BURST)
    if burst.count() < BURST_LINKS:
        return False
    burst.filter(is_machine=False).update(is_machine=True, reason="burst")
    _retract(delivery)
    return True


def _trapped(delivery: Delivery, visit: Visit) -> None:
    """Whoever follows a link that cannot be seen is a machine; so is what it did just before."""
    trap = {"is_machine": True, "reason": "honeypot", "kind": Touch.Kind.CLICK}
    found = {"user_agent": visit.user_agent[:200], "first_at": visit.at, "last_at": visit.at}
    Touch.objects.update_or_create(
        delivery=delivery,
        key=TRAP_KEY,
        defaults={"last_at": visit.at},
        create_defaults=trap | found,
    )
    near = delivery.touches.filter(is_machine=False, last_at__gte=visit.at - BURST)
    if near.update(is_machine=True, reason="honeypot"):
        _retract(delivery)


def _is_by_the_trap(delivery: Delivery, *, at: datetime) -> bool:
    return delivery.touches.filter(key=TRAP_KEY, last_at__gte=at - BURST).exists()


def _retract(delivery: Delivery) -> None:
    """Forget the open and the click that no person's touch is left for."""
    by_people = delivery.touches.filter(is_machine=False)
    if not by_people.filter(kind=Touch.Kind.CLICK).exists():
        Delivery.objects.filter(pk=delivery.pk).update(clicked_at=None)
    if not by_people.exists():
        Delivery.objects.filter(pk=delivery.pk).update(opened_at=None)


def _note_open(delivery: Delivery, *, at: datetime) -> None:
    if Delivery.objects.filter(pk=delivery.pk, opened_at=None).update(opened_at=at):
        fact = MessageOpened(**about(delivery))
        timeline.record(delivery.customer, fact, at=at, key=str(delivery.pk))
    _is_proof(delivery)


def _note_click(delivery: Delivery, link: LinkTarget, *, at: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk, clicked_at=None).update(clicked_at=at)
    fact = MessageClicked(**about(delivery), url=link.url)
    timeline.record(delivery.customer, fact, at=at, key=f"{delivery.pk}-{link.pk}")


def _is_proof(delivery: Delivery) -> None:
    """A message of unknown fate that somebody opened did arrive."""
    held = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.UNCERTAIN)
    held.update(status=Delivery.Status.SENT, sent_at=F("attempted_at"), reason="")


def about(delivery: Delivery) -> dict[str, Any]:
    """What every fact of a message says of it."""
    return {
        "delivery_id": delivery.pk,
        "campaign_id": delivery.campaign_id,
        "campaign": delivery.campaign.name,
    }
