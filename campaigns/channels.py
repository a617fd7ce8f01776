"""Ways to reach a customer. Apps above add their own with register()."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

SECONDS_TO_ANSWER = 20


class Channel(Protocol):
    """Hands one message over. Returning means accepted; every other end has its exception.

    A channel whose attribute `idempotent` is true may be handed the same `message_id` twice:
    the recipient gets it once. Without it, a message whose fate is unknown is held.
    """

    def deliver(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str,
        headers: dict[str, str],
        message_id: str,
    ) -> None: ...


@runtime_checkable
class Pooled(Protocol):
    """A channel that can keep its connection over many messages."""

    def session(self) -> AbstractContextManager[None]: ...


class UnknownChannel(Exception):
    """No channel of this name is registered."""


class TemporaryFailure(Exception):
    """It was certainly not accepted, and may be accepted later."""


class PermanentFailure(Exception):
    """It was refused, and will be refused again."""


class AddressRefused(PermanentFailure):
    """The address itself is wrong: nobody should write to it again."""


class Unclear(Exception):
    """The connection ended before the answer: it may have been accepted or not."""


def failure_by_status(status: int, words: str) -> Exception:
    """What an HTTP answer other than success says of a message.

    A key that is not accepted is our trouble and no message's end. A gateway may have passed the
    message on before it failed.
    """
    if status in (401, 403, 429, 503):
        return TemporaryFailure(words)
    return (Unclear if status >= 500 else PermanentFailure)(words)


_channels: dict[str, Channel] = {}


def register(name: str, channel: Channel) -> None:
    _channels[name] = channel


def get(name: str) -> Channel:
    try:
        return _channels[name]
    except KeyError:
        raise UnknownChannel(name) from None


def is_idempotent(channel: Channel) -> bool:
    return bool(getattr(channel, "idempotent", False))


@contextmanager
def session_of(channel: Channel) -> Iterator[None]:
    """Keep the channel's connection open meanwhile, where it has one to keep."""
    if not isinstance(channel, Pooled):
        yield
        return
    with channel.session():
        yield
