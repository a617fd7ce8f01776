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
