"""`analyse send-time`: the hour to write to each person, and whether the hour matters at all."""

import argparse
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from campaigns.ml.sendtime import Sends, SendTime

ALPHA = 0.05
DAY, WEEK = 24, 168
SPAN = re.compile(r"(\d{1,2})(?:\s*-\s*(\d{1,2}))?")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sends", required=True, help="user_id,hour,opened; the person's own hour")
    parser.add_argument(
        "--users",
        help="user_id,consent_hours[,segment]: hours such as 9-18;20, 18 itself not among them; "
        "blank: any",
    )
    parser.add_argument("--output", required=True, help="user_id,hour")
    parser.add_argument(
        "--hours", type=int, choices=(DAY, WEEK), default=DAY, help="of the day, or of the week"
    )
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml.sendtime import SendTime, hour_p

    table = _sends(options)
    people = _people(options.users, options.hours)
    sends, names = _numbered(table, people, options.hours)
    p_value = hour_p(sends, rng=np.random.default_rng(options.seed))
    fitted = SendTime(seed=options.seed).fit(sends)
    silent = people.index[~people.index.isin(names)]
    hours = np.append(
        fitted.best(_allowed(people, names, options.hours)),
        _for_strangers(fitted, _allowed(people, silent, options.hours)),
    )
    pd.DataFrame({"user_id": [*names, *silent], "hour": hours.astype(int)}).to_csv(
        options.output, index=False
    )
    curve = fitted.level_ + fitted.curve_
    return {
        "p_value": p_value,
        "significant": p_value < ALPHA,
        "users": len(hours),
        "users_without_sends": len(silent),
        "sends": len(table),
        "open_rate": float(fitted.level_),
        "best_hour": int(np.argmax(np.round(curve, 9))),
        "by_hour": [round(float(rate), 5) for rate in curve],
        "spread_between_users": float(fitted.users_.std(axis=1).mean()),
    }


def _sends(options: argparse.Namespace) -> pd.DataFrame:
    path = options.sends
    table = read_table(path, needs=["user_id", "hour", "opened"], numbers=["hour", "opened"])
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    _refuse(path, "user_id", table["user_id"].str.strip() == "", "it is blank")
    hour = table["hour"]
    hint = " (--hours 168 for hours of the week)" if options.hours == DAY else ""
    strange = ~hour.between(0, options.hours - 1) | (hour % 1 != 0)
    _refuse(path, "hour", strange, f"an hour is one of 0 to {options.hours - 1}{hint}")
    _refuse(path, "opened", ~table["opened"].isin([0.0, 1.0]), "it is neither 0 nor 1")
    if table["opened"].nunique() < 2:
        value = table["opened"].iloc[0]
        raise UnusableInput(f"{path}: column opened is {value:g} in every row")
    return table.assign(hour=hour.astype(int))


def _people(path: str | None, hours: int) -> pd.DataFrame:
    """By user_id: `allowed`, (hours,) booleans each, and `segment`."""
    if path is None:
        return pd.DataFrame({"allowed": [], "segment": []}, index=pd.Index([], dtype=str))
    table = read_table(path, needs=["user_id", "consent_hours"])
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    _refuse(path, "user_id", table["user_id"].str.strip() == "", "it is blank")
    again = table["user_id"].duplicated()
    _refuse(path, "user_id", again, "this user stood in an earlier line")
    known: dict[str, np.ndarray | None] = {
        text: _consent(text, hours) for text in table["consent_hours"].unique()
    }
    allowed = table["consent_hours"].map(known)
    _refuse(path, "consent_hours", allowed.isna(), "not hours such as 9-18;20")
    segment = table.get("segment", "")
    return pd.DataFrame({"allowed": allowed, "segment": segment}).set_axis(table["user_id"])


def _consent(text: str, hours: int) -> np.ndarray | None:
    """(hours,) booleans, every day alike; None where the text says no hours.

    The end of a span is not in it: who may be written to until 18:00 hears nothing at 18:30.
    """
    day = np.zeros(DAY, dtype=bool)
    parts = [part.strip() for part in re.split(r"[;,|]", text.strip("[] "))]
    if parts == [""]:
        day[:] = True
        return np.tile(day, hours // DAY)
    for part in parts:
        said = SPAN.fullmatch(part)
        first, last = (said[1], said[2]) if said else ("", None)
        if not said or int(first) >= DAY or (last is not None and int(last) > DAY):
            return None
        if last is None or int(last) == int(first):
            day[int(first)] = True
        else:
            length = (int(last) - int(first)) % DAY or DAY
            day[(int(first) + np.arange(length)) % DAY] = True
    return np.tile(day, hours // DAY)


def _numbered(table: pd.DataFrame, people: pd.DataFrame, hours: int) -> tuple["Sends", list[str]]:
    from campaigns.ml.sendtime import Sends

    user, names = pd.factorize(table["user_id"])
    segment = people["segment"].reindex(names).fillna("")
    sends = Sends(
        user,
        table["hour"].to_numpy(int),
        table["opened"].to_numpy(float),
        pd.factorize(segment)[0],
        hours,
    )
    return sends, list(names)


def _allowed(people: pd.DataFrame, names: Any, hours: int) -> np.ndarray:
    """(names, hours) booleans; who said nothing may be written to at any hour."""
    anytime = np.ones(hours, dtype=bool)
    said = people["allowed"].to_dict()
    return np.array([said.get(name, anytime) for name in names], dtype=bool).reshape(-1, hours)


def _for_strangers(fitted: "SendTime", allowed: np.ndarray) -> np.ndarray:
    """People who were never written to, by what everybody does."""
    kinds, place = np.unique(allowed, axis=0, return_inverse=True)
    best = np.array([fitted.stranger(kind) for kind in kinds], dtype=int)
    return best[place] if len(allowed) else np.zeros(0, dtype=int)


def _refuse(path: str, column: str, rows: pd.Series, why: str) -> None:
    if rows.any():
        line = int(np.asarray(rows).argmax()) + 2
        raise UnusableInput(f"{path}: column {column}, line {line}: {why}")


SEND_TIME = Subject("the hour to write to each person", _arguments, _run)
