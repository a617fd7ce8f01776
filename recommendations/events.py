"""Facts told by recommendations: a list was shown, a product in it was clicked."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class ProductsShown:
    kind: ClassVar[str] = "recommendations.products_shown"
    placement: str
    artifact: str
    skus: tuple[str, ...]
    impressions: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ProductClicked:
    kind: ClassVar[str] = "recommendations.product_clicked"
    impression_id: int
    placement: str
    position: int
    sku: str


@dataclass(frozen=True, kw_only=True)
class ProductDisliked:
    """A customer does not want to be shown this product again."""

    kind: ClassVar[str] = "recommendations.product_disliked"
    placement: str
    sku: str


@dataclass(frozen=True, kw_only=True)
class DislikeTakenBack:
    """A customer may be shown this product after all."""

    kind: ClassVar[str] = "recommendations.dislike_taken_back"
    placement: str
    sku: str
