"""Files as they come in: under a random name, inflated with a limit, looked at, not trusted."""

import secrets
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings

from crm.importing import detecting, formats, reading
from crm.importing.formats import FORMATS
from crm.models import Import

FOLDER = "imports"
LARGEST = 1024**3  # bytes, inflated or not


class Refused(Exception):
    """The file cannot be imported; the message says why, for the person who brought it."""


class TooLarge(Refused):
    pass


def accept(parts: Iterable[bytes], *, name: str, form: str, by: Any, now: datetime) -> Import:
    """Keep an uploaded file and look at it. Raises Refused, and keeps nothing then."""
    folder = Path(settings.MEDIA_ROOT) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / secrets.token_hex(16)
    try:
        size, lines = _store(_inflated(parts), path)
        made = Import(
            format=form,
            name=name[:200],
            path=f"{FOLDER}/{path.name}",
            size=size,
            lines=lines,
            started_by=by,
            uploaded_at=now,
        )
        look(made, path)
    except Refused:
        path.unlink(missing_ok=True)
        raise
    made.save()
    return made


def look(source: Import, path: Path) -> None:
    """Fill in encoding, delimiter, header and columns, as far as the file tells. Raises Refused."""
    with path.open("rb") as file:
        sample = file.read(detecting.SAMPLE)
    if not sample.strip():
        raise Refused("empty")
    if sample.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")):
        raise Refused("not_text")
    try:
        found = detecting.encoding_of(sample)
    except detecting.NotText:
        raise Refused("not_text") from None
    source.encoding, source.confidence = found.encoding, found.confidence
    if FORMATS[source.format].columns is not None:
        source.delimiter = detecting.delimiter_of(sample.decode(found.encoding, "replace"))
        arrange(source)


def arrange(source: Import) -> None:
    """Suggest what each column is, by its name. Raises Refused for too many columns."""
    header = reading.header_of(source)
    if len(header) > reading.WIDEST:
        raise Refused("too_wide")
    mapping = formats.suggest(FORMATS[source.format], header)
    source.has_header = bool(mapping) or detecting.looks_like_names(header)
    source.mapping = mapping if source.has_header else {}


def remove(source: Import) -> None:
    """Delete the file; what it said is in the database, and it may be personal."""
    if source.path:
        (Path(settings.MEDIA_ROOT) / source.path).unlink(missing_ok=True)
        source.path = ""
        source.save(update_fields=["path"])


def _inflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes, unzipped if they are gzip (told by the bytes), never more than a piece at once."""
    stream = iter(parts)
    first = next(stream, b"")
    if not first.startswith(b"\x1f\x8b"):
        yield first
        yield from stream
        return
    machine = zlib.decompressobj(wbits=31)
    for part in chain([first], stream):
        try:
            yield from _pieces(machine, part)
        except zlib.error:
            raise Refused("broken_gzip") from None


def _pieces(machine: Any, part: bytes) -> Iterator[bytes]:
    while part:
        yield machine.decompress(part, 1024 * 1024)
        part = machine.unconsumed_tail


def _store(parts: Iterable[bytes], path: Path) -> tuple[int, int]:
    """Write the file; return its bytes and lines."""
    size = lines = 0
    with path.open("wb") as file:
        for part in parts:
            size += len(part)
            lines += part.count(b"\n")
            if size > LARGEST:
                raise TooLarge("too_large")
            file.write(part)
    return size, lines + 1
