"""One connection to a mail server, and what each of its answers means for a message.

smtplib connects, asks for TLS and logs in, as Django's settings say. From then on the commands
of a message go out together where the server allows it (PIPELINING, RFC 2920), and with the end of
the message before: one round trip a message in place of five.
"""

import re
import smtplib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend

from campaigns import channels

LONGEST_REPLY = 65_536  # bytes
SECONDS_TO_ANSWER = channels.SECONDS_TO_ANSWER
_NOT_THE_ADDRESS = re.compile(r"5\.([2-7])\.\d")  # RFC 3463: the mailbox, the system, the policy …


class NoServer(Exception):
    """No connection to the mail server: nothing was sent, and no message is to blame."""


class Lost(Exception):
    """The connection ended before the message was handed over: it was certainly not accepted."""


class Reply(NamedTuple):
    code: int
    words: str

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 400

    def __str__(self) -> str:
        return f"{self.code} {self.words}"[:300]


def is_configured() -> bool:
    """Whether Django sends by SMTP itself; other backends have a protocol of their own."""
    return type(get_connection()) is EmailBackend


class Envelope(NamedTuple):
    """From whom, to whom."""

    sender: str
    recipient: str

    @property
    def commands(self) -> list[str]:
        return [f"MAIL FROM:<{self.sender}>", f"RCPT TO:<{self.recipient}>", "DATA"]


class Session:
    """A connection that is logged in. Raises NoServer when there is none to be had."""

    def __init__(self) -> None:
        backend: Any = EmailBackend(timeout=SECONDS_TO_ANSWER)
        try:
            backend.open()
            # Only a login has greeted yet; and after STARTTLS nothing said before counts.
            backend.connection.ehlo_or_helo_if_needed()
        except (OSError, smtplib.SMTPException) as error:
            raise NoServer(str(error) or type(error).__name__) from error
        self._server: smtplib.SMTP = backend.connection
        self._socket: Any = self._server.sock
        self._may_pipeline = self._server.has_extn("pipelining")
        self._unread = b""
        self._ahead: Envelope | None = None  # announced with the message before, not answered yet
        self.is_fresh = True
        self.is_open = True

    def begin(self, envelope: Envelope) -> None:
        """Announce a message, unless that was done with the last; then the server waits for it.

        Raises AddressRefused, PermanentFailure, TemporaryFailure; Lost when the connection ended.
        """
        announced, self._ahead = self._ahead, None
        try:
            if announced not in (None, envelope):
                raise ConnectionError("another message was announced")
            replies = self._replies(3) if announced else self._ask(envelope.commands)
            self.is_fresh = False
            if all(reply.is_good for reply in replies):
                return
            if replies[-1].code == 354:  # it waits for a message to nobody: RFC 2920, 3.1
                replies.append(self._say(".")[0])
            if not any(reply.code == 421 for reply in replies):  # else it is about to hang up
                self._say("RSET")
        except OSError as error:
            self.close()
            raise Lost(str(error) or type(error).__name__) from error
        raise self._failure(replies)

    def finish(self, mail: bytes, *, ahead: Envelope | None = None) -> None:
        """Hand the message over, dot-stuffed and ending in CRLF; returning means accepted.

        ahead: the message that is to be begun next, announced in the same breath (RFC 2920, 3.1).
        Nothing of it is handed over before this one is answered.
        Raises PermanentFailure, TemporaryFailure; Unclear when there was no answer.
        """
        self._ahead = ahead if self._may_pipeline else None
        after = _lines(self._ahead.commands) if self._ahead else b""
        try:
            self._socket.sendall(mail + b".\r\n" + after)
            reply = self._reply()
        except OSError as error:
            self.close()
            raise channels.Unclear(str(error) or type(error).__name__) from error
        if not reply.is_good:
            raise self._failure([reply])

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            with suppress(OSError):
                self._socket.sendall(b"QUIT\r\n")  # the answer is of no interest
            self._server.close()

    def _ask(self, commands: list[str]) -> list[Reply]:
        """The replies to these commands; without pipelining it stops at the first refusal."""
        if self._may_pipeline:
            return self._say(*commands)
        replies: list[Reply] = []
        for command in commands:
            replies += self._say(command)
            if not replies[-1].is_good:
                break
        return replies

    def _say(self, *commands: str) -> list[Reply]:
        self._socket.sendall(_lines(commands))
        return self._replies(len(commands))

    def _replies(self, number: int) -> list[Reply]:
        replies: list[Reply] = []
        while len(replies) < number and not any(reply.code == 421 for reply in replies):
            replies.append(self._reply())  # after 421 it hangs up
        return replies

    def _reply(self) -> Reply:
        words = []
        while True:
            line = self._line()
            words.append(line[4:204].decode("utf-8", "replace").strip())
            if not line[:3].isdigit():
                raise ConnectionError(f"no answer of a mail server: {words[0]!r}")
            if line[3:4] != b"-":
                return Reply(int(line[:3]), " ".join(words))

    def _line(self) -> bytes:
        while (end := self._unread.find(b"\n")) < 0:
            more = self._socket.recv(LONGEST_REPLY)
            if not more or len(self._unread) > LONGEST_REPLY:
                raise ConnectionError("the mail server hung up")
            self._unread += more
        line, self._unread = self._unread[:end], self._unread[end + 1 :]
        return line

    def _failure(self, replies: list[Reply]) -> Exception:
        """What the first refusal means. RCPT is the second command, and about the address."""
        place, reply = next((n, r) for n, r in enumerate(replies) if not r.is_good)
        if reply.code == 421:
            self.close()
        if reply.code < 500:
            return channels.TemporaryFailure(str(reply))
        is_address = place == 1 and not _NOT_THE_ADDRESS.match(reply.words)
        return (channels.AddressRefused if is_address else channels.PermanentFailure)(str(reply))


def _lines(commands: Sequence[str]) -> bytes:
    return "".join(f"{command}\r\n" for command in commands).encode("ascii")
