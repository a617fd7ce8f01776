"""What somebody asked for, and the part of the catalogue that answers it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q

from crm.models import Brand, Category, Product


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """What a list must satisfy. Categories and brands are slugs; everything given must hold."""

    category: str | None = None
    exclude_categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    exclude_brands: tuple[str, ...] = ()
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    color: str | None = None
    feature: str | None = None
    size: str | None = None
    in_stock: bool = True
    text: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether anything is asked for beyond what every list must satisfy."""
        return self != Constraints(in_stock=self.in_stock)

    def allows_options(self, colors: list[Any], features: list[Any], sizes: list[Any]) -> bool:
        """Whether these hold the colour, the feature and the size asked for."""
        wanted = ((self.color, colors), (self.feature, features))
        has_all = all(value is None or _among(value, options) for value, options in wanted)
        # A product without sizes is one size: asking for a size does not rule it out.
        return has_all and (self.size is None or not sizes or _among(self.size, sizes))

    @property
    def names_options(self) -> bool:
        """Whether `allows_options` has anything to say."""
        return (self.color, self.feature, self.size) != (None, None, None)

    def as_query(self) -> Q:
        """The part that the database can check by itself; `allows_options` is the rest."""
        query = Q(is_active=True)
        if self.category is not None:
            query &= Q(category__slug=self.category)
        if self.brands:
            query &= Q(brand__slug__in=self.brands)
        if self.price_min is not None:
            query &= Q(price__gte=self.price_min)
        if self.price_max is not None:
            query &= Q(price__lte=self.price_max)
        for word in self.text.split():
            query &= _says(word)
        return query

    def unwanted(self) -> Q:
        """Whatever matches this is out (kept apart: null brands must not match)."""
        query = Q(pk__in=())
        if self.in_stock:
            query |= Q(stock=0)
        if self.exclude_brands:
            query |= Q(brand__isnull=False, brand__slug__in=self.exclude_brands)
        if self.exclude_categories:
            query |= Q(category__isnull=False, category__slug__in=self.exclude_categories)
        return query

    def matched(self, product: Product) -> dict[str, Any]:
        """What of this the product answers, as evidence for the reason (plain JSON)."""
        said = {
            "category": _names(product.category) if self.category else None,
            "brand": _names(product.brand) if self.brands else None,
            "price_min": str(self.price_min) if self.price_min is not None else None,
            "price_max": str(self.price_max) if self.price_max is not None else None,
            "color": self.color,
            "feature": self.feature,
            "size": self.size if product.sizes else None,
            "text": self.text or None,
        }
        return {name: value for name, value in said.items() if value}


def _among(value: str, options: list[Any]) -> bool:
    return value.casefold() in {str(option).casefold() for option in options}


def _says(word: str) -> Q:
    return (
        Q(title_en__icontains=word)
        | Q(title_zh__icontains=word)
        | Q(description_en__icontains=word)
        | Q(description_zh__icontains=word)
    )


def _names(thing: Category | Brand | None) -> dict[str, str] | None:
    return {"en": thing.name_en, "zh": thing.name_zh} if thing else None
