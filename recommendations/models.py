"""The trail of every recommendation, what was learned from it, and what the shop wants."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.models import Artifact, Brand, Category, Customer, Product, Segment


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
    interleaving = models.ForeignKey(  # the online test that the list was part of
        "Interleaving",
        models.SET_NULL,
        verbose_name=_("online test"),
        null=True,
        blank=True,
        related_name="impressions",
        db_index=False,  # the index below holds the few rows that have one
    )

    class Meta:
        verbose_name = _("impression")
        verbose_name_plural = _("impressions")
        indexes = [
            models.Index(
                fields=["customer", "placement", "shown_at"], name="impression_of_customer"
            ),
            models.Index(fields=["artifact", "shown_at"], name="impression_of_artifact"),
            models.Index(fields=["shown_at"], name="impression_by_time"),
            models.Index(
                fields=["interleaving", "shown_at"],
                condition=models.Q(interleaving__isnull=False),
                name="impression_of_test",
            ),
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


class BusinessRuleQuerySet(models.QuerySet["BusinessRule"]):
    def in_force(self, *, placement: str, now: datetime) -> "BusinessRuleQuerySet":
        """What holds for lists at this placement at this moment, for whomever."""
        return self.filter(
            Q(placement="") | Q(placement=placement),
            Q(starts_at=None) | Q(starts_at__lte=now),
            Q(ends_at=None) | Q(ends_at__gt=now),
            is_active=True,
        ).order_by("pk")


class BusinessRule(models.Model):
    """What the shop wants of every list: these products further up, further down, fixed, or gone.

    Which products: those of the category and of the brand, or the one product; all that is given
    must hold. `recommendations/rules.py` says what a rule does to a list.
    """

    class Effect(models.TextChoices):
        BOOST = "boost", _("boost")
        BURY = "bury", _("bury")
        PIN = "pin", _("pin")
        EXCLUDE = "exclude", _("exclude")
        RESERVE = "reserve", _("reserve for a segment")

    class Strength(models.IntegerChoices):
        SLIGHTLY = 1, _("slightly")
        CLEARLY = 2, _("clearly")
        STRONGLY = 3, _("strongly")

    effect = models.CharField(_("effect"), max_length=16, choices=Effect)
    product = models.ForeignKey(
        Product, models.CASCADE, null=True, blank=True, verbose_name=_("product")
    )
    category = models.ForeignKey(
        Category, models.CASCADE, null=True, blank=True, verbose_name=_("category")
    )
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, blank=True, verbose_name=_("brand"))
    strength = models.PositiveSmallIntegerField(
        _("how strongly"), choices=Strength, default=Strength.CLEARLY
    )
    place = models.PositiveSmallIntegerField(_("pinned at place"), default=1)
    placement = models.CharField(_("placement"), max_length=64, blank=True)  # "": everywhere
    segment = models.ForeignKey(  # a rule for some must not become one for all
        Segment, models.CASCADE, null=True, blank=True, verbose_name=_("segment")
    )
    starts_at = models.DateTimeField(_("in force from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("in force until"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = BusinessRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("business rule")
        verbose_name_plural = _("business rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(product__isnull=False)
                | Q(category__isnull=False)
                | Q(brand__isnull=False),
                name="rule_of_some_products",
                violation_error_message=_("Say which products: one, a category or a brand."),
            ),
            models.CheckConstraint(
                condition=~Q(effect="reserve") | Q(segment__isnull=False),
                name="rule_reserves_for_a_segment",
                violation_error_message=_("Say for which segment they are reserved."),
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="rule_ends_after_it_starts",
                violation_error_message=_("The end comes before the beginning."),
            ),
            models.CheckConstraint(condition=Q(place__gte=1), name="rule_place_counts_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.effect} #{self.pk}"

    def clean(self) -> None:
        if self.product_id and (self.category_id or self.brand_id):
            raise ValidationError(_("One product needs no category and no brand."))

    def products(self) -> Q:
        """Which products it speaks of, for a filter of products."""
        given = {
            "pk": self.product_id,
            "category_id": self.category_id,
            "brand_id": self.brand_id,
        }
        return Q(**{name: value for name, value in given.items() if value is not None})

    def speaks_of(self, product: Product) -> bool:
        """Whether `products` holds this one."""
        asked = (
            (self.product_id, product.pk),
            (self.category_id, product.category_id),
            (self.brand_id, product.brand_id),
        )
        return all(wanted in (None, own) for wanted, own in asked)


class InterleavingQuerySet(models.QuerySet["Interleaving"]):
    def running(self) -> "InterleavingQuerySet":
        return self.filter(stopped_at=None)


class Interleaving(models.Model):
    """An online test: lists drafted of two artifacts, to see whose products are clicked."""

    name = models.CharField(_("name"), max_length=64)  # of what is tested, as in Artifact
    first = models.ForeignKey(
        Artifact, models.PROTECT, verbose_name=_("first artifact"), related_name="+"
    )
    second = models.ForeignKey(
        Artifact, models.PROTECT, verbose_name=_("second artifact"), related_name="+"
    )
    started_at = models.DateTimeField(_("started"))
    started_by = models.CharField(_("started by"), max_length=150)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    promoted = models.ForeignKey(
        Artifact,
        models.PROTECT,
        verbose_name=_("promoted winner"),
        null=True,
        blank=True,
        related_name="+",
    )

    objects = InterleavingQuerySet.as_manager()

    class Meta:
        verbose_name = _("online test")
        verbose_name_plural = _("online tests")
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(stopped_at=None), name="one_test_runs"
            ),
            models.CheckConstraint(
                condition=~models.Q(first=models.F("second")), name="test_of_two_artifacts"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class ProductLooks(models.Model):
    """What a product's picture looks like, in numbers (`recommendations/ml/looks.py`)."""

    product = models.OneToOneField(
        Product, models.CASCADE, related_name="looks", primary_key=True, verbose_name=_("product")
    )
    digest = models.CharField(max_length=64)  # of the picture and of how it was described
    features = models.BinaryField()  # float32
    made_at = models.DateTimeField(_("made"), db_index=True)

    class Meta:
        verbose_name = _("looks of a product")
        verbose_name_plural = _("looks of products")

    def __str__(self) -> str:
        return f"looks of #{self.product_id}"
