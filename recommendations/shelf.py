"""The part of the catalogue that a list may be made of, read at the request."""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Q

from crm.models import Product
from crm.prepared import Prepared
from recommendations.constraints import Constraints

NOTHING = Q(pk__in=())
FEW = 128  # candidates of a list, as a rule
FOR_SALE = Prepared(
    lambda ids: Product.objects.for_sale().filter(pk__in=ids).values_list("pk"), ids=FEW
)


@dataclass(frozen=True)
class Shelf:
    """What is for sale, was asked for, and is not forbidden."""

    within: Constraints = field(default_factory=Constraints)
    forbidden: Q = NOTHING

    @property
    def is_plain(self) -> bool:
        """Whether all that is for sale is on it."""
        return self.within == Constraints() and self.forbidden == NOTHING

    def ids(self, among: Collection[int] | None = None, *, also: Q | None = None) -> set[int]:
        """Every product on it (`among` these, `also` matching), as ids: most are never shown."""
        if self.is_plain and also is None and among is not None and len(among) <= FEW:
            return {pk for (pk,) in FOR_SALE.rows(ids=list(among))}
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
