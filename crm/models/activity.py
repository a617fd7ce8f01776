"""What happened: the timeline, what customers said of products, and what we could not read."""

import secrets

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.models.catalogue import Product
from crm.models.customers import Customer, Identity


def new_write_key() -> str:
    return secrets.token_urlsafe(24)


class Source(models.Model):
    """Somewhere that events come from, with its write key. The key can write, and only that."""

    name = models.SlugField(_("name"), max_length=64, unique=True)
    write_key = models.CharField(_("write key"), max_length=64, unique=True, default=new_write_key)
    allowed_origins = models.JSONField(_("allowed origins"), default=list, blank=True)
    requests_per_second = models.PositiveIntegerField(_("requests per second"), default=1000)
    duplicates = models.PositiveBigIntegerField(_("duplicates turned away"), default=0)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("event source")
        verbose_name_plural = _("event sources")

    def __str__(self) -> str:
        return self.name


class EventQuerySet(models.QuerySet["Event"]):
    def of_kind(self, kind: str) -> "EventQuerySet":
        return self.filter(kind=kind)

    def waiting(self) -> "EventQuerySet":
        return self.filter(dispatched_at=None)


class Event(models.Model):
    """One fact about one customer. Rows are only ever added.

    A row is also its own outbox: until `dispatched_at` is set it waits to be handed
    to the tasks that marketing/subscriptions.py names for its kind.
    """

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="events", db_index=False)
    identity = models.ForeignKey(Identity, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(_("kind"), max_length=64)
    name = models.CharField(_("name"), max_length=200, blank=True)  # as the sender called it
    source = models.CharField(_("source"), max_length=64)
    message_id = models.CharField(_("message id"), max_length=128)
    data = models.JSONField(_("data"), encoder=DjangoJSONEncoder)
    happened_at = models.DateTimeField(_("happened"))
    received_at = models.DateTimeField(_("received"))
    dispatched_at = models.DateTimeField(null=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            # PostgreSQL keeps events by month of happening: a table of keys and a trigger
            # keep this promise there, and the key of the table is (id, happened_at).
            models.UniqueConstraint(fields=["source", "message_id"], name="event_told_once")
        ]
        indexes = [
            models.Index(fields=["customer", "happened_at"], name="event_timeline"),
            models.Index(fields=["kind", "happened_at"], name="event_of_kind"),
            models.Index(fields=["id"], name="event_waiting", condition=Q(dispatched_at=None)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"


class DeadLetter(models.Model):
    """An entry that could not be used, kept as it came, with the reason."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="dead_letters")
    reason = models.CharField(_("reason"), max_length=300)
    payload = models.TextField(_("payload"))
    received_at = models.DateTimeField(_("received"))
    replayed_at = models.DateTimeField(_("replayed"), null=True, blank=True)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")

    def __str__(self) -> str:
        return f"#{self.pk} {self.reason}"


class Feedback(models.Model):
    """A rating or a review, of a product or of the service."""

    class Kind(models.TextChoices):
        RATING = "rating", _("rating")
        REVIEW = "review", _("review")
        CSAT = "csat", _("satisfaction (CSAT)")
        NPS = "nps", _("recommendation (NPS)")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="feedback")
    product = models.ForeignKey(Product, models.CASCADE, null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    score = models.FloatField(_("score"), null=True, blank=True)
    text = models.TextField(_("text"), blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    source = models.CharField(_("source"), max_length=64)
    key = models.CharField(max_length=128)
    at = models.DateTimeField(_("at"), db_index=True)

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="feedback_given_once")
        ]
        indexes = [models.Index(fields=["kind", "at"], name="feedback_of_kind")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"
