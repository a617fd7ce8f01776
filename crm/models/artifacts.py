"""Trained estimators: where their bytes are, how good they were, which one serves."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Artifact(models.Model):
    class Status(models.TextChoices):
        CANDIDATE = "candidate", _("candidate")
        CHAMPION = "champion", _("champion")
        ARCHIVED = "archived", _("archived")

    name = models.CharField(_("name"), max_length=64, db_index=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.CANDIDATE)
    file = models.FileField(_("file"), upload_to="artifacts/")
    sha256 = models.CharField(max_length=64)
    format = models.PositiveIntegerField(_("format"))
    metrics = models.JSONField(_("metrics"), default=dict)
    baseline_metrics = models.JSONField(_("metrics of the baseline"), default=dict)
    champion_metrics = models.JSONField(_("metrics of the champion then"), null=True)
    backtest = models.JSONField(_("back-test"), default=dict, blank=True)
    reason = models.CharField(_("why promoted or not"), max_length=300, blank=True)
    data_fingerprint = models.CharField(_("data fingerprint"), max_length=64, blank=True)
    code_version = models.CharField(_("code version"), max_length=64, blank=True)
    seed = models.BigIntegerField(_("seed"), default=0)
    rows = models.PositiveBigIntegerField(_("rows"), default=0)
    seconds = models.FloatField(_("seconds"), default=0.0)
    as_of = models.DateTimeField(_("trained on data until"))
    trained_at = models.DateTimeField(_("trained"))
    promoted_at = models.DateTimeField(_("promoted"), null=True, blank=True)

    class Meta:
        verbose_name = _("artifact")
        verbose_name_plural = _("artifacts")
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(status="champion"), name="one_champion"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"
