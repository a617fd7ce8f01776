"""Lifetime value of a million, compiled scores, and the propensity members side by side."""

import csv
import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np

from crm.ml import judging
from crm.ml.columns import Columns
from crm.ml.lifetime import Lifetime, Summary
from crm.ml.members import MEMBERS, Task
from crm.ml.propensity import Propensity, folds, rounded

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MILLION = 1_000_000


def note(text: str) -> None:
    sys.stderr.write(f"  {text}\n")


def shoppers(count: int, seed: int = 0) -> Summary:
    """Customers who buy and leave as BG/NBD says, with money as Gamma-Gamma says."""
    rng = np.random.default_rng(seed)
    age = rng.integers(30, 730, count).astype(float)
    rate, leaving = rng.gamma(0.8, 1 / 60.0, count), rng.beta(0.8, 2.5, count)
    clock, x, recency = np.zeros(count), np.zeros(count), np.zeros(count)
    going = np.arange(count)
    while len(going):
        clock[going] += rng.exponential(1 / np.maximum(rate[going], 1e-9))
        going = going[clock[going] <= age[going]]
        x[going] += 1
        recency[going] = np.floor(clock[going])
        going = going[rng.random(len(going)) >= leaving[going]]
    mean = rng.gamma(6.2 * np.maximum(x, 1)) / np.maximum(x, 1) / rng.gamma(3.7, 1 / 15.4, count)
    return Summary(x, recency, age, np.where(x > 0, np.maximum(mean.round(2), 0.01), 0.0))


def lifetime_value() -> dict:
    summary = shoppers(MILLION)
    started = time.process_time()
    fitted = Lifetime().fit(summary)
    ours = fitted.expected_purchases(summary, horizon=365.0) * fitted.expected_money(summary)
    figures = {"ours_cpu_s": round(time.process_time() - started, 2)}
    try:
        from lifetimes import BetaGeoFitter, GammaGammaFitter
    except ImportError:
        return figures | {"lifetimes": "not installed"}
    x, recency, age, money = summary.frequency, summary.recency, summary.age, summary.money
    started = time.process_time()
    peer = BetaGeoFitter().fit(x, recency, age)
    again = x > 0
    theirs = GammaGammaFitter().fit(x[again], money[again])
    value = peer.conditional_expected_number_of_purchases_up_to_time(365.0, x, recency, age)
    value = value * theirs.conditional_expected_average_profit(x, money)
    figures["lifetimes_cpu_s"] = round(time.process_time() - started, 2)
    some = again & (ours > 0)
    figures["largest_difference"] = float(np.abs(value[some] / ours[some] - 1).max())
    return figures


def compiled() -> dict:
    """One row by the scorecard beside the fitted pipeline; a million rows by all four chances."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    rng = np.random.default_rng(0)
    matrix = rounded(rng.normal(size=(20_000, 30)))
    target = (rng.random(20_000) < 1 / (1 + np.exp(-matrix[:, 0]))).astype(int)
    wide = Task(matrix[:, :19], target, (0,) * 19, 0, 8)
    card, row = MEMBERS["logistic"](wide), matrix[0, :19].tolist()
    pipeline = make_pipeline(SplineTransformer(degree=1), LogisticRegression(max_iter=500))
    pipeline.fit(matrix[:, :19], target)
    served = Propensity(members=("logistic", "svm", "boosting")).fit(matrix, target)
    million = rounded(rng.normal(size=(MILLION, 30)))
    started = time.process_time()
    for _ in range(4):
        served.predict(million)
    all_four = time.process_time() - started
    return {
        "scorecard_with_reasons_us": round(1e6 * _each(lambda: card.one(row), 20_000), 2),
        "sklearn_pipeline_us": round(
            1e6 * _each(lambda: pipeline.predict_proba(matrix[:1, :19]), 200), 1
        ),
        "four_chances_of_a_million_cpu_s": round(all_four, 2),
    }


def _each(call, times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times


def table(name: str, target: str, yes: str, without: tuple[str, ...] = ()) -> dict:
    """The ensemble beside its members: mean AUC over five folds."""
    path = DATA / name
    if not path.exists():
        return {"skipped": "no ../shared/data"}
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    label = np.array([row[target] == yes for row in rows], dtype=int)
    names = [key for key in rows[0] if key not in (target, *without)]
    columns = {key: np.array([row[key] for row in rows]) for key in names}
    fold = np.zeros(len(label), dtype=int)
    for place, (_, held) in enumerate(folds(label, seed=0)):
        fold[held] = place
    found: dict[str, list[float]] = {}
    chances = np.zeros(len(label))
    for place in range(fold.max() + 1):
        kept, held = fold != place, fold == place
        learned = Columns().fit({k: v[kept] for k, v in columns.items()}, label[kept])
        matrix = rounded(learned.matrix(columns))
        levels = tuple(len(column.levels) for column in learned.columns)
        leaves = 31 if kept.sum() >= 20_000 else 8
        task = Task(matrix[kept], label[kept], levels, 0, leaves)
        for member, fit in MEMBERS.items():
            found.setdefault(member, []).append(
                judging.auc(label[held], fit(task).margin(matrix[held]))
            )
        whole = Propensity(leaves=leaves).fit(matrix[kept], label[kept], levels=levels)
        chances[held] = whole.predict(matrix[held])
        found.setdefault("ensemble", []).append(judging.auc(label[held], chances[held]))
        note(f"{name} fold {place + 1}")
    means = {member: round(float(np.mean(values)), 4) for member, values in found.items()}
    return means | {"ece": round(judging.calibration_error(label, chances), 4)}


def main() -> None:
    figures = {"lifetime_1m": lifetime_value(), "compiled": compiled()}
    figures["telco_auc"] = table("telco/churn.csv.gz", "Churn", "Yes")
    figures["bank_auc"] = table("bank/bank.csv.gz", "y", "yes", ("duration",))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
