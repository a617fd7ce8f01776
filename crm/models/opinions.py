"""What customers said and how it was understood; what they seem to like."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.models.activity import Feedback
from crm.models.artifacts import Artifact
from crm.models.customers import Customer


class Feeling(models.TextChoices):
    POSITIVE = "pos", _("positive")
    NEUTRAL = "neu", _("neutral")
    NEGATIVE = "neg", _("negative")


def check_words(words: object) -> None:
    if not isinstance(words, list) or not all(isinstance(w, str) and w.strip() for w in words):
        raise ValidationError(_('A list of words in quotes is needed, as in ["slow", "慢"].'))


class Aspect(models.Model):
    """A side of the goods or of the service that customers talk about, with its words."""

    slug = models.SlugField(_("slug"), max_length=32, unique=True)
    name_en = models.CharField(_("English name"), max_length=100)
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    words = models.JSONField(
        _("words that mean it"), default=list, blank=True, validators=[check_words]
    )
    praise = models.JSONField(
        _("words that praise it"), default=list, blank=True, validators=[check_words]
    )
    blame = models.JSONField(
        _("words that blame it"), default=list, blank=True, validators=[check_words]
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("aspect")
        verbose_name_plural = _("aspects")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en


class OpinionQuerySet(models.QuerySet["Opinion"]):
    def not_of(self, version: str) -> "OpinionQuerySet":
        """Not understood yet, or by other models or words than those that serve now."""
        # Two ranges of the index, where an inequality would read every row.
        return self.filter(Q(version__lt=version) | Q(version__gt=version))


class Opinion(models.Model):
    """One text of a customer, and what we made of it. `key` is unique per source."""

    class Source(models.TextChoices):
        REVIEW = "review", _("review")
        CHAT = "chat", _("chat")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="opinions", db_index=False)
    source = models.CharField(_("source"), max_length=16, choices=Source)
    key = models.CharField(max_length=128)
    feedback = models.ForeignKey(Feedback, models.CASCADE, null=True, blank=True)
    text = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=2)
    rating = models.FloatField(_("rating"), null=True, blank=True)  # one to five, as given with it
    heard_as = models.CharField(_("intent heard"), max_length=64, blank=True)
    at = models.DateTimeField(_("at"), db_index=True)
    label = models.CharField(_("feeling"), max_length=16, choices=Feeling, blank=True)
    score = models.FloatField(_("score"), default=0.0)  # from -1 to 1
    corrected = models.CharField(
        _("corrected by staff"), max_length=16, choices=Feeling, blank=True
    )
    aspects = models.JSONField(_("aspects"), default=list, blank=True)
    need = models.CharField(_("need"), max_length=64, blank=True)
    need_confidence = models.FloatField(_("confidence of the need"), default=0.0)
    need_corrected = models.CharField(_("need, by staff"), max_length=64, blank=True)
    artifact = models.ForeignKey(Artifact, models.SET_NULL, null=True, blank=True)
    version = models.CharField(_("made by"), max_length=64, blank=True)
    understood_at = models.DateTimeField(_("understood"), null=True, blank=True)

    objects = OpinionQuerySet.as_manager()

    class Meta:
        verbose_name = _("opinion")
        verbose_name_plural = _("opinions")
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="opinion_heard_once")]
        indexes = [
            models.Index(fields=["customer", "at"], name="opinion_of_customer"),
            models.Index(fields=["version"], name="opinion_version"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.text[:60]}"


class Mention(models.Model):
    """An opinion speaks of an aspect, and feels so about it. Made again with its opinion."""

    opinion = models.ForeignKey(Opinion, models.CASCADE, related_name="mentions", db_index=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="mentions")
    aspect = models.CharField(_("aspect"), max_length=32)
    label = models.CharField(_("feeling"), max_length=16, choices=Feeling)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        constraints = [models.UniqueConstraint(fields=["opinion", "aspect"], name="mention_once")]
        indexes = [
            models.Index(fields=["aspect", "label", "at"], name="mention_of_aspect"),
            models.Index(fields=["at"], name="mention_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.aspect} {self.label}"


class Interest(models.Model):
    """How much a customer is drawn to a category, a brand or a feature, as of `at`."""

    class Kind(models.TextChoices):
        CATEGORY = "category", _("category")
        BRAND = "brand", _("brand")
        FEATURE = "feature", _("feature")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="interests", db_index=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    value = models.CharField(_("value"), max_length=64)
    weight = models.FloatField(_("weight"))
    evidence = models.JSONField(_("evidence"), default=dict)  # how often each deed
    last_at = models.DateTimeField(_("last time"))
    at = models.DateTimeField(_("as of"))

    class Meta:
        verbose_name = _("interest")
        verbose_name_plural = _("interests")
        constraints = [
            models.UniqueConstraint(fields=["customer", "kind", "value"], name="interest_once")
        ]
        indexes = [models.Index(fields=["kind", "value", "weight"], name="interest_by_weight")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value} {self.weight:.2f}"
