"""Webhooks are made, changed, tried out and enabled again; what was given up is sent once more."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _

from crm import outgoing, sealing
from crm.models import Partner, Webhook, WebhookMessage
from crm.webhooks import kinds, queueing, signing
from crm.webhooks.queueing import Telling

MOST = 50  # webhooks of a partner
BOTH_SIGN = timedelta(days=1)  # after a change of secret
KEPT = timedelta(days=30)  # what was taken, and what was given up
State = Webhook.State


class BadWebhook(Exception):
    """What was asked for cannot be: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


def check_url(url: str) -> str:
    """Raises BadWebhook unless it may be written to, as far as that can be seen by its form."""
    try:
        outgoing.check(url)
    except outgoing.Refused as refusal:
        raise BadWebhook("url", str(refusal)) from None
    return url


def check_kinds(names: Sequence[str]) -> list[str]:
    """Raises BadWebhook for a kind that nobody tells."""
    for name in names:
        if name not in kinds.KINDS:
            known = ", ".join(kinds.KINDS)
            said = {"given": str(name)[:64], "known": known}
            raise BadWebhook("kinds", _("%(given)s is none of %(known)s") % said)
    return sorted(set(names))


def renew(webhook: Webhook, *, now: datetime) -> str:
    """Give it a fresh secret, and return it: the only time that anybody sees it."""
    secret = signing.new_secret()
    if webhook.secret:
        webhook.former_secret, webhook.former_until = webhook.secret, now + BOTH_SIGN
    webhook.secret, webhook.changed_at = sealing.seal(secret), now
    return secret


@transaction.atomic
def make(partner: Partner, *, now: datetime, **fields: object) -> tuple[Webhook, str]:
    """(the webhook, its secret). Raises BadWebhook."""
    Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    if partner.webhooks.count() >= MOST:
        raise BadWebhook("partner", _("a partner has at most %(most)s webhooks") % {"most": MOST})
    webhook = Webhook(partner=partner, created_at=now, **fields)
    webhook.kinds, webhook.url = check_kinds(webhook.kinds), check_url(webhook.url)
    secret = renew(webhook, now=now)
    webhook.save()
    kinds.forget()
    return webhook, secret


def change(webhook: Webhook, *, now: datetime, **fields: object) -> None:
    """Raises BadWebhook. Enabling begins with a clean slate: what waited goes out."""
    for name, value in fields.items():
        setattr(webhook, name, value)
    webhook.kinds, webhook.url = check_kinds(webhook.kinds), check_url(webhook.url)
    if webhook.state == State.ACTIVE and "state" in fields:
        webhook.why_disabled, webhook.failing_since = Webhook.Why.NONE, None
    webhook.changed_at = now
    with transaction.atomic():
        written = {*fields, "why_disabled", "failing_since", "changed_at"}
        webhook.save(update_fields=sorted(written))
        kinds.forget()
        queueing.wake()


def rotate(webhook: Webhook, *, now: datetime) -> str:
    """A fresh secret; the former one signs beside it for a day."""
    with transaction.atomic():
        held = Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)
        secret = renew(held, now=now)
        held.save(update_fields=["secret", "former_secret", "former_until", "changed_at"])
    webhook.refresh_from_db()
    return secret


def try_out(webhook: Webhook, *, now: datetime) -> WebhookMessage | None:
    """Queue a message that only says that it is one; None while the webhook is not active."""
    key = f"test:{uuid.uuid4()}"
    data = {"webhook": str(webhook.public_id)}
    told = Telling(customer=None, key=key, kind=kinds.TEST, at=now, data=data)
    queueing.queue(webhook, [told], now=now)
    return WebhookMessage.objects.filter(webhook=webhook, key=key).first()


def replay(messages: Sequence[int], *, now: datetime, webhook: Webhook | None = None) -> int:
    """Send once more what was given up, under the same numbers; return how many."""
    dead = WebhookMessage.objects.filter(pk__in=messages, state=WebhookMessage.State.DEAD)
    if webhook is not None:
        dead = dead.filter(webhook=webhook)
    with transaction.atomic():
        again = dead.update(
            state=WebhookMessage.State.WAITING, attempts=0, due_at=now, tried_first_at=None
        )
        if again:
            queueing.wake()
    return again


def forget_old(*, now: datetime, batch: int = 5_000) -> int:
    """What came to its end a month ago goes; return how many."""
    ended = WebhookMessage.objects.exclude(state=WebhookMessage.State.WAITING)
    old = ended.filter(created_at__lt=now - KEPT).order_by("created_at")
    return WebhookMessage.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:batch])
    ).delete()[0]


def tell_disabled(webhook: Webhook) -> bool:
    """Write to whoever looks after it; false where nobody does."""
    if not webhook.contact or webhook.state != State.DISABLED:
        return False
    said = {"name": webhook.name, "url": webhook.url, "why": webhook.get_why_disabled_display()}
    text = _(
        "The webhook “%(name)s” to %(url)s is disabled: %(why)s.\n"
        "Nothing is sent to it until it is enabled again. What waited then goes out."
    )
    subject = _("Webhook “%(name)s” is disabled") % said
    send_mail(subject, text % said, settings.DEFAULT_FROM_EMAIL, [webhook.contact])
    return True
