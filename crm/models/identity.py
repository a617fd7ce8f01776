"""The identity graph: identifiers are nodes, evidence is edges, a customer is a component."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.models.customers import Customer, Identity


class Evidence(models.Model):
    """One reason to think that two identifiers are the same person's. Retired, never deleted."""

    class Kind(models.TextChoices):
        IDENTIFY = "identify", _("introduced themselves")
        ALIAS = "alias", _("alias of the shop")
        VERIFIED = "verified", _("confirmed address")
        CHAT = "chat", _("chat")
        IMPORT = "import", _("import")
        STAFF = "staff", _("staff decision")

    # How much a kind of evidence is worth, from a guess to certainty.
    STRENGTHS = {
        Kind.STAFF: 1.0,
        Kind.VERIFIED: 0.99,
        Kind.CHAT: 0.9,
        Kind.IDENTIFY: 0.9,
        Kind.ALIAS: 0.8,
        Kind.IMPORT: 0.7,
    }

    one = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    other = models.ForeignKey(Identity, models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    source = models.CharField(_("source"), max_length=64)
    strength = models.FloatField(_("strength"))
    at = models.DateTimeField(_("at"))
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        constraints = [
            models.UniqueConstraint(
                fields=["one", "other", "kind"],
                condition=Q(retired_at=None),
                name="evidence_once",
            ),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="evidence_in_order"),
        ]

    def __str__(self) -> str:
        return f"#{self.one_id} – #{self.other_id} ({self.kind})"


class Merge(models.Model):
    """Two customers found to be one: the evidence, and what is needed to undo it."""

    winner = models.ForeignKey(
        Customer, models.CASCADE, related_name="merges_won", verbose_name=_("who stayed")
    )
    loser = models.ForeignKey(
        Customer, models.CASCADE, related_name="merges_lost", verbose_name=_("who was joined")
    )
    evidence = models.CharField(_("evidence"), max_length=255)
    source = models.CharField(_("source"), max_length=64)
    moved: "models.JSONField[dict[str, Any]]" = models.JSONField(_("moved rows"), default=dict)
    # {"fields": {name: [before, after]}, "traits": {added}, "identities": [those of the winner]}
    filled: "models.JSONField[dict[str, Any]]" = models.JSONField(_("filled fields"), default=dict)
    merged_at = models.DateTimeField(_("merged"))
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")

    def __str__(self) -> str:
        return f"#{self.loser_id} → #{self.winner_id}"


class DuplicatePair(models.Model):
    """Two customers who may be one person. The finder proposes; staff decide, and that stands."""

    class State(models.TextChoices):
        OPEN = "open", _("to decide")
        MERGED = "merged", _("same person")
        DIFFERENT = "different", _("different people")

    one = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    score = models.FloatField(_("score"))
    reasons = models.JSONField(_("reasons"), default=list)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.OPEN)
    found_at = models.DateTimeField(_("found"))
    merge = models.ForeignKey(Merge, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="pair_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="pair_in_order"),
        ]
        indexes = [models.Index(fields=["state", "-score"], name="pair_by_score")]

    def __str__(self) -> str:
        return f"#{self.one_id} = #{self.other_id}?"
