"""Orders of a file: who bought when for how much."""

from datetime import date

import numpy as np
import pandas as pd

from crm.analysis import UnusableInput, read_table

EPOCH = pd.Timestamp("1970-01-01")


def read_days(path: str, column: str, values: pd.Series) -> np.ndarray:
    """(rows,) whole days of ISO dates or times. Raises UnusableInput naming column and line."""
    parsed = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True)
    bad = parsed.isna().to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise UnusableInput(
            f"{path}: column {column}, line {row + 2}: {values.iloc[row]!r} is not an ISO date"
        )
    whole = (parsed.dt.tz_localize(None) - EPOCH) // pd.Timedelta(days=1)
    return np.asarray(whole, dtype=np.int64)


def day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


class Orders:
    """customer,date,amount of a file: ids, and per order its customer, day and amount."""

    def __init__(self, path: str, *, until: int | None) -> None:
        table = read_table(path, needs=["customer", "date", "amount"], numbers=["amount"])
        days = read_days(path, "date", table["date"])
        last = until if until is not None else int(days.max(initial=0))
        kept = days <= last
        if not kept.any():
            raise UnusableInput(f"{path}: no orders until then")
        self.later = int((~kept).sum())
        self.ids, self.customers = np.unique(table["customer"][kept], return_inverse=True)
        first = int(days[kept].min())
        self.days, self.today = days[kept] - first, last - first
        self.amounts = table["amount"].to_numpy(float)[kept]
