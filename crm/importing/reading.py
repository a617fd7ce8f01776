"""The rows of an uploaded file, one at a time, in our names: memory stays bounded, nothing is lost.

What cannot be a row (too many cells, bytes that are not in the encoding, a cell of ten
megabytes) is a record with the reason.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings

from crm.importing import formats
from crm.importing.formats import FORMATS
from crm.loading import unusable
from crm.models import Import

LONGEST_LINE = 256 * 1024  # characters; what is longer is read in pieces, and each is rejected
LONGEST_CELL = 100_000
WIDEST = 200  # columns
NOT_DECODED = "\ufffd"


@dataclass(frozen=True, slots=True)
class Record:
    line: int
    cells: list[str]  # as they stand in the file
    row: Any = None  # what the writer takes; None when it cannot be a row
    reason: str = ""


def records(source: Import) -> Iterator[Record]:
    """Every row of the file, in order, always the same."""
    with opened(source) as file:
        if FORMATS[source.format].columns is None:
            yield from _lines(file)
        else:
            yield from _rows(file, source)


def opened(source: Import) -> TextIO:
    path = Path(settings.MEDIA_ROOT) / source.path
    return path.open(encoding=source.encoding, errors="replace", newline="")


def header_of(source: Import) -> list[str]:
    """The cells of the first line."""
    with opened(source) as file:
        first = next(_cells(file, source.delimiter), (1, [], ""))
    return [cell[:100] for cell in first[1]]


def _lines(file: TextIO) -> Iterator[Record]:
    for line, text in enumerate(_bounded(file), start=1):
        if not text.strip():
            continue
        if NOT_DECODED in text:
            yield Record(line, [text[:1000]], reason="is not in the encoding of the file")
        else:
            yield Record(line, [text[:4000]], text)


def _rows(file: TextIO, source: Import) -> Iterator[Record]:
    fields = [(int(place), name) for place, name in source.mapping.items()]
    style = source.date_order, source.decimal_comma
    cells = _cells(file, source.delimiter)
    width = 0
    if source.has_header:
        width = len(next(cells, (1, [], ""))[1])
    for line, row, problem in cells:
        width = width or len(row)
        reason = problem or unusable(row, width) or _undecoded(row)
        if reason:
            yield Record(line, [cell[:1000] for cell in row[:WIDEST]], reason=reason)
            continue
        ours = {
            name: formats.in_our_form(name, row[place], *style)
            for place, name in fields
            if place < width
        }
        yield Record(line, row, ours)


def _cells(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """(line, cells, what is wrong); a row that cannot be parsed does not end the file."""
    reader = csv.reader(_bounded(file), delimiter=delimiter)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, [], str(error)
            continue
        if not row:
            continue
        too_long = any(len(cell) > LONGEST_CELL for cell in row)
        yield reader.line_num, row, f"a cell over {LONGEST_CELL} characters" if too_long else ""


def _undecoded(row: list[str]) -> str:
    return "is not in the encoding of the file" if any(NOT_DECODED in c for c in row) else ""


def _bounded(file: TextIO) -> Iterator[str]:
    return iter(lambda: file.readline(LONGEST_LINE), "")


def chunks(found: Iterator[Record], size: int) -> Iterator[list[Record]]:
    while some := list(islice(found, size)):
        yield some
