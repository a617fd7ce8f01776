"""The staff's side of the chat."""

from chatbot.admin import knowledge, trails
from chatbot.admin.conversations import TEACHABLE, ConversationAdmin

__all__ = ["TEACHABLE", "ConversationAdmin", "knowledge", "trails"]
