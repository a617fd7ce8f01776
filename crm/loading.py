"""Imports that do not lie: every line is created, updated, unchanged or rejected with a reason."""

import csv
import gc
import gzip
import io
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

T = TypeVar("T")


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

    def note(self, line: int, verdict: str) -> None:
        """Count a line as created, updated or unchanged."""
        setattr(self, verdict, getattr(self, verdict) + 1)

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


Row = dict[str, str]
Numbered = tuple[int, Any]  # the line it begins on, and the row: a dictionary, or a line of JSON


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be used, whatever the database holds."""

    line: int
    row: Any
    reason: str


class Writer:
    """Writes the rows of one format, a chunk at a time. One writer reads one file to its end.

    The command and the imports of the admin use the same writers. A writer is made anew when an
    import goes on after a crash; `remember` then tells it of the rows that were written before.
    """

    size = 5_000  # rows in one chunk

    def __init__(self, *, now: datetime, file: str) -> None:
        self.now, self.file = now, file

    def check(self, rows: list[Numbered]) -> list[Any]:
        """What can be said of a chunk without the database, for `write`; `Refused` among it.

        May run in another thread, while the chunk before is written.
        """
        return rows

    def write(self, checked: list[Any], report: Report) -> None:
        """Write one chunk in one transaction, counting each row once."""
        raise NotImplementedError

    def remember(self, rows: list[Numbered]) -> None:
        """Take note of a chunk that was written before."""


def usable(checked: Iterable[T | Refused], report: Report) -> Iterator[T]:
    """What is not refused; what is, is reported."""
    for one in checked:
        if isinstance(one, Refused):
            report.reject(one.line, one.reason, one.row)
        else:
            yield one


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


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the header of a file may hold. A column that nobody reads would be lost silently."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()  # "trait." allows trait.anything
    renamed: Mapping[str, str] = field(default_factory=dict)  # another name -> our name

    def check(self, path: Path, header: Sequence[str]) -> list[str]:
        """Return the header in our names. Raises UnusableFile naming what is amiss."""
        names = [self.renamed.get(column, column) for column in header]
        known = (*self.needed, *self.optional)
        strange = [n for n in names if n not in known and not n.startswith(self.prefixes or "\0")]
        if strange:
            raise UnusableFile(f"{path}: unknown column {', '.join(map(repr, strange))}")
        missing = [name for name in self.needed if name not in names]
        if missing:
            raise UnusableFile(f"{path}: column {', '.join(missing)} is missing")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UnusableFile(f"{path}: column {', '.join(twice)} stands twice")
        return names


def unusable(cells: Sequence[str], width: int) -> str:
    """Why these cells cannot be a row, in words; empty when they can."""
    if len(cells) != width:
        return f"{len(cells)} cells, not {width}"
    if any("\0" in cell for cell in cells):
        return "holds a NUL character"
    return ""


def load_csv(path: Path, report: Report, columns: Columns, writer: Writer) -> None:
    """Load a CSV file with a header in our names."""
    with uncollected():
        for unreadable, checked in ahead(_chunks(path, columns, writer)):
            for line, reason, cells in unreadable:
                report.reject(line, reason, cells)
            if checked:
                writer.write(checked, report)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for cycles: a chunk makes a hundred thousand objects and none of them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items in their order; while one is worked on, another thread makes the next."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(max_workers=1) as other:
        coming = other.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = other.submit(next, iterator, end)
            yield item  # type: ignore[misc]  # it is not the end


@dataclass
class Held(Report):
    """A report that keeps what was rejected until somebody asks."""

    held: list[tuple[int, str, Any]] = field(default_factory=list)

    def reject(self, line: int, reason: str, row: object) -> None:
        self.rejected += 1
        self.held.append((line, reason, row))

    def taken(self) -> list[tuple[int, str, Any]]:
        held, self.held = self.held, []
        return held


def _chunks(
    path: Path, columns: Columns, writer: Writer
) -> Iterator[tuple[list[tuple[int, str, Any]], list[Any]]]:
    """(rows that are none: line, reason and cells; what the writer says of the others)."""
    held = Held()
    rows = read_rows(path, held, columns)
    while chunk := list(islice(rows, writer.size)):
        checked = writer.check(chunk)
        yield held.taken(), checked
    yield held.taken(), []


def read_rows(path: Path, report: Report, columns: Columns) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV file with a header, showing progress on stderr.

    A row whose number of cells is not the header's is rejected. Raises UnusableFile for
    columns that do not fit and for broken encoding, naming the place.
    """
    line = 1
    with open_text(path) as file:
        try:
            reader = csv.reader(file)
            header = columns.check(path, next(reader, []))
            for cells in reader:
                line = reader.line_num
                if line % 50_000 == 0:
                    print(f"  {line:,} lines", file=sys.stderr)  # noqa: T201
                if not cells:
                    continue
                if reason := unusable(cells, len(header)):
                    report.reject(line, reason, cells)
                    continue
                yield line, dict(zip(header, cells, strict=True))
        except UnicodeDecodeError as error:
            raise UnusableFile(f"{path}: after line {line}: not UTF-8 ({error.reason})") from None
        except csv.Error as error:
            raise UnusableFile(f"{path}: line {line}: {error}") from None
