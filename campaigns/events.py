"""Facts that the campaigns tell of a customer."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class MessageSent:
    kind: ClassVar[str] = "campaigns.message_sent"
    delivery_id: int
    campaign_id: int
    campaign: str
    variant: str
    channel: str


@dataclass(frozen=True, kw_only=True)
class MessageOpened:
    kind: ClassVar[str] = "campaigns.message_opened"
    delivery_id: int
    campaign_id: int
    campaign: str


@dataclass(frozen=True, kw_only=True)
class MessageClicked:
    kind: ClassVar[str] = "campaigns.message_clicked"
    delivery_id: int
    campaign_id: int
    campaign: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Unsubscribed:
    kind: ClassVar[str] = "campaigns.unsubscribed"
    delivery_id: int
    campaign_id: int
    campaign: str
    topic: str


@dataclass(frozen=True, kw_only=True)
class PriceDropped:
    """A product that the customer looked at or has in the cart costs less than before."""

    kind: ClassVar[str] = "campaigns.price_dropped"
    sku: str
    before: str
    price: str


@dataclass(frozen=True, kw_only=True)
class BackInStock:
    """A product that the customer looked at or has in the cart can be bought again."""

    kind: ClassVar[str] = "campaigns.back_in_stock"
    sku: str


@dataclass(frozen=True, kw_only=True)
class MessageBounced:
    kind: ClassVar[str] = "campaigns.message_bounced"
    delivery_id: int
    campaign_id: int
    campaign: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MessageComplained:
    kind: ClassVar[str] = "campaigns.message_complained"
    delivery_id: int
    campaign_id: int
    campaign: str


@dataclass(frozen=True, kw_only=True)
class MessageReplied:
    kind: ClassVar[str] = "campaigns.message_replied"
    delivery_id: int
    campaign_id: int
    campaign: str
    text: str


@dataclass(frozen=True, kw_only=True)
class OfferShown:
    """A page showed what was decided, for the first time that day."""

    kind: ClassVar[str] = "campaigns.offer_shown"
    decision: str
    placement: str
    action: str


@dataclass(frozen=True, kw_only=True)
class OfferClicked:
    kind: ClassVar[str] = "campaigns.offer_clicked"
    decision: str
    placement: str
    action: str
