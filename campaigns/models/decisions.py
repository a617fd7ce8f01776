"""What was chosen for a customer, what came of it, and what a person forbade."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.placements import Action, Catalogue, Placement
from crm.models import Artifact, Customer


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
