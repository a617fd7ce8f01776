"""What may be done for a customer at a place, what was chosen, and what came of it."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaigns.models.content import Coupon, Template
from crm.models import Artifact, Customer, Product, Segment, Topic

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


class Decision(models.Model):
    """A choice made for a customer, with all that is needed to make it again."""

    public_id = models.UUIDField(
        _("decision number"), default=uuid.uuid4, unique=True, editable=False
    )
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="decisions", db_index=False)
    placement = models.ForeignKey(
        Placement, models.CASCADE, related_name="decisions", db_index=False
    )
    catalogue = models.ForeignKey(Catalogue, models.PROTECT, db_index=False)
    action = models.ForeignKey(Action, models.PROTECT, null=True, related_name="decisions")
    choice = models.CharField(_("choice"), max_length=48)  # the action's slug, or "nothing"
    propensity = models.FloatField(_("propensity"))
    policy = models.CharField(_("policy"), max_length=64)
    artifact = models.ForeignKey(
        Artifact, models.PROTECT, null=True, related_name="+", db_index=False
    )
    facts = models.JSONField(_("facts"))
    candidates = models.JSONField(_("chances"))  # {slug: chance}, adding up to one
    refused = models.JSONField(_("not eligible"))  # {slug: [codes]}
    reasons = models.JSONField(_("reasons"))
    words = models.TextField(_("in words"))  # of old rows; now made of the reasons when read
    seed = models.CharField(_("seed"), max_length=200)
    number = models.FloatField(_("number drawn"))
    is_exploration = models.BooleanField(_("drawn to learn"))
    key = models.CharField(max_length=200, blank=True)  # of who asked, to ask twice as once
    due_at = models.DateTimeField(_("due"))
    decided_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "placement", "key"],
                condition=~Q(key=""),
                name="decided_once_a_key",
            ),
            models.CheckConstraint(
                condition=Q(propensity__gt=0, propensity__lte=1 + 1e-9),
                name="decision_has_a_chance",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-decided_at"], name="decision_of_customer"),
            models.Index(fields=["placement", "-decided_at"], name="decision_of_placement"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def version(self) -> str:
        """Which policy, as it is told outside."""
        return f"{self.policy}#{self.artifact_id}" if self.artifact_id else self.policy

    def closes_at(self, placement: Placement) -> datetime:
        return self.decided_at + placement.window


class Reward(models.Model):
    """What came of a decision. It may be told late, and twice."""

    class Kind(models.TextChoices):
        CLICK = "click", _("clicked")
        CONVERSION = "conversion", _("bought")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribed")

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="rewards", db_index=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=2, default=Decimal(0))
    key = models.CharField(max_length=100)
    at = models.DateTimeField(_("at"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            models.UniqueConstraint(fields=["decision", "key"], name="rewarded_once_a_key"),
            models.CheckConstraint(condition=Q(value__gte=0), name="reward_is_no_debt"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class VetoQuerySet(models.QuerySet["Veto"]):
    def standing(self) -> "VetoQuerySet":
        return self.filter(lifted_at=None)

    def of(self, customer: Customer) -> "VetoQuerySet":
        """For them, or for everybody."""
        return self.filter(Q(customer=None) | Q(customer=customer))


class Veto(models.Model):
    """A person said that an action is not to be, for one customer or for everybody, and why."""

    action = models.ForeignKey(
        Action, models.CASCADE, related_name="vetoes", verbose_name=_("action")
    )
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="vetoes",
        verbose_name=_("customer"),
        help_text=_("Empty: for everybody."),
    )
    decision = models.ForeignKey(  # the one that gave rise to it
        Decision, models.SET_NULL, null=True, related_name="vetoes"
    )
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(_("at"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    objects = VetoQuerySet.as_manager()

    class Meta:
        verbose_name = _("veto")
        verbose_name_plural = _("vetoes")
        constraints = [
            models.UniqueConstraint(
                fields=["action", "customer"], condition=Q(lifted_at=None), name="one_standing_veto"
            ),
            models.UniqueConstraint(
                fields=["action"],
                condition=Q(lifted_at=None, customer=None),
                name="one_standing_veto_for_all",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="veto_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.action_id}: {self.reason}"


class PolicyProposal(models.Model):
    """A trained policy with its evaluation, waiting for a person; and what they said."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waits for approval")
        REFUSED = "refused", _("not good enough")
        CANARY = "canary", _("on trial")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        RETURNED = "returned", _("taken back")
        SUPERSEDED = "superseded", _("superseded")

    placement = models.ForeignKey(
        Placement, models.CASCADE, related_name="proposals", verbose_name=_("placement")
    )
    artifact = models.OneToOneField(
        Artifact, models.PROTECT, related_name="proposal", verbose_name=_("artifact")
    )
    kind = models.CharField(_("policy"), max_length=32)
    state = models.CharField(_("state"), max_length=16, choices=State)
    evaluation = models.JSONField(_("evaluation"))
    canary_share = models.FloatField(_("share on trial"), default=0.05)
    made_at = models.DateTimeField(_("made"))
    decided_by = models.CharField(_("by"), max_length=150, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        permissions = [("approve_policyproposal", _("Can approve, reject and take back policies"))]
        constraints = [
            models.UniqueConstraint(
                fields=["placement"], condition=Q(state="canary"), name="one_policy_on_trial"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}#{self.artifact_id}"

    @property
    def uneven(self) -> list[str]:
        """The groupings in which its offers surely break the four-fifths rule."""
        told = self.evaluation.get("exposure", {})
        return [name for name, one in told.items() if one["is_uneven"]]


def named(english: str, chinese: str, language: str | None = None) -> str:
    """A name in the language of whoever reads it."""
    wanted: Any = language or get_language() or ""
    return (chinese if wanted.startswith("zh") else "") or english
