"""Imports that do not lie: every line is created, updated, unchanged or rejected with a reason."""

import csv
import gzip
import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO


class UnusableFile(Exception):
    """The file as a whole cannot be read; the message says where and why."""


@dataclass
class Report:
    """Honest counts. `read` is always the sum of the other four."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    started: float = field(default_factory=time.monotonic)
    rejects: TextIO | None = None

    @property
    def read(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected

    def reject(self, line: int, reason: str, row: object) -> None:
        """Count a line as rejected and keep it, with its number and the reason."""
        self.rejected += 1
        if self.rejects is not None:
            raw = json.dumps(row, ensure_ascii=False, default=str)
            csv.writer(self.rejects).writerow([line, reason, raw])

    def as_json(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "seconds": round(time.monotonic() - self.started, 2),
        }


class Loader(Protocol):
    """Reads one file into the database; `now` is when the import runs."""

    def __call__(self, path: Path, report: Report, *, now: datetime) -> None: ...


def open_text(path: Path) -> TextIO:
    """Open a UTF-8 text file, gzipped or not (told by its bytes, not its name)."""
    if not path.exists():
        raise UnusableFile(f"{path}: no such file")
    binary = path.open("rb")
    if binary.peek(2)[:2] == b"\x1f\x8b":
        return io.TextIOWrapper(gzip.open(binary), encoding="utf-8-sig", newline="")
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def read_rows(path: Path, *, needs: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV file with a header, showing progress on stderr.

    Raises UnusableFile for a missing column or broken encoding, naming line and column.
    """
    line = 1
    with open_text(path) as file:
        try:
            reader = csv.DictReader(file)
            missing = [name for name in needs if name not in (reader.fieldnames or [])]
            if missing:
                raise UnusableFile(f"{path}: column {', '.join(missing)} is missing")
            for row in reader:
                line = reader.line_num
                if line % 50_000 == 0:
                    print(f"  {line:,} lines", file=sys.stderr)  # noqa: T201
                yield line, row
        except UnicodeDecodeError as error:
            raise UnusableFile(f"{path}: after line {line}: not UTF-8 ({error.reason})") from None
        except csv.Error as error:
            raise UnusableFile(f"{path}: line {line}: {error}") from None
