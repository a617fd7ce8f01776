"""Who else may read: partners and the company's own shops, and the keys they show."""

import hashlib
import secrets
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.segments import Segment

KEY_BEGINS = "rk_"
SHOWN = 10  # letters of a key that its owner recognises it by


class Scope(models.TextChoices):
    """What a key may do. Reading and writing are two things."""

    EVENTS_WRITE = "events:write", _("send events")
    CUSTOMERS_READ = "customers:read", _("read customers")
    CUSTOMERS_WRITE = "customers:write", _("change customers")
    SEGMENTS_READ = "segments:read", _("read segments")
    RECOMMENDATIONS_READ = "recommendations:read", _("read recommendations")
    CAMPAIGNS_WRITE = "campaigns:write", _("start campaigns")
    INSIGHTS_READ = "insights:read", _("read insight")
    CHAT_WRITE = "chat:write", _("write in chats")


class Partner(models.Model):
    """Somebody outside who reads over the REST API, and whose customers they may see."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    segments = models.ManyToManyField(
        Segment,
        blank=True,
        verbose_name=_("segments"),
        help_text=_("Customers of these segments are all that this partner can see."),
    )
    sees_everybody = models.BooleanField(
        _("sees all customers"),
        default=False,
        help_text=_("For the company's own shops. A partner has segments instead."),
    )
    requests_per_second = models.PositiveIntegerField(_("requests per second"), default=50)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(requests_per_second__gt=0), name="partner_may_ask"
            )
        ]

    def __str__(self) -> str:
        return self.name


class PartnerKeyQuerySet(models.QuerySet["PartnerKey"]):
    def valid(self, *, now: object) -> Self:
        """Keys that open something at this moment."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        return self.filter(unexpired, revoked_at=None, partner__is_active=True)


class PartnerKey(models.Model):
    """A key of a partner. Only its digest is kept: the key itself is shown once."""

    partner = models.ForeignKey(
        Partner, models.CASCADE, related_name="keys", verbose_name=_("partner")
    )
    name = models.CharField(_("name"), max_length=100)
    begins = models.CharField(_("begins with"), max_length=SHOWN, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("allowed to"), default=list)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = PartnerKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("partner key")
        verbose_name_plural = _("partner keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.begins}…)"

    def cut(self) -> str:
        """Give this row a fresh key and return it: the only time that anybody sees it."""
        key = KEY_BEGINS + secrets.token_urlsafe(32)
        self.begins, self.digest = key[:SHOWN], digest_of(key)
        return key


def digest_of(key: str) -> str:
    """SHA-256: of 256 random bits nothing slower keeps more."""
    return hashlib.sha256(key.encode()).hexdigest()
