"""Tell open sockets to look again. Only a hint: the row is the truth, and a poll covers
every hint that gets lost."""

from collections.abc import Callable

from chatbot import relay
from chatbot.models import Message

Listener = Callable[[int, Message | None], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have `listener(conversation_id, message)` called in this process after each commit."""
    if listener not in _listeners:
        _listeners.append(listener)


def wake(conversation_id: int, message: Message | None = None) -> None:
    """Call this after the commit: here at once, in other processes through the relay.

    `message` is what was stored, where it is one message: sockets here need not read it again.
    """
    for listener in _listeners:
        listener(conversation_id, message)
    relay.sender.send(conversation_id)
