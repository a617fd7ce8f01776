"""Tables of the conversation: what was said, how it was understood, what staff teach."""

from chatbot.models.desk import CannedAnswer, Note, Presence
from chatbot.models.dialogue import Conversation, Handoff, Message, Ticket, Turn
from chatbot.models.knowledge import Answer, Example
from chatbot.models.usage import LlmUsage

__all__ = [
    "Answer",
    "CannedAnswer",
    "Conversation",
    "Example",
    "Handoff",
    "LlmUsage",
    "Message",
    "Note",
    "Presence",
    "Ticket",
    "Turn",
]
