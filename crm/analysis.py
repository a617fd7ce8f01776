"""The analyst's bench: what `manage.py analyse SUBJECT` shares between its subjects.

Each app lists its subjects in `SUBJECTS` of its own `analysis` module. A subject reads
CSV, runs the product's own estimators, and touches no database.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd


class UnusableInput(Exception):
    """The file cannot be used; the message names the file, the column and the reason."""


@dataclass(frozen=True)
class Subject:
    """`run` returns the JSON object that becomes the last line of stdout, or None if it spoke."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], dict[str, Any] | None]


def read_table(
    path: str | Path, *, needs: Iterable[str], numbers: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a UTF-8 CSV with a header (`.gz` too), ids as text and `numbers` as floats.

    Raises UnusableInput for a missing file, broken encoding, missing or unreadable column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnusableInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise UnusableInput(f"{path}: not UTF-8 (byte {error.start})") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnusableInput(f"{path}: not a CSV table ({error})") from None
    missing = [column for column in needs if column not in table.columns]
    if missing:
        raise UnusableInput(f"{path}: column {', '.join(missing)} is missing")
    for column in numbers:
        if column in table.columns:
            table[column] = _as_numbers(path, column, table[column])
    return table


def _as_numbers(path: str | Path, column: str, values: pd.Series) -> pd.Series:
    parsed = pd.to_numeric(values, errors="coerce")
    bad = parsed.isna() | parsed.abs().eq(float("inf"))
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise UnusableInput(
            f"{path}: column {column}, line {row + 2}: {values.iloc[row]!r} is not a number"
        )
    return parsed.astype(float)
