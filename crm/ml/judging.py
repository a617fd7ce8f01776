"""How good chances are: ranking, calibration, lift; and how far two samples lie apart."""

from typing import Any

import numpy as np

BINS = 10
TOP = 0.1
DRIFTED = 0.25  # population stability index from which a column counts as another one
Z90 = 1.6449


def auc(target: np.ndarray, chance: np.ndarray) -> float:
    """The chance that a yes is ranked above a no; ties count half. 0.5 where one is missing."""
    yes = int(target.sum())
    no = len(target) - yes
    if not yes or not no:
        return 0.5
    from scipy.stats import rankdata  # 50 MB, needed for judging only

    ranks = rankdata(chance)
    return float((ranks[target == 1].sum() - yes * (yes + 1) / 2) / (yes * no))


def average_precision(target: np.ndarray, chance: np.ndarray) -> float:
    """Area under precision by recall; rows of the same chance come together."""
    if not target.any():
        return 0.0
    order = np.argsort(-chance, kind="stable")
    hits = np.cumsum(target[order])
    last = np.flatnonzero(np.append(np.diff(chance[order]) != 0, True))
    recall, precision = hits[last] / hits[-1], hits[last] / (last + 1.0)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def calibration_error(target: np.ndarray, chance: np.ndarray) -> float:
    """Expected calibration error in ten bins of equal width."""
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    gap = np.bincount(place, weights=chance - target, minlength=BINS)
    return float(np.abs(gap).sum() / max(len(target), 1))


def lift(target: np.ndarray, chance: np.ndarray, *, share: float = TOP) -> float:
    """How many times as many yes there are in the best share of the rows."""
    best = np.argsort(-chance, kind="stable")[: max(1, int(round(share * len(target))))]
    return float(target[best].mean() / target.mean()) if target.any() else 0.0


def quality(target: np.ndarray, chance: np.ndarray) -> dict[str, float]:
    """The figures that every propensity is reported with."""
    return {
        "auc": round(auc(target, chance), 4),
        "average_precision": round(average_precision(target, chance), 4),
        "brier": round(float(np.mean((chance - target) ** 2)), 4),
        "ece": round(calibration_error(target, chance), 4),
        "lift_at_10": round(lift(target, chance), 3),
    }


def by_tenths(target: np.ndarray, chance: np.ndarray) -> list[dict[str, Any]]:
    """Ten groups by rising chance: expected and true rate, its 90 % interval, and lift."""
    parts = np.array_split(np.argsort(chance, kind="stable"), BINS)
    base = max(float(target.mean()), 1e-12)
    found = []
    for part in parts:
        if len(part):
            rate = float(target[part].mean())
            lower, upper = wilson(int(target[part].sum()), len(part))
            found.append(
                {
                    "rows": len(part),
                    "from": float(chance[part].min()),
                    "expected": round(float(chance[part].mean()), 5),
                    "rate": round(rate, 5),
                    "lower": round(lower, 5),
                    "upper": round(upper, 5),
                    "lift": round(rate / base, 3),
                }
            )
    return found


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """The 90 % interval of a rate."""
    rate, square = hits / rows, Z90**2 / rows
    middle, reach = rate + square / 2, Z90 * np.sqrt(rate * (1 - rate) / rows + square / (4 * rows))
    return float((middle - reach) / (1 + square)), float((middle + reach) / (1 + square))


def stability(before: np.ndarray, after: np.ndarray, *, levels: int = 0) -> float:
    """Population stability index of one coded column: 0 the same, above .25 another one."""
    if levels:
        cuts = np.arange(levels - 1) + 0.5
    else:
        filled = before[~np.isnan(before)]
        tenths = np.linspace(0, 1, BINS + 1)[1:-1]
        cuts = np.unique(np.quantile(filled, tenths)) if len(filled) else np.zeros(0)
    shares = []
    for column in (before, after):
        steps = np.where(np.isnan(column), len(cuts) + 1, np.searchsorted(cuts, column))
        counts = np.bincount(steps.astype(int), minlength=len(cuts) + 2) + 0.5
        shares.append(counts / counts.sum())
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
