"""Bytes of a tracking request -> checked entries. The limits are those of the Segment API.

The content type is ignored and the bytes are looked at: one client library labels gzipped
JSON as a form, browsers send text/plain.
"""

import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

MAX_BODY = 500 * 1024
MAX_EVENT = 32 * 1024
MAX_ENTRIES = 2500
MAX_DEPTH = 32
MAX_KEYS = 2000
MAX_MESSAGE_ID = 100
MAX_ID = 255
CALLS = ("identify", "track", "page", "screen", "group", "alias")


class Unreadable(Exception):
    """The body as a whole cannot be used."""


class TooLarge(Exception):
    """The body, or the number of its entries, is over the limit."""


class Unusable(Exception):
    """One entry cannot be used; the message names the field and the reason."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request as it came: its entries unchecked, and what applies to all of them."""

    entries: list[Any]
    write_key: str
    context: dict[str, Any]
    clock_skew: timedelta  # add to a timestamp of this client to get our time


@dataclass(frozen=True, slots=True)
class Entry:
    """One checked call."""

    call: str
    message_id: str  # empty when the sender gave none
    anonymous_id: str
    user_id: str
    previous_id: str
    name: str
    data: dict[str, Any]  # properties or traits
    context: dict[str, Any]
    happened_at: datetime


def inflate(body: bytes) -> bytes:
    """Unpack gzip if it is gzip, never holding more than the limit. Raises TooLarge, Unreadable."""
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body is over {MAX_BODY} bytes")
    if body[:2] != b"\x1f\x8b":
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise Unreadable(f"broken gzip: {error}") from None
    if len(data) > MAX_BODY:
        raise TooLarge(f"the body is over {MAX_BODY} bytes when inflated")
    if not unpacker.eof:
        raise Unreadable("broken gzip: it ends too early")
    return data


def open_envelope(body: bytes, *, call: str, received_at: datetime) -> Envelope:
    """Read a request body. `call` is "batch" (or "import") or the one call of the address."""
    document = _json(inflate(body))
    if not isinstance(document, dict):
        raise Unreadable("the body is not a JSON object")
    entries: Any = [document | {"type": call}]
    if call in ("batch", "import"):
        entries = document.get("batch")
        if not isinstance(entries, list):
            raise Unreadable("batch: not a list")
        if len(entries) > MAX_ENTRIES:
            raise TooLarge(f"batch: {len(entries)} entries, over {MAX_ENTRIES}")
    context = document.get("context")
    return Envelope(
        entries=entries,
        write_key=str(document.get("writeKey") or ""),
        context=context if isinstance(context, dict) else {},
        clock_skew=_skew(document.get("sentAt"), received_at),
    )


def read_entry(raw: Any, envelope: Envelope, *, received_at: datetime) -> Entry:
    """Check one entry. Raises Unusable with the field and the reason."""
    if not isinstance(raw, dict):
        raise Unusable("the entry is not a JSON object")
    if len(json.dumps(raw, ensure_ascii=False).encode("utf-8", "replace")) > MAX_EVENT:
        raise Unusable(f"the entry is over {MAX_EVENT} bytes")
    raw = _clean(raw)
    call = raw.get("type") or raw.get("action")
    if call not in CALLS:
        raise Unusable(f"type: {call!r} is none of {', '.join(CALLS)}")
    context = envelope.context | _object(raw, "context")
    message_id = _identifier(raw, "messageId", limit=MAX_MESSAGE_ID)
    entry = Entry(
        call=call,
        message_id=message_id,
        anonymous_id=_identifier(raw, "anonymousId"),
        user_id=_identifier(raw, "userId"),
        previous_id=_identifier(raw, "previousId"),
        name=_name(raw, call),
        data=_payload(raw, call, context),
        context=context,
        happened_at=_moment(raw.get("timestamp"), envelope.clock_skew, received_at),
    )
    if not entry.anonymous_id and not entry.user_id:
        raise Unusable("userId and anonymousId are both missing")
    if call == "alias" and not (entry.previous_id and entry.user_id):
        raise Unusable("previousId and userId are both needed for alias")
    return entry


def _json(data: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(data, parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 (byte {error.start})") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from None


def _clean(document: dict[str, Any]) -> dict[str, Any]:
    """Bound depth and keys, and mend characters that no database keeps (NUL, lone surrogates)."""
    keys = 0

    def walk(node: Any, depth: int) -> Any:
        nonlocal keys
        if depth > MAX_DEPTH:
            raise Unusable(f"nested deeper than {MAX_DEPTH}")
        if isinstance(node, dict):
            keys += len(node)
            if keys > MAX_KEYS:
                raise Unusable(f"more than {MAX_KEYS} keys")
            return {_text(key): walk(value, depth + 1) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value, depth + 1) for value in node]
        return _text(node) if isinstance(node, str) else node

    cleaned: dict[str, Any] = walk(document, 1)
    return cleaned


def _text(value: str) -> str:
    value = value.replace("\x00", "")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _object(raw: dict[str, Any], field: str) -> dict[str, Any]:
    value = raw.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unusable(f"{field}: not a JSON object")
    return value


def _identifier(raw: dict[str, Any], field: str, *, limit: int = MAX_ID) -> str:
    value = raw.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unusable(f"{field}: neither text nor a number")
    value = str(value).strip()
    if len(value) > limit:
        raise Unusable(f"{field}: over {limit} characters")
    return value


def _name(raw: dict[str, Any], call: str) -> str:
    name = raw.get("event") if call == "track" else raw.get("name")
    if call == "track" and (not isinstance(name, str) or not name.strip()):
        raise Unusable("event: missing in a track call")
    return name.strip()[:200] if isinstance(name, str) else ""


def _payload(raw: dict[str, Any], call: str, context: dict[str, Any]) -> dict[str, Any]:
    if call in ("identify", "group"):
        in_context = context.get("traits")
        shared = in_context if isinstance(in_context, dict) else {}
        return shared | _object(raw, "traits")
    return _object(raw, "properties")


def _skew(sent_at: Any, received_at: datetime) -> timedelta:
    sent = _parse(sent_at)
    return received_at - sent if sent else timedelta(0)


def _moment(timestamp: Any, skew: timedelta, received_at: datetime) -> datetime:
    at = _parse(timestamp)
    if at is None:
        return received_at
    try:
        at += skew
    except OverflowError:
        return received_at
    return received_at if at > received_at + timedelta(hours=24) else at


def _parse(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        parsed = parse_datetime(value)
    except ValueError:
        return None
    if parsed is None:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
