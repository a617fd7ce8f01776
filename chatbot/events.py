"""Facts the conversation tells. They carry ids and intents, never what a person wrote."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class MessageReceived:
    """A customer said something, and this is how it was understood and dealt with."""

    kind: ClassVar[str] = "chatbot.message_received"
    conversation: str
    seq: int
    intent: str
    confidence: float
    acts: tuple[str, ...]
    sentiment: str


@dataclass(frozen=True, kw_only=True)
class ProductMentioned:
    """The conversation came to one product: it was named, picked or asked about."""

    kind: ClassVar[str] = "chatbot.product_mentioned"
    conversation: str
    sku: str


@dataclass(frozen=True, kw_only=True)
class HandoffRequested:
    kind: ClassVar[str] = "chatbot.handoff_requested"
    conversation: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AgentAnswered:
    kind: ClassVar[str] = "chatbot.agent_answered"
    conversation: str
    seq: int


@dataclass(frozen=True, kw_only=True)
class ConversationResolved:
    kind: ClassVar[str] = "chatbot.conversation_resolved"
    conversation: str


@dataclass(frozen=True, kw_only=True)
class TicketOpened:
    kind: ClassVar[str] = "chatbot.ticket_opened"
    conversation: str
    number: str


@dataclass(frozen=True, kw_only=True)
class PrivacyRequested:
    """The customer confirmed in chat that their data shall be erased."""

    kind: ClassVar[str] = "chatbot.privacy_requested"
    conversation: str
    request: str


@dataclass(frozen=True, kw_only=True)
class ConversationRated:
    kind: ClassVar[str] = "chatbot.conversation_rated"
    conversation: str
    score: int
