"""An OpenAI-compatible endpoint, when somebody plugs one in; everything works without it.

A call ends within LLM_TIMEOUT seconds, read as a stream so that a slow one can be left; after
three failures in a row none is made for a minute; one at a time in a process, so that a slow
endpoint cannot hold up the chat; and no more tokens a day than LLM_DAILY_TOKENS.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import httpx
from django.conf import settings
from django.db.models import F

from chatbot.models import LlmUsage

logger = logging.getLogger(__name__)
FAILURES = 3
PAUSE = 60.0  # seconds without a call after that many failures
LONGEST = 4_000  # characters of an answer; who sends more is cut off
LETTERS_A_TOKEN = 2  # a careful guess where the endpoint does not tell


class LlmUnavailable(Exception):
    """No answer: not plugged in, over budget, busy, too slow, failed, or unreadable."""


@dataclass
class Breaker:
    """Stops asking an endpoint that keeps failing."""

    failures: int = 0
    closed_until: float = 0.0
    busy: threading.Lock = field(default_factory=threading.Lock)

    def allows(self, at: float) -> bool:
        return at >= self.closed_until

    def failed(self, at: float) -> None:
        self.failures += 1
        if self.failures >= FAILURES:
            self.failures, self.closed_until = 0, at + PAUSE

    def worked(self) -> None:
        self.failures = 0


breaker = Breaker()


def is_on() -> bool:
    return bool(settings.LLM_BASE_URL and settings.LLM_MODEL)


def complete(messages: Sequence[dict[str, str]], *, now: datetime, most_tokens: int = 300) -> str:
    """The endpoint's answer to a chat of `role` and `content`. Raises LlmUnavailable."""
    if not is_on():
        raise LlmUnavailable("no endpoint is set")
    if not breaker.allows(time.monotonic()):
        raise LlmUnavailable("the endpoint failed lately")
    if _spent(now.date()) >= settings.LLM_DAILY_TOKENS:
        raise LlmUnavailable("the tokens of the day are spent")
    if not breaker.busy.acquire(blocking=False):
        raise LlmUnavailable("another answer is under way")
    try:
        return _asked(messages, now=now, most_tokens=most_tokens)
    finally:
        breaker.busy.release()


def _asked(messages: Sequence[dict[str, str]], *, now: datetime, most_tokens: int) -> str:
    asked = sum(len(message["content"]) for message in messages)
    answer, usage = "", 0
    try:
        for piece, told in _stream(messages, most_tokens):
            answer += piece
            usage = told or usage
            if len(answer) > LONGEST:
                raise LlmUnavailable("the answer does not end")
    except (
        httpx.HTTPError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        LlmUnavailable,
    ) as error:
        breaker.failed(time.monotonic())
        logger.warning("llm: no answer: %s", type(error).__name__)
        raise LlmUnavailable(str(error) or type(error).__name__) from None
    finally:
        # An answer that was cut off was paid for as well.
        _spend(now.date(), max(usage, (asked + len(answer)) // LETTERS_A_TOKEN))
    breaker.worked()
    return answer.strip()


def _stream(messages: Sequence[dict[str, str]], most_tokens: int) -> Iterator[tuple[str, int]]:
    """(piece of the answer, tokens used so far where told), as they come."""
    body = {
        "model": settings.LLM_MODEL,
        "messages": list(messages),
        "max_tokens": most_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"Authorization": f"Bearer {settings.LLM_API_KEY}"} if settings.LLM_API_KEY else {}
    url = f"{settings.LLM_BASE_URL.rstrip('/')}/chat/completions"
    until = time.monotonic() + settings.LLM_TIMEOUT
    with client() as http, http.stream("POST", url, json=body, headers=headers) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if time.monotonic() > until:
                raise LlmUnavailable("too slow")
            if line.startswith("data:") and line[5:].strip() != "[DONE]":
                yield _piece(json.loads(line[5:]))


def _piece(chunk: dict[str, Any]) -> tuple[str, int]:
    choices = chunk.get("choices") or [{}]
    piece = (choices[0].get("delta") or {}).get("content") or ""
    if not isinstance(piece, str):
        raise ValueError("content is no text")
    return piece, int((chunk.get("usage") or {}).get("total_tokens") or 0)


def client() -> httpx.Client:
    """A client that follows no redirect: the key goes to the endpoint that was set, or nowhere."""
    return httpx.Client(timeout=settings.LLM_TIMEOUT, follow_redirects=False)


def _spent(day: date) -> int:
    return LlmUsage.objects.filter(day=day).values_list("tokens", flat=True).first() or 0


def _spend(day: date, tokens: int) -> None:
    LlmUsage.objects.get_or_create(day=day)
    LlmUsage.objects.filter(day=day).update(calls=F("calls") + 1, tokens=F("tokens") + tokens)
