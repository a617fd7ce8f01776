"""Events as JSON lines, in the form of the tracking API. Nobody reacts to imported events."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from crm import tracking
from crm.envelope import MAX_EVENT, Envelope, Unusable, read_entry
from crm.loaders import parsing
from crm.loading import Report, UnusableFile, open_text
from crm.models import Source

CHUNK = 1000


def load(path: Path, report: Report, *, now: datetime) -> None:
    source, _ = Source.objects.get_or_create(name="import")
    for chunk in parsing.chunks(_entries(path, report, now), CHUNK):
        envelope = _envelope(chunk)
        receipt = tracking.accept(source, envelope, received_at=now, announce=False)
        report.created += receipt.stored
        report.unchanged += receipt.duplicates
        report.rejected += receipt.dead


def _entries(path: Path, report: Report, now: datetime) -> Iterator[Any]:
    line = 0
    with open_text(path) as file:
        try:
            for line, text in enumerate(file, start=1):
                if not text.strip():
                    continue
                if line % 50_000 == 0:
                    sys.stderr.write(f"  {line:,} lines\n")
                try:
                    yield _entry(line, text, path, now)
                except Unusable as reason:
                    report.reject(line, str(reason), text[:1000])
        except UnicodeDecodeError as error:
            raise UnusableFile(f"{path}: after line {line}: not UTF-8 ({error.reason})") from None


def _entry(line: int, text: str, path: Path, now: datetime) -> dict[str, Any]:
    """Check one line. Without a messageId its place in the file makes it the same line twice."""
    if len(text.encode()) > 2 * MAX_EVENT:
        raise Unusable(f"the line is over {MAX_EVENT} bytes")
    try:
        raw: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"not JSON: {error}") from None
    read_entry(raw, _envelope([]), received_at=now)
    message_id = raw.get("messageId") or f"{path.name}:{line}"[-100:]
    return {**raw, "messageId": message_id}


def _envelope(entries: list[Any]) -> Envelope:
    return Envelope(entries=entries, write_key="", context={}, clock_skew=timedelta(0))
