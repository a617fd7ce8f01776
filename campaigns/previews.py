"""A message as one customer would get it, before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from campaigns import rendering
from campaigns.models import Campaign, Template
from crm import customers
from crm.models import Customer, Identity


@dataclass(frozen=True)
class Preview:
    """One template for one customer: the message, or why there is none."""

    label: str
    template: Template
    message: rendering.Message | None
    error: str = ""


def of_campaign(campaign: Campaign, customer: Customer, *, now: datetime) -> Sequence[Preview]:
    variants = campaign.variants.select_related("template").order_by("pk")
    return [of_template(v.template, customer, label=v.label, now=now) for v in variants]


def of_template(
    template: Template, customer: Customer, *, now: datetime, label: str = ""
) -> Preview:
    try:
        message = rendering.preview(template, customer, now=now)
    except rendering.BrokenTemplate as error:
        return Preview(label, template, None, str(error))
    return Preview(label, template, message)


def find_customer(words: str, *, campaign: Campaign | None = None) -> Customer | None:
    """By number, e-mail or user id; without words somebody of the campaign's segment."""
    words = words.strip()
    if words:
        return _by_number(words) or _by_identity(words)
    if campaign is not None:
        member = Customer.objects.active().filter(memberships__segment=campaign.segment_id)
        if found := member.order_by("pk").first():
            return found
    return Customer.objects.known().order_by("pk").first()


def _by_number(words: str) -> Customer | None:
    if not words.isdecimal() or len(words) > 18:
        return None
    return Customer.objects.active().filter(pk=int(words)).first()


def _by_identity(words: str) -> Customer | None:
    kinds = (Identity.Kind.EMAIL, Identity.Kind.USER_ID, Identity.Kind.PHONE)
    found = (customers.find(kind, words) for kind in kinds)
    return next((customer for customer in found if customer), None)
