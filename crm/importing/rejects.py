"""What an import rejected, as a file to correct and bring again."""

import csv
from collections.abc import Iterator

from crm.models import Import

RUNS = ("=", "+", "-", "@", "\t", "\r")  # what a cell that a spreadsheet would run begins with


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, value: str) -> str:
        return value


def as_csv(source: Import) -> Iterator[str]:
    """Line by line: the line of the file, the reason, and the cells as they stood there."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(["line", "reason", "row"])  # or Excel does not read UTF-8
    rows = source.rejects.order_by("pk").values_list("line", "reason", "cells")
    for line, reason, cells in rows.iterator(chunk_size=2000):
        yield writer.writerow([line, *(harmless(str(cell)) for cell in (reason, *cells))])


def harmless(cell: str) -> str:
    """A cell that a spreadsheet shows and does not run."""
    return f"'{cell}" if cell.startswith(RUNS) else cell
