"""Groups of customers, who is in them and why, and the scores of each customer."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.models.artifacts import Artifact
from crm.models.customers import Customer


class Segment(models.Model):
    class Kind(models.TextChoices):
        RULE = "rule", _("by rule")
        CLUSTER = "cluster", _("by cluster")
        LABEL = "label", _("by RFM label")
        STATIC = "static", _("by hand")

    slug = models.SlugField(_("slug"), max_length=64, unique=True)
    name_en = models.CharField(_("English name"), max_length=100)
    name_zh = models.CharField(_("Chinese name"), max_length=100, blank=True)
    description_en = models.TextField(_("English description"), blank=True)
    description_zh = models.TextField(_("Chinese description"), blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    rule = models.JSONField(_("rule"), default=dict, blank=True)
    artifact = models.ForeignKey(Artifact, models.SET_NULL, null=True, blank=True)
    size = models.PositiveIntegerField(_("size"), default=0)
    refreshed_at = models.DateTimeField(_("refreshed"), null=True, blank=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")

    def __str__(self) -> str:
        chinese = (get_language() or "").startswith("zh")
        return (self.name_zh if chinese else "") or self.name_en


class Membership(models.Model):
    """A customer is in a segment, for this reason. Leaving deletes the row."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="memberships")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="memberships")
    reason = models.JSONField(_("reason"), default=dict)
    entered_at = models.DateTimeField(_("entered"))

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["segment", "customer"], name="member_once")]

    def __str__(self) -> str:
        return f"#{self.customer_id} in #{self.segment_id}"


class Score(models.Model):
    """The newest value of one score of one customer, with its reasons and its maker."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="scores")
    name = models.CharField(_("name"), max_length=32)
    value = models.FloatField(_("value"))
    label = models.CharField(_("label"), max_length=64, blank=True)
    detail = models.JSONField(_("detail"), default=dict)
    version = models.CharField(_("made by"), max_length=64)
    artifact = models.ForeignKey(Artifact, models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        constraints = [models.UniqueConstraint(fields=["customer", "name"], name="score_once")]
        indexes = [
            models.Index(fields=["name", "value"], name="score_by_value"),
            models.Index(fields=["name", "label"], name="score_by_label"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value:g}"
