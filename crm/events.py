"""Facts the CRM itself can tell. Each is plain data with a kind.

Facts that outside systems send (Product Viewed, Order Completed …) follow the Segment
e-commerce specification; `KIND_OF_NAME` says which kind each name has here.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


class Fact(Protocol):
    kind: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class OrderPlaced:
    kind: ClassVar[str] = "crm.order_placed"
    order_id: int
    number: str
    total: str
    skus: tuple[str, ...]
    coupon: str = ""  # the code, where one was used


@dataclass(frozen=True, kw_only=True)
class OrderRefunded:
    kind: ClassVar[str] = "crm.order_refunded"
    order_id: int
    number: str
    total: str


@dataclass(frozen=True, kw_only=True)
class ProductViewed:
    kind: ClassVar[str] = "crm.product_viewed"
    sku: str


@dataclass(frozen=True, kw_only=True)
class ProductAdded:
    kind: ClassVar[str] = "crm.product_added"
    sku: str
    quantity: int = 1


@dataclass(frozen=True, kw_only=True)
class ProductRemoved:
    kind: ClassVar[str] = "crm.product_removed"
    sku: str
    quantity: int = 1


@dataclass(frozen=True, kw_only=True)
class FeedbackGiven:
    kind: ClassVar[str] = "crm.feedback_given"
    feedback_id: int
    feedback_kind: str
    score: float | None
    sku: str = ""


@dataclass(frozen=True, kw_only=True)
class ConsentChanged:
    kind: ClassVar[str] = "crm.consent_changed"
    channel: str
    topic: str
    is_granted: bool


@dataclass(frozen=True, kw_only=True)
class SegmentEntered:
    """A customer has come into a segment; `because` says which parts of the rule made it so."""

    kind: ClassVar[str] = "crm.segment_entered"
    segment: str
    because: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SegmentLeft:
    kind: ClassVar[str] = "crm.segment_left"
    segment: str
    because: list[dict[str, Any]]


TRACKED = "crm.tracked"  # an event of a name that means nothing special to us
IDENTIFIED = "crm.identified"

KIND_OF_NAME = {
    "Product Viewed": "crm.product_viewed",
    "Product Clicked": "crm.product_viewed",
    "Product Added": "crm.product_added",
    "Product Removed": "crm.product_removed",
    "Product Added to Wishlist": "crm.product_wished",
    "Products Searched": "crm.products_searched",
    "Coupon Applied": "crm.coupon_applied",
    "Product Reviewed": "crm.feedback_given",
    "Order Completed": "crm.order_placed",
    "Order Refunded": "crm.order_refunded",
}
