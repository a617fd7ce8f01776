"""Filters of the admin's lists."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.ml.rfm import SLUGS
from crm.models import Customer, Score
from crm.templatetags.catalogue import rfm_name


class RfmFilter(SimpleListFilter):
    """By RFM label; a link from the RFM grid names a cell instead: 54 is recency 5, frequency 4."""

    title = _("RFM")
    parameter_name = "rfm"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(slug, rfm_name(slug)) for slug in SLUGS]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Customer]
    ) -> QuerySet[Customer] | None:
        value = self.value()
        if value is None:
            return None
        scores = Score.objects.filter(name="rfm")
        if len(value) == 2 and value.isdecimal():
            scores = scores.filter(detail__r=int(value[0]), detail__f=int(value[1]))
        else:
            scores = scores.filter(label=value)
        return queryset.filter(pk__in=scores.values("customer"))
