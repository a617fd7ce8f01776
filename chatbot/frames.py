"""Frames of the chat socket: what may come in, checked before anything is done with it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chatbot.conversation import LONGEST

BIGGEST = 32_768  # bytes of one frame; a longer one ends the connection


class BadFrame(Exception):
    """What came in is no frame of this protocol; `code` is the protocol's word for it."""

    def __init__(self, detail: str, code: str = "bad_frame") -> None:
        super().__init__(detail)
        self.code = code


@dataclass
class Bucket:
    """Twenty messages at once, ten more a second."""

    size: float = 20.0
    per_second: float = 10.0
    level: float = 20.0
    at: float = 0.0
    refused: int = field(default=0)

    def take(self, now: float) -> bool:
        self.level = min(self.size, self.level + max(now - self.at, 0.0) * self.per_second)
        self.at = now
        if self.level < 1:
            self.refused += 1
            return False
        self.level -= 1
        self.refused = 0
        return True

    def is_full(self, now: float) -> bool:
        return self.level + max(now - self.at, 0.0) * self.per_second >= self.size


def parse(text: str) -> dict[str, Any]:
    """A frame with a known type and fields of the right kind. Raises BadFrame."""
    try:
        frame = json.loads(text)
    except (json.JSONDecodeError, RecursionError, ValueError):
        raise BadFrame("the frame is not JSON") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise BadFrame("a frame is an object with a type")
    check = CHECKS.get(frame["type"])
    if check is None:
        raise BadFrame(f"unknown type {frame['type'][:40]!r}")
    check(frame)
    return frame


def _text(frame: dict[str, Any], name: str, *, longest: int, needed: bool = False) -> None:
    value = frame.get(name)
    if value is None and not needed:
        frame[name] = ""
        return
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise BadFrame(f"{name} must be text")
    frame[name] = str(value)
    _check_storable(name, frame[name])
    if "\x00" in frame[name]:
        raise BadFrame(f"{name} has a character that cannot be stored")
    if len(frame[name]) > longest:
        raise BadFrame(f"{name} has more than {longest} characters", code="too_long")


def _check_storable(name: str, value: str) -> None:
    """Half of a surrogate pair is valid JSON and no character: nothing can store or show it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadFrame(f"{name} has half a character") from None


def _number(frame: dict[str, Any], name: str, low: int, high: int) -> None:
    value = frame.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadFrame(f"{name} must be a whole number from {low} to {high}")


def _hello(frame: dict[str, Any]) -> None:
    for name in ("locale", "visitor", "user_id", "user_hash", "conversation"):
        _text(frame, name, longest=4096 if name == "user_hash" else 255)
    if frame.get("after") is None:
        frame["after"] = 0
    _number(frame, "after", 0, 2**31)


def _message(frame: dict[str, Any]) -> None:
    _text(frame, "client_id", longest=64, needed=True)
    if not frame["client_id"]:
        raise BadFrame("client_id must not be empty")
    if not isinstance(frame.get("text"), str):
        raise BadFrame("text must be text")
    _check_storable("text", frame["text"])
    if len(frame["text"]) > LONGEST:
        raise BadFrame(f"text has more than {LONGEST} characters", code="too_long")
    if not frame["text"].replace("\x00", "").strip():
        raise BadFrame("text is empty")


def _resume(frame: dict[str, Any]) -> None:
    _number(frame, "after", 0, 2**31)


def _feedback(frame: dict[str, Any]) -> None:
    _number(frame, "seq", 1, 2**31)
    if frame.get("rating") not in (1, -1) or isinstance(frame.get("rating"), bool):
        raise BadFrame("rating must be 1 or -1")
    _text(frame, "comment", longest=500)


def _csat(frame: dict[str, Any]) -> None:
    _number(frame, "score", 1, 5)


def _read(frame: dict[str, Any]) -> None:
    _number(frame, "seq", 0, 2**31)


def _typing(frame: dict[str, Any]) -> None:
    frame["typing"] = bool(frame.get("typing", True))


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "hello": _hello,
    "message": _message,
    "resume": _resume,
    "feedback": _feedback,
    "csat": _csat,
    "read": _read,
    "typing": _typing,
}
