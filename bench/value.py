"""Value to come: CDNOW as published, and back-tests on two shops' later orders.

Beside `lifetimes` where it is installed, and beside the rate of each customer so far.
"""

import gzip
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "log_likelihood": -9582.4}
TESTED = {"online_retail": (193, 247, 300), "cdnow": (270, 365)}  # days after which is judged


def cdnow() -> dict:
    """BG/NBD of the 2,357 customers of Fader, Hardie and Lee (2005)."""
    from crm.ml.lifetime import Lifetime, Summary

    table = pd.read_csv(DATA / "cdnow" / "summary.csv.gz")
    columns = [table[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    summary = Summary(*columns, table["monetary_value"].to_numpy(float))
    started = time.process_time()
    fitted = Lifetime().fit(summary)
    seconds = time.process_time() - started
    figures = {"published": PUBLISHED, "ours_cpu_s": round(seconds, 3)}
    figures["ours"] = dict(
        zip(("r", "alpha", "a", "b"), map(float, fitted.purchases_.round(4)), strict=True)
    )
    try:
        from lifetimes import BetaGeoFitter
    except ImportError:
        return figures | {"lifetimes": "not installed"}
    started = time.process_time()
    peer = BetaGeoFitter().fit(*columns)
    figures["lifetimes_cpu_s"] = round(time.process_time() - started, 3)
    figures["lifetimes"] = {name: round(float(value), 4) for name, value in peer.params_.items()}
    return figures


def orders(name: str) -> pd.DataFrame:
    """customer, day (counted from the first), amount; a line an order."""
    if name == "cdnow":
        table = pd.read_csv(DATA / "cdnow" / "orders.csv.gz", dtype={"customer": str})
        table["date"] = pd.to_datetime(table["date"])
    else:
        with gzip.open(DATA / "online_retail" / "online_retail.csv.gz", "rt") as file:
            lines = pd.read_csv(file, dtype={"InvoiceNo": str, "CustomerID": str})
        lines = lines[lines["CustomerID"].notna() & ~lines["InvoiceNo"].str.startswith("C")]
        lines = lines[lines["Quantity"] > 0]
        lines["amount"] = lines["Quantity"] * lines["UnitPrice"]
        lines["date"] = pd.to_datetime(lines["InvoiceDate"])
        table = lines.groupby(["InvoiceNo", "CustomerID"], as_index=False).agg(
            date=("date", "min"), amount=("amount", "sum")
        )
        table = table.rename(columns={"CustomerID": "customer"})
    table["day"] = (table["date"] - table["date"].min().normalize()).dt.days
    return table[["customer", "day", "amount"]]


def backtest(name: str, cut: int) -> dict:
    """What was expected at the cut, beside what came until the end."""
    from crm import scores
    from crm.trainers import lifetime as trainer

    table = orders(name)
    ids, customers = np.unique(table["customer"], return_inverse=True)
    days, amounts = table["day"].to_numpy(), table["amount"].to_numpy(float)
    bought = scores.Purchases(np.arange(len(ids)), customers, days, amounts, int(days.max()))
    horizon = float(bought.today - cut)
    started = time.process_time()
    fitted = trainer._learned(bought.until(cut), 0)
    known, summary = scores.lifetime_summary(bought.until(cut))
    ours = fitted.value(summary, horizon=horizon)
    seconds = round(time.process_time() - started, 2)
    later = trainer._later_spend(bought, known, cut)
    rate = trainer._naive_value(bought.until(cut), known, summary, horizon)
    figures = {
        "customers": len(known),
        "horizon_days": int(horizon),
        "ours_cpu_s": seconds,
        "ours": judged(ours, later)
        | {"covered": trainer._covered(fitted, summary, later, horizon)},
        "rate_so_far": judged(rate, later),
    }
    theirs = with_lifetimes(summary, horizon)
    return figures | ({} if theirs is None else {"lifetimes": judged(theirs, later)})


def with_lifetimes(summary, horizon: float) -> np.ndarray | None:
    try:
        from lifetimes import BetaGeoFitter, GammaGammaFitter
        from lifetimes.utils import ConvergenceError
    except ImportError:
        return None
    x, recency, age, money = summary.frequency, summary.recency, summary.age, summary.money
    again = (x > 0) & (money > 0)
    for penalty in (0.0, 0.001, 0.01, 0.1, 1.0):  # it does not always converge
        try:
            peer = BetaGeoFitter(penalizer_coef=penalty).fit(x, recency, age)
            theirs = GammaGammaFitter(penalizer_coef=penalty).fit(x[again], money[again])
        except ConvergenceError:
            continue
        break
    else:
        return None
    count = peer.conditional_expected_number_of_purchases_up_to_time(horizon, x, recency, age)
    value = np.asarray(count * theirs.conditional_expected_average_profit(x, money), float)
    return value if np.isfinite(value).all() else None  # it may say that it converged, too


def judged(expected: np.ndarray, later: np.ndarray) -> dict:
    from scipy.stats import spearmanr

    from crm.ml import judging

    return {
        "spearman": round(float(spearmanr(expected, later).statistic), 4),
        "activity_auc": round(judging.auc((later > 0).astype(int), expected), 4),
        "total_ratio": round(float(expected.sum() / later.sum()), 3),
    }


def main() -> None:
    if not DATA.exists():
        print(json.dumps({"skipped": "the public data is not there"}))
        return
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketing.settings"
    import django

    django.setup()
    figures: dict = {"cdnow_fit": cdnow()}
    for name, cuts in TESTED.items():
        for cut in cuts:
            sys.stderr.write(f"  {name} day {cut}\n")
            figures[f"{name}_from_day_{cut}"] = backtest(name, cut)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
