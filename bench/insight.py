"""Customer insight on generated data: rules, groups and RFM beside a peer or a floor of the same run.

`python -m bench insight` makes a tenth of the data; INSIGHT_FULL=1 all of it (1,000,000 customers,
50,000,000 purchases). Peers that are not installed (mlxtend, efficient-apriori, duckdb) are left out.
CPU seconds everywhere; a ratio above 1 says how many times slower the peer is.
"""

import gzip
import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

GROCERIES = Path("../shared/data/groceries/baskets.csv.gz")
SETTINGS = ((0.006, 0.25), (0.001, 0.8), (0.001, 0.5))
SCALE = 1.0 if os.environ.get("INSIGHT_FULL") else 0.1
CUSTOMERS, PURCHASES, DAYS = int(964_000 * SCALE), int(50_000_000 * SCALE), 730


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    answer = work()
    return time.process_time() - started, answer


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def rules() -> dict[str, Any]:
    from crm.ml.rules import rules as mine

    if not GROCERIES.exists():
        return {"skipped": "the public data is not there"}
    with gzip.open(GROCERIES, "rt") as file:
        baskets = [line.rstrip("\n").split(",") for line in file]
    for run in (mine, *peers()):
        run(baskets, min_support=0.05, min_confidence=0.5)  # imports are not timed
    figures = {}
    for support, confidence in SETTINGS:
        options = {"min_support": support, "min_confidence": confidence}
        ours, found = min((cpu(lambda o=options: mine(baskets, **o)) for _ in range(3)), key=first)
        one = {
            "rules": len(found),
            "significant": sum(rule.significant for rule in found),
            "cpu_seconds": round(ours, 3),
        }
        if installed("mlxtend"):
            theirs, table = cpu(lambda o=options: with_mlxtend(baskets, **o))
            one["mlxtend_ratio"] = round(theirs / ours, 1)
            one["mlxtend_rules"] = len(table)
            one["largest_difference"] = difference(found, table)
        if installed("efficient_apriori"):
            theirs, _ = cpu(lambda o=options: with_efficient_apriori(baskets, **o))
            one["efficient_apriori_ratio"] = round(theirs / ours, 1)
        figures[f"{support}/{confidence}"] = one
    return figures


def peers() -> list[Callable[..., Any]]:
    known = (("mlxtend", with_mlxtend), ("efficient_apriori", with_efficient_apriori))
    return [run for name, run in known if installed(name)]


def first(pair: tuple[float, Any]) -> float:
    return pair[0]


def with_mlxtend(baskets: list[list[str]], *, min_support: float, min_confidence: float) -> Any:
    import pandas as pd
    from mlxtend.frequent_patterns import association_rules, fpgrowth
    from mlxtend.preprocessing import TransactionEncoder

    encoder = TransactionEncoder()
    table = pd.DataFrame(encoder.fit_transform(baskets), columns=encoder.columns_)
    sets = fpgrowth(table, min_support=min_support, use_colnames=True)
    found = association_rules(sets, metric="confidence", min_threshold=min_confidence)
    return found[found["consequents"].map(len) == 1]


def with_efficient_apriori(
    baskets: list[list[str]], *, min_support: float, min_confidence: float
) -> Any:
    from efficient_apriori import apriori

    return apriori(baskets, min_support=min_support, min_confidence=min_confidence)[1]


def difference(found: list[Any], table: Any) -> float:
    """The largest difference of any number of any rule that both have."""
    ours = {(frozenset(rule.antecedent), frozenset(rule.consequent)): rule for rule in found}
    largest = 0.0
    for row in table.itertuples():
        rule = ours[row.antecedents, row.consequents]
        for name in ("support", "confidence", "lift", "conviction"):
            mine, theirs = getattr(rule, name), getattr(row, name)
            if np.isfinite(mine) or np.isfinite(theirs):
                largest = max(largest, abs(mine - theirs))
    return largest


def rfm() -> dict[str, Any]:
    from crm.ml import rfm as ml

    who, day, money = purchases()
    given = who.nbytes + day.nbytes + money.nbytes
    ours, _ = cpu(lambda: ml.score(ml.values(who, day, money, today=DAYS, count=CUSTOMERS)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # before a peer has its own
    floor, _ = cpu(lambda: np.bincount(who, weights=money, minlength=CUSTOMERS))
    figures = {
        "purchases": PURCHASES,
        "peak_mb": peak,
        "of_these_the_purchases_mb": given // 2**20,
        "cpu_seconds": round(ours, 2),
        "ratio_to_one_sum_per_customer": round(ours / floor, 1),
    }
    if installed("duckdb"):
        theirs, _ = cpu(lambda: with_duckdb(who, day, money))
        figures["duckdb_ratio"] = round(theirs / ours, 1)
    return figures


def purchases() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customers, days and money, made a million at a time: what is measured is the fold."""
    rng = np.random.default_rng(0)
    who, day = np.empty((2, PURCHASES), dtype=np.int32)
    money = np.empty(PURCHASES)
    for start in range(0, PURCHASES, 1_000_000):
        some = slice(start, min(start + 1_000_000, PURCHASES))
        count = some.stop - start
        who[some] = rng.integers(0, CUSTOMERS, count, dtype=np.int32)
        day[some] = rng.integers(0, DAYS, count, dtype=np.int32)
        money[some] = rng.lognormal(3, 1, count).round(2)
    return who, day, money


def with_duckdb(who: np.ndarray, day: np.ndarray, money: np.ndarray) -> Any:
    import duckdb
    import pandas as pd

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    connection.register("orders", pd.DataFrame({"who": who, "day": day, "money": money}))
    folded = (
        "create table folded as select who, max(day) last_day, count(distinct day) as bought, "
        "sum(money) as spent from orders group by who"
    )
    connection.execute(folded)
    return connection.execute(
        "select quantile_cont(last_day, [.2, .4, .6, .8]), quantile_cont(bought, [.2, .4, .6, .8]), "
        "quantile_cont(spent, [.2, .4, .6, .8]) from folded"
    ).fetchall()


def groups(count: int, *, apart: float, seed: int) -> np.ndarray:
    """Six groups in six features, standardised."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, apart, (6, 6))
    spread = rng.uniform(0.6, 1.4, 6)
    label = rng.integers(0, 6, count)
    points = centres[label] + rng.normal(size=(count, 6)) * spread[label][:, None]
    return np.asarray((points - points.mean(axis=0)) / points.std(axis=0))


def clusters() -> dict[str, Any]:
    from sklearn.cluster import DBSCAN, KMeans
    from sklearn.metrics import adjusted_rand_score

    from crm.ml import density
    from crm.ml.clusters import Clusters, inertia

    features = groups(1_000_000, apart=3, seed=0)
    Clusters(k=2).fit(features[:1000])
    ours, fitted = cpu(lambda: Clusters(k=6).fit(features))
    points = fitted.points(features)
    raw, theirs = cpu(lambda: KMeans(6, n_init=4, random_state=0).fit(points))
    by_density, _ = cpu(lambda: density.by_density(features, method="dbscan"))
    few = groups(100_000, apart=5, seed=5)
    fewest = density.crowd(*few.shape)
    radius = density.radius(few, fewest, seed=0)
    exact_seconds, exact = cpu(lambda: DBSCAN(eps=radius, min_samples=fewest).fit_predict(few))
    cells_seconds, cells = cpu(lambda: density.dbscan(few, radius=radius, fewest=fewest))
    return {
        "k_means": {
            "cpu_seconds": round(ours, 2),
            "raw_scikit_learn_ratio": round(raw / ours, 2),
            "inertia_ratio": round(
                inertia(points, fitted.centres_) / inertia(points, theirs.cluster_centers_), 5
            ),
        },
        "dbscan": {
            "cpu_seconds_of_a_million": round(by_density, 2),
            "exact_ratio_at_100000": round(exact_seconds / cells_seconds, 1),
            "rand_index_with_exact_at_100000": round(adjusted_rand_score(exact, cells), 4),
        },
    }


def main() -> None:
    figures = {"rfm": rfm(), "rules": rules(), "clusters": clusters()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures | {"peak_mb": peak}))


if __name__ == "__main__":
    sys.exit(main())
