"""BG/NBD and Gamma-Gamma of a summary or of orders."""

import argparse
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm.analyses.purchases import Orders, day_number
from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from crm.ml.blended import Blended

LONGEST_LOOK = 180  # days back to the earlier moment


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", help="customer,frequency,recency,T[,monetary_value]")
    parser.add_argument("--orders", help="customer,date,amount, where there is no --input")
    parser.add_argument("--as-of", type=date.fromisoformat, help="with --orders; else the last one")
    parser.add_argument("--unit", choices=["auto", "days", "weeks"], default="auto")
    parser.add_argument("--output")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from crm.ml.blended import Blended
    from crm.ml.lifetime import NoPurchases

    ids, summary, days = _summary(options)
    try:
        blended = Blended(seed=options.seed).fit(summary)
    except NoPurchases as reason:
        raise UnusableInput(f"{options.input or options.orders}: {reason}") from None
    if options.orders and not options.input:
        _look_back(options, blended)
    fitted = blended.lifetime_
    report = {
        "customers": len(ids),
        "unit": "weeks" if days == 7.0 else "days",
        **dict(zip(("r", "alpha", "a", "b"), fitted.purchases_.tolist(), strict=True)),
        "log_likelihood": float(fitted.log_likelihood_),
    }
    if fitted.money_.any():
        report |= dict(zip(("p", "q", "v"), fitted.money_.tolist(), strict=True))
        report["money_log_likelihood"] = float(fitted.money_log_likelihood_)
    report |= {"trust_in_boosting": blended.trust_, "left_outside": float(fitted.miss_)}
    if options.output:
        rng = np.random.default_rng(options.seed)
        year = blended.forecast(summary, horizon=365.0 / days, rng=rng)
        quarter = fitted.expected_purchases(summary, horizon=90.0 / days)
        pd.DataFrame(
            {
                "customer": ids,
                "p_alive": year.p_alive.round(6),
                "expected_purchases_90d": quarter.round(6),
                "clv_365d": year.value.round(4),
                "lower": year.lower.round(4),
                "upper": year.upper.round(4),
            }
        ).to_csv(options.output, index=False)
    return report


def _summary(options: argparse.Namespace) -> tuple[np.ndarray, Any, float]:
    """Ids, summary and days in its time unit, from either form of input."""
    from crm.ml.lifetime import Summary

    if not options.input:
        if not options.orders:
            raise UnusableInput("give --input or --orders")
        orders = _orders(options)
        kept, summary = _seen(orders, orders.today)
        return orders.ids[kept], summary, 1.0
    numbers = ["frequency", "recency", "T", "monetary_value"]
    table = read_table(options.input, needs=["customer", *numbers[:3]], numbers=numbers)
    if table.empty:
        raise UnusableInput(f"{options.input}: no rows")
    for column in numbers[:3]:
        if (table[column] < 0).any():
            raise UnusableInput(f"{options.input}: column {column} has a negative number")
    if (table["recency"] > table["T"]).any():
        raise UnusableInput(f"{options.input}: column recency is larger than T somewhere")
    money = table["monetary_value"].to_numpy() if "monetary_value" in table else None
    frequency, recency, age = (table[name].to_numpy() for name in numbers[:3])
    summary = Summary(frequency, recency, age, money)
    weeks = options.unit == "weeks" or (options.unit == "auto" and _in_weeks(summary.age))
    return table["customer"].to_numpy(), summary, 7.0 if weeks else 1.0


def _orders(options: argparse.Namespace) -> Orders:
    return Orders(options.orders, until=day_number(options.as_of) if options.as_of else None)


def _seen(orders: Orders, today: int) -> tuple[np.ndarray, Any]:
    """Whoever had bought by the end of a day (a mask), and their summary then."""
    from crm.ml.lifetime import Summary, summarise

    until = orders.days <= today
    args = (orders.customers[until], orders.days[until], orders.amounts[until])
    whole = summarise(*args, today=today, count=len(orders.ids))
    kept = whole.age >= 0
    assert whole.money is not None
    columns = (whole.frequency, whole.recency, whole.age, whole.money)
    return kept, Summary(*(column[kept] for column in columns))


def _look_back(options: argparse.Namespace, blended: "Blended") -> None:
    """Let an earlier moment of the same orders say how far to trust what, and how widely."""
    orders = _orders(options)
    horizon = min(LONGEST_LOOK, orders.today // 2)
    earlier = orders.today - horizon
    kept, before = _seen(orders, earlier)
    later = (orders.days > earlier) & (orders.amounts > 0)
    spent = np.bincount(
        orders.customers[later], weights=orders.amounts[later], minlength=len(orders.ids)
    )
    blended.learn(before, spent[kept], horizon=float(max(horizon, 1)))


def _in_weeks(age: np.ndarray) -> bool:
    """Ages that are whole days only after multiplying by seven are in weeks."""
    whole = np.abs(age - age.round()).max() < 0.01
    return bool(not whole and np.abs(7 * age - (7 * age).round()).max() < 0.05)


LIFETIME = Subject("BG/NBD and Gamma-Gamma", _arguments, _run)
