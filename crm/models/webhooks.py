"""Events on their way to partners, and answers of the REST API that are given once."""

import secrets
import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.models.customers import Customer
from crm.models.partners import Partner


def new_message_id() -> str:
    return f"msg_{secrets.token_hex(16)}"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def live(self) -> Self:
        return self.filter(state=Webhook.State.ACTIVE, partner__is_active=True)


class Webhook(models.Model):
    """Where a partner wants to hear of events, and how that has gone lately.

    The secrets are sealed (`crm.sealing`). While one is changed both sign, until `former_until`.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        DISABLED = "disabled", _("disabled")

    class Why(models.TextChoices):
        NONE = "", ""
        GONE = "gone", _("the receiver answered 410, gone")
        FAILING = "failing", _("it failed for five days")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(
        Partner, models.CASCADE, related_name="webhooks", verbose_name=_("partner")
    )
    name = models.CharField(_("name"), max_length=100)
    url = models.CharField(_("address"), max_length=500)
    kinds = models.JSONField(_("events"), default=list, blank=True)
    contact = models.EmailField(
        _("contact"), blank=True, help_text=_("Is written to when the webhook is disabled.")
    )
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.ACTIVE)
    why_disabled = models.CharField(
        _("why disabled"), max_length=16, choices=Why, default=Why.NONE, blank=True, editable=False
    )
    secret = models.TextField(editable=False)
    former_secret = models.TextField(blank=True, editable=False)
    former_until = models.DateTimeField(_("former secret until"), null=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    failed_at = models.DateTimeField(_("last failure"), null=True, editable=False)
    failure = models.CharField(_("what failed"), max_length=200, blank=True, editable=False)
    succeeded_at = models.DateTimeField(_("last success"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"))
    changed_at = models.DateTimeField(_("changed"))

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.name

    def signs_twice(self, now: datetime) -> bool:
        return bool(self.former_secret and self.former_until and now < self.former_until)


class WebhookMessageQuerySet(models.QuerySet["WebhookMessage"]):
    def waiting(self) -> Self:
        return self.filter(state=WebhookMessage.State.WAITING)


class WebhookMessage(models.Model):
    """One event for one webhook. The same `message_id` and the same body go out at every attempt.

    What waits is claimed by one worker for a while; who dies meanwhile loses the claim. Of one
    customer only the oldest that waits is sent.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DONE = "done", _("taken")
        DEAD = "dead", _("given up")
        DROPPED = "dropped", _("not for this partner any more")

    webhook = models.ForeignKey(
        Webhook, models.CASCADE, related_name="messages", verbose_name=_("webhook"), db_index=False
    )
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        null=True,
        related_name="webhook_messages",
        verbose_name=_("customer"),
    )
    message_id = models.CharField(
        _("message id"), max_length=64, unique=True, default=new_message_id
    )
    key = models.CharField(max_length=100)  # what it is about: the same is queued once
    kind = models.CharField(_("event"), max_length=64)
    body = models.TextField(_("body"))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"))
    tried_first_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(_("last attempt"), null=True)
    status = models.PositiveSmallIntegerField(_("answer"), null=True)
    failure = models.CharField(_("what failed"), max_length=200, blank=True)
    claimed_by = models.CharField(max_length=64, blank=True)
    claimed_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("queued"))

    objects = WebhookMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook message")
        verbose_name_plural = _("webhook messages")
        constraints = [models.UniqueConstraint(fields=["webhook", "key"], name="webhook_told_once")]
        indexes = [
            models.Index(
                fields=["webhook", "due_at", "id"],
                name="webhook_due",
                condition=Q(state="waiting"),
            ),
            models.Index(
                fields=["webhook", "customer", "id"],
                name="webhook_in_order",
                condition=Q(state="waiting"),
            ),
            models.Index(fields=["state", "created_at"], name="webhook_log"),
        ]

    def __str__(self) -> str:
        return self.message_id


class ApiAnswer(models.Model):
    """What a POST with an `Idempotency-Key` was answered; the answer is sealed."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)  # of method, address and body
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("answer of the API")
        verbose_name_plural = _("answers of the API")
        constraints = [models.UniqueConstraint(fields=["partner", "key"], name="api_answered_once")]

    def __str__(self) -> str:
        return self.key
