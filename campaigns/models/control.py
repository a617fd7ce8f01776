"""The global control group: customers to whom no campaign writes for a while."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _


class ControlGroupQuerySet(models.QuerySet["ControlGroup"]):
    def running(self) -> "ControlGroupQuerySet":
        return self.filter(ended_at=None)


class ControlGroup(models.Model):
    """A share of all customers from one moment to another. Past groups stay, with what they showed.

    Who is in it is drawn from its number and theirs, so nobody is listed and nobody gets lost.
    """

    share = models.DecimalField(
        _("share of all customers"),
        max_digits=4,
        decimal_places=3,
        default=Decimal("0.02"),
        validators=[MinValueValidator(Decimal("0.001")), MaxValueValidator(Decimal("0.2"))],
        help_text=_("Two in a hundred are enough for some ten thousand customers; more for fewer."),
    )
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    history = models.JSONField(_("history"), default=list)  # what was measured, oldest first
    measured_at = models.DateTimeField(_("measured"), null=True)

    objects = ControlGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("control group")
        verbose_name_plural = _("control groups")
        constraints = [
            models.UniqueConstraint(
                IsNull(F("ended_at"), True),
                condition=Q(ended_at=None),
                name="one_control_group_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="control_group_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(share__gt=0) & Q(share__lte=Decimal("0.2")),
                name="control_share_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.share:.1%} · {self.started_at:%Y-%m-%d}"
