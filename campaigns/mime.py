"""The bytes of a mail: a skeleton filled for each recipient, ten times as fast as `EmailMessage`.

Everything leaves as ASCII in lines of at most 76 characters, so that no server on the way has to
recode it and break a signature: RFC 2047 words in headers, quoted-printable or base64 in bodies.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime, parseaddr

from django.core.mail.message import sanitize_address

BOUNDARY = "=_rapport"  # "=_" is in no quoted-printable and no base64 text: RFC 2045, 6.7
LONGEST_LINE = 998  # RFC 5322, 2.1.1
PLAIN_SUBJECT = 60
WORD = 45  # bytes in one encoded word: 60 characters of base64, 75 with what is around them
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_NAME = re.compile(r"[A-Za-z0-9-]+")


class NotSendable(ValueError):
    """It cannot be put into a mail: an address that is none, a header with a line break."""


def compose(  # noqa: PLR0913  (the parts of a mail)
    *,
    sender: str,
    to: str,
    subject: str,
    text: str,
    html: str,
    headers: Mapping[str, str],
    message_id: str,
    at: datetime,
) -> bytes:
    """Return the mail with CRLF line ends. `sender` and `to` are ready for a header.

    Raises NotSendable.
    """
    head = [
        _header("From", sender),
        _header("To", to),
        f"Subject: {encoded(subject)}\r\n",
        f"Date: {format_datetime(at)}\r\n",
        _header("Message-ID", message_id),
        *(_header(name, value) for name, value in headers.items()),
        "MIME-Version: 1.0\r\n",
    ]
    if not html:
        return "".join([*head, *_part("plain", text)]).encode("ascii")
    kind = f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'
    between = f"--{BOUNDARY}\r\n"
    parts = [between, *_part("plain", text), between, *_part("html", html), f"--{BOUNDARY}--\r\n"]
    return "".join([*head, kind, *parts]).encode("ascii")


class Sender:
    """An address with a name, as settings write it: for the header and for the envelope."""

    def __init__(self, written: str) -> None:
        self.header = sanitize_address(written, "utf-8")
        self.envelope = address(parseaddr(written)[1])


def address(written: str) -> str:
    """An address as it goes into a header and an envelope. Raises NotSendable."""
    if _ADDRESS.fullmatch(written):
        return written
    try:
        safe = sanitize_address(written, "utf-8")
    except (ValueError, UnicodeError) as error:
        raise NotSendable(f"not an address: {written[:100]!r}") from error
    if (
        "@" not in safe
        or not safe.isascii()
        or not safe.isprintable()
        or re.search(r"[\s<>]", safe)
    ):
        raise NotSendable(f"not an address: {written[:100]!r}")
    return safe


def encoded(words: str) -> str:
    """Words for a header: as they are where they are short and ASCII, else as RFC 2047 says."""
    is_plain = words.isascii() and words.isprintable() and "=?" not in words
    if is_plain and len(words) <= PLAIN_SUBJECT:
        return words
    return "\r\n ".join(
        f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in _pieces(words)
    )


def stuffed(mail: bytes) -> bytes:
    """The mail as it goes through DATA: no line can be taken for its end (RFC 5321, 4.5.2)."""
    mail = mail.replace(b"\r\n.", b"\r\n..")
    return b"." + mail if mail.startswith(b".") else mail


def _pieces(words: str) -> list[bytes]:
    """UTF-8 in pieces of at most `WORD` bytes; no character is torn apart."""
    pieces, piece = [], b""
    for character in words:
        more = character.encode("utf-8", "replace")
        if len(piece) + len(more) > WORD:
            pieces.append(piece)
            piece = b""
        piece += more
    return [*pieces, piece]


def _header(name: str, value: str) -> str:
    if not (value.isascii() and value.isprintable() and _NAME.fullmatch(name)):
        raise NotSendable(f"the header {name!r} has a line break or a foreign character")
    if len(name) + len(value) + 2 > LONGEST_LINE:
        raise NotSendable(f"the header {name!r} is longer than {LONGEST_LINE} characters")
    return f"{name}: {value}\r\n"


def _part(kind: str, words: str) -> Sequence[str]:
    data = words.encode("utf-8", "replace")
    is_foreign = len(data) - len(words) > len(words) // 4  # base64 is the shorter one then
    way, body = ("base64", _base64(data)) if is_foreign else ("quoted-printable", _quoted(words))
    return (
        f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {way}\r\n\r\n',
        body,
        "\r\n",
    )


def _base64(data: bytes) -> str:
    return base64.encodebytes(data).decode("ascii").replace("\n", "\r\n")


def _quoted(words: str) -> str:
    lines = words.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    # Without a line break to learn from, the soft ones would be bare line feeds.
    return binascii.b2a_qp(b"\r\n" + lines.encode("utf-8", "replace"), istext=True)[2:].decode(
        "ascii"
    )
