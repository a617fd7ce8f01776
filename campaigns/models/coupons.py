"""Coupons: everybody's, one customer's own, or a series with a code for each."""

from datetime import date, datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.models import Category, Customer


class CouponSeries(models.Model):
    """Of this, each customer whom a message offers it to gets a code of their own."""

    slug = models.SlugField(
        _("slug"),
        max_length=48,
        unique=True,
        help_text=_("In a template: {{ coupons[“slug”].code }}"),
    )
    prefix = models.CharField(
        _("codes begin with"),
        max_length=8,
        blank=True,
        validators=[RegexValidator(r"^[A-Z0-9]*$", _("Capital letters and digits."))],
    )
    text_en = models.CharField(_("English text"), max_length=200)
    text_zh = models.CharField(_("Chinese text"), max_length=200)
    category = models.ForeignKey(
        Category, models.PROTECT, null=True, blank=True, verbose_name=_("category")
    )
    most = models.PositiveIntegerField(
        _("at most this many codes"), null=True, blank=True, help_text=_("Empty: no limit.")
    )
    days = models.PositiveSmallIntegerField(
        _("valid for days"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("From the day on which the code is given."),
    )
    ends_on = models.DateField(
        _("last day"), null=True, blank=True, help_text=_("Of all codes, however late given.")
    )
    uses_each = models.PositiveSmallIntegerField(
        _("each code may be used"), default=1, validators=[MinValueValidator(1)]
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("coupon series")
        verbose_name_plural = _("coupon series")

    def __str__(self) -> str:
        return (self.text_zh if (get_language() or "").startswith("zh") else "") or self.text_en

    def last_day(self, now: datetime) -> date:
        """Until when a code that is given now is valid."""
        day = now.date() + timedelta(days=self.days)
        return min(day, self.ends_on) if self.ends_on else day

    def gives(self, now: datetime) -> bool:
        """Whether codes are given at all; how many are left is another question."""
        return self.is_active and (self.ends_on is None or now.date() <= self.ends_on)


class CouponQuerySet(models.QuerySet["Coupon"]):
    def valid_for(self, customer: Customer | None, *, on: date) -> "CouponQuerySet":
        """Theirs or everybody's, on a day between its first and last."""
        whose = Q(customer=None) | Q(customer=customer) if customer else Q(customer=None)
        return self.filter(whose).valid_on(on)

    def valid_on(self, day: date) -> "CouponQuerySet":
        """Those that are not used up, on a day between their first and last."""
        left = Q(most_uses=None) | Q(uses__lt=F("most_uses"))
        return self.filter(left, Q(valid_from=None) | Q(valid_from__lte=day), valid_to__gte=day)

    def of_no_series(self) -> "CouponQuerySet":
        return self.filter(series=None)


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
    series = models.ForeignKey(
        CouponSeries,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="coupons",
        db_index=False,
        verbose_name=_("series"),
    )
    most_uses = models.PositiveIntegerField(
        _("may be used"), null=True, blank=True, help_text=_("Times in all. Empty: no limit.")
    )
    uses = models.PositiveIntegerField(_("used"), default=0, editable=False)

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_from__lte=F("valid_to")),
                name="coupon_ends_after_it_begins",
            ),
            models.UniqueConstraint(fields=["series", "customer"], name="coupon_of_series_once"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_used_up(self) -> bool:
        return self.most_uses is not None and self.uses >= self.most_uses

    def is_valid_on(self, day: date) -> bool:
        began = self.valid_from is None or self.valid_from <= day
        return began and day <= self.valid_to and not self.is_used_up

    def text_in(self, language: str) -> str:
        return self.text_zh if language.startswith("zh") else self.text_en


class Redemption(models.Model):
    """A coupon was used for an order. What was used beyond its limit is kept, and marked."""

    coupon = models.ForeignKey(
        Coupon, models.CASCADE, related_name="redemptions", db_index=False, verbose_name=_("coupon")
    )
    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="redemptions", verbose_name=_("customer")
    )
    order = models.CharField(_("order"), max_length=64)
    at = models.DateTimeField(_("at"))
    is_allowed = models.BooleanField(_("allowed"))
    reason = models.CharField(_("reason"), max_length=16, blank=True)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [models.UniqueConstraint(fields=["coupon", "order"], name="redeemed_once")]

    def __str__(self) -> str:
        return f"{self.coupon_id}: {self.order}"
