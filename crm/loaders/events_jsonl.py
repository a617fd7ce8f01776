"""Events as JSON lines, in the form of the tracking API. Nobody reacts to imported events."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from crm import bulk, tracking
from crm.envelope import MAX_EVENT, Envelope, Unusable, read_entry
from crm.loading import Numbered, Report, UnusableFile, Writer, open_text
from crm.models import Source


def load(path: Path, report: Report, *, now: datetime) -> None:
    writer = EventWriter(now=now, file=path.name)
    for chunk in bulk.chunks(_lines(path), writer.size):
        writer.write(chunk, report)


class EventWriter(Writer):
    size = 1_000

    def write(self, rows: list[Numbered], report: Report) -> None:
        source, _ = Source.objects.get_or_create(name="import")
        entries: list[dict[str, Any]] = []
        lines: dict[str, Numbered] = {}
        for line, text in rows:
            try:
                entry = _entry(line, text, self.file, self.now)
            except Unusable as refusal:
                report.reject(line, str(refusal), text[:1000])
                continue
            entries.append(entry)
            lines.setdefault(str(entry["messageId"]), (line, text))
        receipt = tracking.accept(source, _envelope(entries), received_at=self.now, announce=False)
        report.created += receipt.stored
        report.unchanged += receipt.duplicates
        for message_id, reason in receipt.refused:
            line, text = lines[message_id]
            report.reject(line, reason, text[:1000])


def _lines(path: Path) -> Iterator[Numbered]:
    line = 0
    with open_text(path) as file:
        try:
            for line, text in enumerate(file, start=1):
                if line % 50_000 == 0:
                    sys.stderr.write(f"  {line:,} lines\n")
                if text.strip():
                    yield line, text
        except UnicodeDecodeError as error:
            raise UnusableFile(f"{path}: after line {line}: not UTF-8 ({error.reason})") from None


def _entry(line: int, text: str, file: str, now: datetime) -> dict[str, Any]:
    """Check one line. Without a messageId its place in the file makes it the same line twice."""
    if len(text.encode()) > 2 * MAX_EVENT:
        raise Unusable(f"the line is over {MAX_EVENT} bytes")
    try:
        raw: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"not JSON: {error}") from None
    read_entry(raw, _envelope([]), received_at=now)
    message_id = raw.get("messageId") or f"{file}:{line}"[-100:]
    return {**raw, "messageId": message_id}


def _envelope(entries: list[Any]) -> Envelope:
    return Envelope(entries=entries, write_key="", context={}, clock_skew=timedelta(0))
