"""`analyse attribution`: the credit of every channel, by six models side by side."""

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from campaigns.ml.attribution import Paths

UNTOUCHED = "(none)"  # the channel of conversions that no touch went before
MOST_CHANNELS = 1_000
EPOCH = pd.Timestamp(0, tz="UTC")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--touches", required=True, help="journey_id,at,channel")
    parser.add_argument(
        "--journeys", required=True, help="journey_id,converted_at,revenue; blank: not converted"
    )
    parser.add_argument("--output", required=True, help="model,channel,conversions,revenue")


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml import attribution

    journeys = _journeys(options.journeys)
    touches = _touches(options.touches)
    known = touches["journey_id"].isin(journeys.index)
    strangers = touches.loc[~known, "journey_id"].drop_duplicates()
    journeys = pd.concat(  # touched, and not said to have converted
        [journeys, pd.DataFrame({"day": np.nan, "revenue": 0.0}, index=strangers)]
    )
    paths, names, late = _paths(journeys, touches)
    credits = attribution.attribute(paths)
    rows = [
        {"model": model, "channel": name, "conversions": conversions, "revenue": revenue}
        for model, credit in credits.items()
        for name, conversions, revenue in zip(
            [*names, UNTOUCHED], credit.conversions, credit.revenue, strict=True
        )
        if name != UNTOUCHED or paths.is_untouched.any()
    ]
    pd.DataFrame(rows).to_csv(options.output, index=False)
    return {
        "journeys": len(journeys),
        "conversions": int(paths.converted.sum()),
        "revenue": float(paths.revenue.sum()),
        "channels": len(names),
        "touches": len(touches),
        "touches_after_conversion": late,
        "touched_but_not_in_journeys": len(strangers),
        "converted_without_touch": int(paths.is_untouched.sum()),
        "revenue_without_touch": float(paths.revenue[paths.is_untouched].sum()),
        "causal": False,  # credit for what went before; only a holdout tells what was caused
    }


def _journeys(path: str) -> pd.DataFrame:
    """One row a journey, by its id: `day` (NaN where it did not convert) and `revenue`."""
    table = read_table(path, needs=["journey_id", "converted_at", "revenue"])
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    _refuse(path, "journey_id", table["journey_id"].str.strip() == "", "it is blank")
    again = table["journey_id"].duplicated()
    _refuse(path, "journey_id", again, "this journey stood in an earlier line")
    day = _days(path, "converted_at", table["converted_at"], may_be_blank=True)
    text = table["revenue"].str.strip()
    revenue = pd.to_numeric(text.mask(text == "", "0"), errors="coerce")
    strange = ~np.isfinite(revenue.astype(float))
    _refuse(path, "revenue", strange, "not a number")
    _refuse(path, "revenue", np.isnan(day) & (revenue != 0), "revenue of a journey not converted")
    return pd.DataFrame({"day": day, "revenue": revenue.to_numpy(float)}, index=table["journey_id"])


def _touches(path: str) -> pd.DataFrame:
    table = read_table(path, needs=["journey_id", "at", "channel"])
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    for column in ("journey_id", "channel"):
        _refuse(path, column, table[column].str.strip() == "", "it is blank")
    _refuse(path, "channel", table["channel"] == UNTOUCHED, f"{UNTOUCHED} is kept for no touch")
    found = table["channel"].nunique()
    if found > MOST_CHANNELS:
        raise UnusableInput(f"{path}: column channel has {found} values; {MOST_CHANNELS} can be")
    return table.assign(day=_days(path, "at", table["at"]))


def _paths(journeys: pd.DataFrame, touches: pd.DataFrame) -> tuple["Paths", list[str], int]:
    """The paths, the names of channels, and how many touches came too late to count."""
    from campaigns.ml.attribution import Paths

    place = pd.Index(journeys.index).get_indexer(touches["journey_id"])
    day = touches["day"].to_numpy(float)
    age = journeys["day"].to_numpy(float)[place] - day
    counts = ~(age < 0)  # NaN: without an end nothing is too late
    names, channel = np.unique(touches["channel"].to_numpy(str), return_inverse=True)
    order = np.lexsort((day, place))  # equal times as they stand in the file
    order = order[counts[order]]
    paths = Paths(
        journey=place[order],
        channel=channel[order],
        age=np.nan_to_num(age[order]),
        converted=journeys["day"].notna().to_numpy(),
        revenue=journeys["revenue"].to_numpy(float),
        channels=len(names),
    )
    return paths, names.tolist(), int((~counts).sum())


def _days(path: str, column: str, values: pd.Series, *, may_be_blank: bool = False) -> np.ndarray:
    """(rows,) days since 1970 of ISO 8601 times, in UTC where no offset is said; blank is NaN."""
    text = values.str.strip()
    at = pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601")
    strange = at.isna() & ~((text == "") & may_be_blank)
    _refuse(path, column, strange, "not a time such as 2026-03-01T09:30:00Z")
    return np.asarray((at - EPOCH) / pd.Timedelta(days=1), dtype=float)


def _refuse(path: str, column: str, rows: pd.Series, why: str) -> None:
    if rows.any():
        line = int(rows.to_numpy().argmax()) + 2
        raise UnusableInput(f"{path}: column {column}, line {line}: {why}")


ATTRIBUTION = Subject("credit of channels by six models", _arguments, _run)
