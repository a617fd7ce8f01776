"""What may be done for a customer at a place, within which limits; and what there was to choose."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaigns.models.content import Template
from campaigns.models.coupons import Coupon
from crm.models import Product, Segment, Topic

NOTHING = "nothing"  # the choice to leave a customer alone; no action may be called so
POLICY = "policy-"  # how the names of artifacts that are policies begin
SLUG = RegexValidator(
    r"^[a-z0-9][a-z0-9_-]*$", _("Small letters, digits, hyphens and underscores.")
)


class Placement(models.Model):
    """Where and when something may be offered, within which limits, and what counts as success."""

    class Goal(models.TextChoices):
        CLICK = "click", _("a click")
        CONVERSION = "conversion", _("a purchase")
        VALUE = "value", _("what is earned, less what it costs")

    slug = models.CharField(_("slug"), max_length=48, unique=True, validators=[SLUG])
    name_en = models.CharField(_("English name"), max_length=100)
    name_zh = models.CharField(_("Chinese name"), max_length=100, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    topic = models.ForeignKey(
        Topic,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("topic"),
        help_text=_("Asked of e-mail, SMS and WeChat. Without one they are never eligible."),
    )
    goal = models.CharField(_("goal"), max_length=16, choices=Goal, default=Goal.CONVERSION)
    margin = models.FloatField(
        _("margin"), default=0.3, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    unsubscribe_cost = models.FloatField(
        _("cost of an unsubscribe"), default=0.0, validators=[MinValueValidator(0)]
    )
    attribution_days = models.PositiveSmallIntegerField(
        _("attribution window in days"), default=14, validators=[MinValueValidator(1)]
    )
    may_stay_silent = models.BooleanField(
        _("may do nothing"),
        default=False,
        help_text=_("Doing nothing is a choice beside the actions, not only what is left."),
    )
    holdout_share = models.FloatField(
        _("holdout share"),
        default=0.0,
        validators=[MinValueValidator(0), MaxValueValidator(0.9)],
        help_text=_("The share of customers for whom nothing is ever done here."),
    )
    explore = models.FloatField(
        _("share of chance"),
        default=0.1,
        validators=[MinValueValidator(0.001), MaxValueValidator(1)],
        help_text=_("Shared by all eligible actions, whatever the policy prefers."),
    )
    value_limit = models.DecimalField(
        _("highest value of an offer"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    cap_decisions = models.PositiveSmallIntegerField(
        _("at most this many actions"), null=True, blank=True
    )
    cap_days = models.PositiveSmallIntegerField(
        _("within this many days"), default=7, validators=[MinValueValidator(1)]
    )
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [
            models.CheckConstraint(
                condition=Q(explore__gt=0, explore__lte=1), name="placement_explores"
            ),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="placement_quiet_has_both_ends",
            ),
        ]

    def __str__(self) -> str:
        return named(self.name_en, self.name_zh)

    def clean(self) -> None:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValidationError({"quiet_until": _("Quiet hours have a beginning and an end.")})

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.attribution_days)

    @property
    def artifact_name(self) -> str:
        return f"{POLICY}{self.slug}"


class Action(models.Model):
    """An offer by a channel at a time of day, with the limits that staff set it."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        SMS = "sms", _("SMS")
        WECHAT = "wechat", _("WeChat")
        WHATSAPP = "whatsapp", _("WhatsApp")
        CHAT = "chat", _("Web chat")
        SITE = "site", _("On the site")

    class Slot(models.TextChoices):
        NOW = "now", _("at once")
        MORNING = "morning", _("in the morning (8 to 12)")
        AFTERNOON = "afternoon", _("in the afternoon (12 to 18)")
        EVENING = "evening", _("in the evening (18 to 22)")

    placement = models.ForeignKey(
        Placement, models.CASCADE, related_name="actions", verbose_name=_("placement")
    )
    slug = models.CharField(_("slug"), max_length=48, validators=[SLUG])
    name_en = models.CharField(_("English name"), max_length=100)
    name_zh = models.CharField(_("Chinese name"), max_length=100, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel, default=Channel.SITE)
    slot = models.CharField(_("time of day"), max_length=16, choices=Slot, default=Slot.NOW)
    template = models.ForeignKey(
        Template, models.PROTECT, null=True, blank=True, verbose_name=_("template")
    )
    coupon = models.ForeignKey(
        Coupon, models.PROTECT, null=True, blank=True, verbose_name=_("coupon")
    )
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, verbose_name=_("product")
    )
    weight = models.FloatField(
        _("weight"),
        default=1.0,
        validators=[MinValueValidator(0), MaxValueValidator(1000)],
        help_text=_("How often it is chosen while no policy was approved."),
    )
    value = models.DecimalField(
        _("value of the offer"), max_digits=12, decimal_places=2, default=Decimal(0)
    )
    cost = models.DecimalField(
        _("cost of the contact"), max_digits=12, decimal_places=2, default=Decimal(0)
    )
    budget = models.DecimalField(
        _("budget"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    spent = models.DecimalField(
        _("given away"), max_digits=14, decimal_places=2, default=Decimal(0), editable=False
    )
    uses_limit = models.PositiveIntegerField(_("at most this many times"), null=True, blank=True)
    used = models.PositiveIntegerField(_("times chosen"), default=0, editable=False)
    segment = models.ForeignKey(
        Segment, models.PROTECT, null=True, blank=True, verbose_name=_("segment")
    )
    active_from = models.DateTimeField(_("active from"), null=True, blank=True)
    active_until = models.DateTimeField(_("active until"), null=True, blank=True)
    repeat_days = models.PositiveSmallIntegerField(
        _("not again within this many days"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        constraints = [
            models.UniqueConstraint(fields=["placement", "slug"], name="action_once_a_placement"),
            models.CheckConstraint(
                condition=Q(uses_limit=None) | Q(used__lte=F("uses_limit")),
                name="action_within_its_stock",
            ),
            models.CheckConstraint(
                condition=Q(budget=None) | Q(spent__lte=F("budget")),
                name="action_within_its_budget",
            ),
            models.CheckConstraint(
                condition=Q(value__gte=0, cost__gte=0, weight__gte=0), name="action_costs_something"
            ),
        ]

    def __str__(self) -> str:
        return named(self.name_en, self.name_zh)

    def clean(self) -> None:
        if self.slug == NOTHING:
            raise ValidationError({"slug": _("This word stands for doing nothing.")})
        limit = self.placement.value_limit if self.placement_id else None
        if limit is not None and self.value > limit:
            raise ValidationError(
                {"value": _("Above the placement's highest value of %(limit)s.") % {"limit": limit}}
            )

    def name_in(self, language: str) -> str:
        return named(self.name_en, self.name_zh, language)

    @property
    def is_capped(self) -> bool:
        return self.uses_limit is not None or self.budget is not None

    @property
    def price(self) -> Decimal:
        """What choosing it once takes from the budget."""
        return self.value + self.cost

    @property
    def left(self) -> int | None:
        """How often it may still be chosen; None: as often as you like."""
        by_stock = None if self.uses_limit is None else self.uses_limit - self.used
        if self.budget is None or not self.price:
            return by_stock
        by_budget = int((self.budget - self.spent) // self.price)
        return by_budget if by_stock is None else min(by_stock, by_budget)


class Catalogue(models.Model):
    """The actions of a placement and its limits as they stood: part of the log, never changed."""

    placement = models.ForeignKey(Placement, models.CASCADE, related_name="catalogues")
    digest = models.CharField(max_length=64)
    content = models.JSONField(_("content"))
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("catalogue")
        verbose_name_plural = _("catalogues")
        constraints = [
            models.UniqueConstraint(fields=["placement", "digest"], name="catalogue_once")
        ]

    def __str__(self) -> str:
        return f"{self.placement_id} {self.digest[:8]}"


def named(english: str, chinese: str, language: str | None = None) -> str:
    """A name in the language of whoever reads it."""
    wanted: Any = language or get_language() or ""
    return (chinese if wanted.startswith("zh") else "") or english
