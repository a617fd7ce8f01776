"""What providers told of messages after they had taken them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.deliveries import Delivery
from crm.models import Channel


class ProviderReport(models.Model):
    """One report, kept whether or not we know the message. The same again is no second row."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered", _("delivered")
        DEFERRED = "deferred", _("not yet delivered")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        REPLIED = "replied", _("replied")

    provider = models.CharField(_("provider"), max_length=32)
    key = models.CharField(_("number at the provider"), max_length=255)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    message_id = models.CharField(_("message id"), max_length=255, blank=True)
    address = models.CharField(_("address"), max_length=255, blank=True)
    delivery = models.ForeignKey(
        Delivery, models.CASCADE, null=True, related_name="reports", verbose_name=_("delivery")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("provider report")
        verbose_name_plural = _("provider reports")
        constraints = [
            models.UniqueConstraint(fields=["provider", "key"], name="report_taken_once")
        ]
        indexes = [
            models.Index(fields=["channel", "address", "kind", "at"], name="report_of_address")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.kind}"
