"""What is said: templates in both languages, and the coupons they may carry."""

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.models import Category, Channel, Customer


class CouponQuerySet(models.QuerySet["Coupon"]):
    def valid_for(self, customer: Customer | None, *, on: date) -> "CouponQuerySet":
        """Theirs or everybody's, on a day between its first and last."""
        whose = Q(customer=None) | Q(customer=customer) if customer else Q(customer=None)
        return self.filter(whose).valid_on(on)

    def valid_on(self, day: date) -> "CouponQuerySet":
        return self.filter(Q(valid_from=None) | Q(valid_from__lte=day), valid_to__gte=day)


class Coupon(models.Model):
    code = models.CharField(_("code"), max_length=32, unique=True)
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="coupons",
        verbose_name=_("customer"),
        help_text=_("Empty: everybody may use it."),
    )
    category = models.ForeignKey(
        Category, models.CASCADE, null=True, blank=True, verbose_name=_("category")
    )
    text_en = models.CharField(_("English text"), max_length=200)
    text_zh = models.CharField(_("Chinese text"), max_length=200)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(_("valid until"))

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_from__lte=F("valid_to")),
                name="coupon_ends_after_it_begins",
            )
        ]

    def __str__(self) -> str:
        return self.code

    def is_valid_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and day <= self.valid_to

    def text_in(self, language: str) -> str:
        return self.text_zh if language.startswith("zh") else self.text_en


class Template(models.Model):
    """A message in Liquid. A language that is left empty falls back to the other."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel, default=Channel.EMAIL)
    subject_en = models.CharField(_("English subject"), max_length=300, blank=True)
    body_en = models.TextField(_("English body"), blank=True)
    text_en = models.TextField(_("English plain text"), blank=True)
    subject_zh = models.CharField(_("Chinese subject"), max_length=300, blank=True)
    body_zh = models.TextField(_("Chinese body"), blank=True)
    text_zh = models.TextField(_("Chinese plain text"), blank=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")

    def __str__(self) -> str:
        return self.name

    def language_for(self, wanted: str) -> str:
        """The language ("en" or "zh") in which this template speaks to a reader of `wanted`."""
        first, second = ("zh", "en") if wanted.startswith("zh") else ("en", "zh")
        has_only_second = getattr(self, f"body_{second}") and not getattr(self, f"body_{first}")
        return second if has_only_second else first
