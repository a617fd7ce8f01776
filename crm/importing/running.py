"""Carry an import out: preview, run in chunks, go on after a crash, stop when told.

A chunk of rows, the rejects among them and the position after them are one transaction, and
only who holds the lease may write it. So a row is read once, whatever dies when.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from crm.importing import files, reading
from crm.importing.formats import FORMATS
from crm.importing.reading import Record
from crm.loading import Report, UnusableFile, Writer, ahead, uncollected
from crm.models import Import, RejectedRow

LEASE = timedelta(minutes=2)
PREVIEWED = 100  # rows
KEPT_FILES = timedelta(days=7)


class LostLease(Exception):
    """Somebody else runs this import now, or it was cancelled."""


@dataclass
class Collected(Report):
    """A report that keeps what was rejected in memory, for one chunk."""

    kept: list[tuple[int, str]] = field(default_factory=list)

    def reject(self, line: int, reason: str, row: object) -> None:
        self.rejected += 1
        self.kept.append((line, reason))


@dataclass(frozen=True)
class Verdict:
    """What would become of one row."""

    line: int
    cells: list[str]
    outcome: str  # created, updated, unchanged, rejected
    reason: str = ""


def preview(source: Import, *, now: datetime, limit: int = PREVIEWED) -> list[Verdict]:
    """What would become of the first rows: the code that loads, rolled back."""
    verdicts = []
    writer = FORMATS[source.format].writer(now=now, file=source.name)
    with transaction.atomic():
        for found in islice(reading.records(source), limit):
            report = Collected()
            for some, checked in _checked(iter([found]), writer):
                _write(writer, some, checked, report)
            verdicts.append(_verdict(found, report))
        transaction.set_rollback(True)
    return verdicts


def start(source: Import, *, now: datetime) -> bool:
    """Let the import begin, or a failed one go on; False when it runs or is over."""
    ready = Import.objects.filter(
        pk=source.pk, state__in=(Import.State.UPLOADED, Import.State.FAILED)
    ).exclude(path="")
    started = source.started_at or now
    return bool(ready.update(state=Import.State.RUNNING, started_at=started, error=""))


def cancel(source: Import, *, now: datetime) -> bool:
    """Stop before the next chunk. What is written stays; the file goes."""
    stopped = Import.objects.filter(
        pk=source.pk,
        state__in=(Import.State.UPLOADED, Import.State.RUNNING, Import.State.FAILED),
    ).update(state=Import.State.CANCELLED, finished_at=now, leased_until=None)
    if stopped:
        files.remove(source)
    return bool(stopped)


def waiting(*, now: datetime) -> list[int]:
    """Imports that should run and that nobody runs: new ones, and those of a dead worker."""
    return list(_free(now).order_by("pk").values_list("pk", flat=True))


def run(source_id: int, *, clock: Callable[[], datetime]) -> Import | None:
    """Run an import from where it stands to its end; None when somebody else does."""
    worker = secrets.token_hex(8)
    claimed = _free(clock()).filter(pk=source_id)
    if not claimed.update(worker=worker, leased_until=clock() + LEASE):
        return None
    source = Import.objects.get(pk=source_id)
    try:
        _run(source, clock)
        _end(source, clock(), state=Import.State.DONE)
        files.remove(source)
    except LostLease:
        return None
    except (UnusableFile, OSError) as error:
        _end(source, clock(), state=Import.State.FAILED, error=str(error)[:300])
    except Exception as error:  # seen by staff as well as in the log, and not tried for ever
        _end(source, clock(), state=Import.State.FAILED, error=type(error).__name__)
        raise
    source.refresh_from_db()
    return source


def forget_old(*, now: datetime) -> int:
    """Delete files that were uploaded and never used."""
    old = Import.objects.filter(uploaded_at__lt=now - KEPT_FILES).exclude(path="")
    idle = list(old.exclude(state=Import.State.RUNNING))
    for source in idle:
        files.remove(source)
    return len(idle)


def _free(now: datetime) -> Any:
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    return Import.objects.filter(free, state=Import.State.RUNNING)


def _run(source: Import, clock: Callable[[], datetime]) -> None:
    assert source.started_at is not None  # `start` set it
    writer = FORMATS[source.format].writer(now=source.started_at, file=source.name)
    found = reading.records(source)
    left = source.position
    while left:  # what was written before the crash
        before = next(reading.chunks(found, min(left, writer.size)))
        writer.remember([(one.line, one.row) for one in before if one.row is not None])
        left -= len(before)
    with uncollected():
        for some, checked in ahead(_checked(found, writer)):
            _step(source, writer, some, checked, clock)


def _checked(found: Iterator[Record], writer: Writer) -> Iterator[tuple[list[Record], list[Any]]]:
    for some in reading.chunks(found, writer.size):
        yield some, writer.check([(one.line, one.row) for one in some if one.row is not None])


def _step(
    source: Import,
    writer: Writer,
    some: list[Record],
    checked: list[Any],
    clock: Callable[[], datetime],
) -> None:
    report = Collected()
    with transaction.atomic():
        _write(writer, some, checked, report)
        cells = {one.line: one.cells for one in some}
        RejectedRow.objects.bulk_create(
            RejectedRow(
                of=source,
                line=line,
                reason=reason[:300],
                cells=[cell[:1000].replace("\0", "") for cell in cells.get(line, [])],
            )
            for line, reason in sorted(report.kept)
        )
        _hold(
            source,
            clock,
            position=F("position") + len(some),
            line=some[-1].line,
            created=F("created") + report.created,
            updated=F("updated") + report.updated,
            unchanged=F("unchanged") + report.unchanged,
            rejected=F("rejected") + report.rejected,
        )


def _hold(source: Import, clock: Callable[[], datetime], **progress: Any) -> None:
    """Write the position and keep the lease. Raises LostLease, which undoes the chunk."""
    held = Import.objects.filter(
        pk=source.pk, worker=source.worker, state=Import.State.RUNNING
    ).update(leased_until=clock() + LEASE, **progress)
    if not held:
        raise LostLease


def _end(source: Import, now: datetime, **fields: Any) -> None:
    held = Import.objects.filter(pk=source.pk, worker=source.worker, state=Import.State.RUNNING)
    if not held.update(finished_at=now, leased_until=None, **fields):
        raise LostLease


def _write(writer: Writer, some: list[Record], checked: list[Any], report: Collected) -> None:
    for one in some:
        if one.row is None:
            report.reject(one.line, one.reason, one.cells)
    if checked:
        writer.write(checked, report)


def _verdict(found: Record, report: Collected) -> Verdict:
    outcomes = ("created", "updated", "unchanged")
    outcome = next((name for name in outcomes if getattr(report, name)), "rejected")
    reason = report.kept[0][1] if report.kept else ""
    return Verdict(found.line, found.cells, outcome, reason)
