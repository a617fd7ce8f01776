"""Who a customer is, and the identifiers by which we know them."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class CustomerQuerySet(models.QuerySet["Customer"]):
    def active(self) -> "CustomerQuerySet":
        """Customers who were not merged into another."""
        return self.filter(merged_into=None)

    def known(self) -> "CustomerQuerySet":
        """Customers whom we know by more than a browser's cookie."""
        return self.active().filter(is_known=True)


class Customer(models.Model):
    """One person. Identifiers live in Identity; what is here is for reading and writing to them."""

    class Language(models.TextChoices):
        CHINESE = "zh-hans", _("Chinese")
        ENGLISH = "en", _("English")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True, db_index=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    language = models.CharField(
        _("language"), max_length=10, choices=Language, default=Language.ENGLISH
    )
    country = models.CharField(_("country"), max_length=64, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    traits = models.JSONField(_("traits"), default=dict, blank=True)
    is_known = models.BooleanField(_("known"), default=False)
    first_seen_at = models.DateTimeField(_("first seen"), db_index=True)
    last_seen_at = models.DateTimeField(_("last seen"), db_index=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged_from"
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    def __str__(self) -> str:
        unnamed = _("Customer %(id)s") if self.is_known else _("Visitor %(id)s")
        return self.name or self.email or unnamed % {"id": str(self.public_id)[:8]}

    @property
    def reads_chinese(self) -> bool:
        return self.language.startswith("zh")


class Identity(models.Model):
    """One identifier of one customer, as evidence that two visits are the same person."""

    class Kind(models.TextChoices):
        ANONYMOUS_ID = "anonymous_id", _("anonymous id")
        USER_ID = "user_id", _("user id")
        EMAIL = "email", _("e-mail")
        PHONE = "phone", _("phone")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="identities")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    value = models.CharField(_("value"), max_length=255)
    source = models.CharField(_("source"), max_length=64)
    first_seen_at = models.DateTimeField(_("first seen"))
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="identity_of_one_customer")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
