"""Groups of customers, who is in them and why, and the scores of each customer."""

from typing import Any

from django.core.cache import cache
from django.db import models, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.models.artifacts import Artifact
from crm.models.customers import Customer

WANTED = "segments:wanted"  # in the cache: what the rules read, for those who write


class Segment(models.Model):
    class Kind(models.TextChoices):
        RULE = "rule", _("by rule")
        CLUSTER = "cluster", _("by cluster")
        LABEL = "label", _("by RFM label")
        STATIC = "static", _("by hand")
        RANDOM = "random", _("by chance")

    RULED = (Kind.RULE, Kind.RANDOM)  # the kinds whose members a rule decides

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
    filled_version = models.CharField(max_length=16, blank=True, editable=False)  # of which rule
    refill_at = models.DateTimeField(null=True, blank=True, editable=False)
    problem = models.CharField(_("problem"), max_length=300, blank=True, editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")

    def __str__(self) -> str:
        return (self.name_zh if _chinese() else "") or self.name_en

    @property
    def description(self) -> str:
        """In the reader's language, where somebody wrote it in that; else in English."""
        return (self.description_zh if _chinese() else "") or self.description_en

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        forget_wanted()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        forget_wanted()
        return super().delete(*args, **kwargs)


def _chinese() -> bool:
    return (get_language() or "").startswith("zh")


def forget_wanted() -> None:
    """What writers know of the rules is no longer so, nor what others read before the commit."""
    cache.delete(WANTED)
    transaction.on_commit(lambda: cache.delete(WANTED))


class Membership(models.Model):
    """A customer is in a segment, for this reason. Leaving deletes the row."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="memberships", db_index=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="memberships")
    reason = models.JSONField(_("reason"), default=dict)
    entered_at = models.DateTimeField(_("entered"))

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["segment", "customer"], name="member_once")]
        indexes = [models.Index(fields=["segment", "-entered_at"], name="member_newest")]

    def __str__(self) -> str:
        return f"#{self.customer_id} in #{self.segment_id}"


class Touch(models.Model):
    """Something that rules may read has changed, and nobody has looked yet whom it moves.

    A row for each change, never one that is shared: a row that is there already may be on its way
    out while the change it should stand for is not yet to be seen.
    """

    customer_id = models.BigIntegerField(null=True)  # null: everybody
    reads = models.CharField(max_length=100)

    class Meta:
        verbose_name = _("touch")
        verbose_name_plural = _("touches")

    def __str__(self) -> str:
        return f"{self.reads} of #{self.customer_id}"


class SegmentSize(models.Model):
    """How large a segment was on a day."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="sizes", db_index=False)
    day = models.DateField(_("day"))
    size = models.PositiveIntegerField(_("size"))

    class Meta:
        verbose_name = _("segment size")
        verbose_name_plural = _("segment sizes")
        constraints = [models.UniqueConstraint(fields=["segment", "day"], name="size_once_a_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.size}"


class Score(models.Model):
    """The newest value of one score of one customer, with its reasons and its maker.

    `at` is since when it is so: a score that comes out the same is left as it is.
    """

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="scores", db_index=False)
    name = models.CharField(_("name"), max_length=32)
    value = models.FloatField(_("value"))
    label = models.CharField(_("label"), max_length=64, blank=True)
    detail = models.JSONField(_("detail"), default=dict)
    version = models.CharField(_("made by"), max_length=64)
    artifact = models.ForeignKey(  # hardly ever asked for, and each index is written for each score
        Artifact, models.SET_NULL, null=True, blank=True, db_index=False
    )
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
