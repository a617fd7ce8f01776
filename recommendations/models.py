"""The trail of every recommendation, and of what was learned from it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer, Product


class Impression(models.Model):
    """One product shown once, at one position of one list. Only a click changes the row."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="impressions")
    product = models.ForeignKey(Product, models.CASCADE, related_name="impressions")
    placement = models.CharField(_("placement"), max_length=64)
    position = models.PositiveSmallIntegerField(_("position"))  # 1 is the top
    artifact = models.CharField(_("artifact"), max_length=80)  # name#id, or "popularity"
    reason_code = models.CharField(_("reason"), max_length=32)
    score = models.FloatField(_("score"))
    # The chance that this product came to this place; null: shown before chances were written.
    propensity = models.FloatField(_("propensity"), null=True, blank=True)
    shown_at = models.DateTimeField(_("shown"))
    clicked_at = models.DateTimeField(_("clicked"), null=True, blank=True)

    class Meta:
        verbose_name = _("impression")
        verbose_name_plural = _("impressions")
        indexes = [
            models.Index(
                fields=["customer", "placement", "shown_at"], name="impression_of_customer"
            ),
            models.Index(fields=["artifact", "shown_at"], name="impression_of_artifact"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.placement} {self.position}"


class Retraining(models.Model):
    """Whose turn it is to train an estimator, and up to where the last training has read.

    One row per estimator. A turn is taken by one UPDATE; whoever dies in it keeps it for a while.
    """

    name = models.CharField(_("name"), max_length=64, primary_key=True)
    claimed_at = models.DateTimeField(_("being trained since"), null=True)
    finished_at = models.DateTimeField(_("last trained"), null=True)
    said = models.CharField(_("result"), max_length=300, blank=True)
    # The newest rows that were there: what came later is news, however old it says it is.
    read_events = models.BigIntegerField(default=0)
    read_lines = models.BigIntegerField(default=0)
    read_feedback = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("retraining")
        verbose_name_plural = _("retrainings")

    def __str__(self) -> str:
        return self.name
