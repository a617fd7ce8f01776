"""Policies that were trained, and what a person said to them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.placements import Placement
from crm.models import Artifact


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
