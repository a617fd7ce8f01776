"""Subjects of the analyst's bench that the CRM itself answers: rfm, clusters, lifetime, rules."""

import argparse
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table
from crm.loading import UnusableFile, open_text

EPOCH = pd.Timestamp("1970-01-01")
MOST_CATEGORIES = 20  # distinct values up to which a text column is a category
TOPICS = 5  # directions kept of longer text


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


def _rfm_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--orders", required=True, help="customer,date,amount")
    parser.add_argument("--as-of", required=True, type=date.fromisoformat)
    parser.add_argument("--output", required=True)


def _rfm(options: argparse.Namespace) -> dict[str, Any]:
    from crm.ml import rfm

    orders = _Orders(options.orders, until=_day(options.as_of))
    values = rfm.values(
        orders.customers, orders.days, orders.amounts, today=orders.today, count=len(orders.ids)
    )
    buyers = values.frequency > 0
    values = rfm.Values(values.recency[buyers], values.frequency[buyers], values.monetary[buyers])
    scores = rfm.score(values)
    labels = np.array(rfm.SLUGS)[scores.label]
    table = pd.DataFrame(
        {
            "customer": orders.ids[buyers],
            "recency": values.recency,
            "frequency": values.frequency,
            "monetary": values.monetary.round(2),
            "r": scores.r,
            "f": scores.f,
            "m": scores.m,
            "score": scores.score,
            "label": labels,
        }
    )
    table.to_csv(options.output, index=False)
    names, counts = np.unique(labels, return_counts=True)
    return {
        "customers": int(buyers.sum()),
        "without_purchase": int((~buyers).sum()),
        "orders_after_date": orders.later,
        "labels": dict(zip(names.tolist(), counts.tolist(), strict=True)),
    }


def _clusters_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="customer, and its features")
    parser.add_argument("--output", required=True)
    parser.add_argument("--method", choices=["kmeans", "dbscan", "hdbscan"], default="kmeans")
    parser.add_argument("--k", type=_k, default=None, help="auto, or how many (kmeans)")
    parser.add_argument("--seed", type=int, default=0)


def _clusters(options: argparse.Namespace) -> dict[str, Any]:
    from crm.ml import clusters as ml

    table = read_table(options.input, needs=["customer"])
    if table.empty:
        raise UnusableInput(f"{options.input}: no rows")
    names, features = _features(options.input, table.drop(columns="customer"))
    fitted = ml.Clusters(k=options.k, seed=options.seed).fit(features)
    points = fitted.points(features)
    if options.method == "kmeans":
        labels = fitted.predict(features)
    else:
        labels = ml.by_density(points, method=options.method)
    grouped = labels >= 0
    found = ml.quality(
        points[grouped], labels[grouped], seed=options.seed, k=max(len(np.unique(labels)), 1)
    )
    pd.DataFrame({"customer": table["customer"], "cluster": labels}).to_csv(
        options.output, index=False
    )
    portraits = ml.portraits(points, labels, names, {})
    return {
        "method": options.method,
        "k": len(np.unique(labels[grouped])),
        "silhouette": round(found.silhouette, 4),
        "stability": round(found.stability, 4) if options.method == "kmeans" else None,
        "clusters": [
            {
                "cluster": label,
                "size": int((labels == label).sum()),
                "name": portrait.name_en,
                "description": portrait.description_en,
                "name_zh": portrait.name_zh,
                "description_zh": portrait.description_zh,
            }
            for label, portrait in portraits.items()
        ],
    }


def _lifetime_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", help="customer,frequency,recency,T[,monetary_value]")
    parser.add_argument("--orders", help="customer,date,amount, where there is no --input")
    parser.add_argument("--as-of", type=date.fromisoformat, help="with --orders; else the last one")
    parser.add_argument("--unit", choices=["auto", "days", "weeks"], default="auto")
    parser.add_argument("--output")
    parser.add_argument("--seed", type=int, default=0)


def _lifetime(options: argparse.Namespace) -> dict[str, Any]:
    from crm.ml.lifetime import Lifetime, NoPurchases

    ids, summary, days = _summary(options)
    try:
        fitted = Lifetime().fit(summary)
    except NoPurchases as reason:
        raise UnusableInput(f"{options.input or options.orders}: {reason}") from None
    report = {
        "customers": len(ids),
        "unit": "weeks" if days == 7.0 else "days",
        **dict(zip(("r", "alpha", "a", "b"), fitted.purchases_.tolist(), strict=True)),
        "log_likelihood": float(fitted.log_likelihood_),
    }
    if fitted.money_.any():
        report |= dict(zip(("p", "q", "v"), fitted.money_.tolist(), strict=True))
        report["money_log_likelihood"] = float(fitted.money_log_likelihood_)
    if options.output:
        rng = np.random.default_rng(options.seed)
        year = fitted.forecast(summary, horizon=365.0 / days, rng=rng)
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


def _rules_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--baskets", required=True, help="one basket a line, items split by commas")
    parser.add_argument("--min-support", required=True, type=_share)
    parser.add_argument("--min-confidence", required=True, type=_share)
    parser.add_argument("--output", required=True)


def _rules(options: argparse.Namespace) -> dict[str, Any]:
    from pathlib import Path

    from crm.ml.rules import rules

    try:
        with open_text(Path(options.baskets)) as file:
            lines = [[item.strip() for item in line.split(",")] for line in file]
    except UnusableFile as error:
        raise UnusableInput(str(error)) from None
    except UnicodeDecodeError as error:
        raise UnusableInput(f"{options.baskets}: not UTF-8 (byte {error.start})") from None
    baskets = [[item for item in line if item] for line in lines]
    baskets = [basket for basket in baskets if basket]
    if not baskets:
        raise UnusableInput(f"{options.baskets}: no baskets")
    found = rules(baskets, min_support=options.min_support, min_confidence=options.min_confidence)
    pd.DataFrame(
        [
            (
                ";".join(rule.antecedent),
                ";".join(rule.consequent),
                rule.support,
                rule.confidence,
                rule.lift,
                rule.conviction,
            )
            for rule in found
        ],
        columns=["antecedent", "consequent", "support", "confidence", "lift", "conviction"],
    ).to_csv(options.output, index=False)
    return {"baskets": len(baskets), "rules": len(found)}


class _Orders:
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


def _summary(options: argparse.Namespace) -> tuple[np.ndarray, Any, float]:
    """Ids, summary and days in its time unit, from either form of input."""
    from crm.ml.lifetime import Summary, summarise

    if not options.input:
        if not options.orders:
            raise UnusableInput("give --input or --orders")
        until = _day(options.as_of) if options.as_of else None
        orders = _Orders(options.orders, until=until)
        args = (orders.customers, orders.days, orders.amounts)
        whole = summarise(*args, today=orders.today, count=len(orders.ids))
        kept = whole.age >= 0
        money = None if whole.money is None else whole.money[kept]
        summary = Summary(whole.frequency[kept], whole.recency[kept], whole.age[kept], money)
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


def _in_weeks(age: np.ndarray) -> bool:
    """Ages that are whole days only after multiplying by seven are in weeks."""
    whole = np.abs(age - age.round()).max() < 0.01
    return bool(not whole and np.abs(7 * age - (7 * age).round()).max() < 0.05)


def _features(path: str, table: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Names and (rows, features) numbers: text becomes categories, or topics of its words."""
    names: list[str] = []
    blocks: list[np.ndarray] = []
    for column in table.columns:
        numbers = pd.to_numeric(table[column].replace("", np.nan), errors="coerce")
        blank = table[column].eq("")
        if numbers.notna().any() and (numbers.notna() | blank).all():
            if np.isinf(numbers).any():
                raise UnusableInput(f"{path}: column {column} holds an infinite number")
            blocks.append(numbers.fillna(numbers.median()).to_numpy(float)[:, None])
            names.append(column)
        elif table[column].nunique() <= MOST_CATEGORIES:
            values = sorted(table[column].unique())
            blocks.append((table[column].to_numpy()[:, None] == np.array(values)).astype(float))
            names += [f"{column}={value}" for value in values]
        else:
            topics = _topics(table[column])
            blocks.append(topics)
            names += [f"{column} topic {number + 1}" for number in range(topics.shape[1])]
    if not blocks:
        raise UnusableInput(f"{path}: no column of features beside customer")
    return names, np.hstack(blocks)


def _topics(texts: pd.Series) -> np.ndarray:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), max_features=5000)
    matrix = words.fit_transform(texts)
    kept = max(1, min(TOPICS, min(matrix.shape) - 1))
    return np.asarray(TruncatedSVD(kept, random_state=0).fit_transform(matrix))


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _k(text: str) -> int | None:
    if text == "auto":
        return None
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be auto, or at least 1")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("must lie between 0 and 1")
    return share


SUBJECTS = {
    "rfm": Subject("RFM values, quintiles and labels of orders", _rfm_arguments, _rfm),
    "clusters": Subject("groups of alike customers", _clusters_arguments, _clusters),
    "lifetime": Subject("BG/NBD and Gamma-Gamma", _lifetime_arguments, _lifetime),
    "rules": Subject("association rules of baskets", _rules_arguments, _rules),
}
