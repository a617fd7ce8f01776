"""Tables of the conversation: what was said, how it was understood, what staff teach."""

from chatbot.models.desk import CannedAnswer, Note, Presence
from chatbot.models.dialogue import Conversation, Handoff, Message, Ticket, Turn
from chatbot.models.knowledge import Answer, Example

__all__ = [
    "Answer",
    "CannedAnswer",
    "Conversation",
    "Example",
    "Handoff",
    "Message",
    "Note",
    "Presence",
    "Ticket",
    "Turn",
]
