"""The part of the catalogue that a list may be made of, read at the request."""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Q

from crm.models import Product
from recommendations.constraints import Constraints


@dataclass(frozen=True)
class Shelf:
    """What is for sale, was asked for, and is not forbidden."""

    within: Constraints = field(default_factory=Constraints)
    forbidden: Q = field(default_factory=lambda: Q(pk__in=()))

    def ids(self, among: Collection[int] | None = None, *, also: Q | None = None) -> set[int]:
        """Every product on it (`among` these, `also` matching), as ids: most are never shown."""
        rows = Product.objects.filter(self.within.as_query())
        if also is not None:
            rows = rows.filter(also)
        if among is not None:
            rows = rows.filter(pk__in=among)
        rows = rows.exclude(self.within.unwanted() | self.forbidden)
        if not self.within.names_options:
            return set(rows.values_list("pk", flat=True))
        told = rows.values_list("pk", "colors", "features", "sizes")
        return {pk for pk, *options in told if self.within.allows_options(*options)}
