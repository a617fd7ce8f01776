"""Ten million interactions learned, and the best of a million products found.

ALS over 10,000,000 interactions of 200,000 customers with 100,000 products of forty planted tastes:
CPU seconds and the peak of the process. Then factors of 1,000,000 products, learned the same way:
milliseconds of an exact search beside its floor (one product of matrix and vector), and of the
index with its recall of the exact ten. INTERACTIONS for fewer.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from recommendations.ml.factors import Als
from recommendations.ml.interactions import Interactions
from recommendations.ml.nearest import Nearest

INTERACTIONS = int(os.environ.get("INTERACTIONS", "10000000"))
KINDS = 40  # planted tastes
FAITHFUL = 0.7  # share of the choices that follow the taste
ASKED = 200


def world(interactions: int, customers: int, products: int) -> Interactions:
    """Choices mostly within one kind; some customers and products far busier than others."""
    rng = np.random.default_rng(0)
    taste, kind = rng.integers(0, KINDS, customers), rng.integers(0, KINDS, products)
    order = np.argsort(kind, kind="stable")
    start = np.searchsorted(kind[order], np.arange(KINDS + 1))
    who = (customers * rng.random(interactions) ** 1.3).astype(np.int32)
    faithful = rng.random(interactions) < FAITHFUL
    wanted = np.where(faithful, taste[who], rng.integers(0, KINDS, interactions))
    place = (np.diff(start)[wanted] * rng.random(interactions) ** 2).astype(int)
    what = order[start[wanted] + place].astype(np.int32)
    ones = np.ones(interactions, dtype=np.float32)
    values = sparse.csr_matrix((ones, (who, what)), shape=(customers, products))
    return Interactions(values, np.zeros(values.nnz, dtype=np.float32), 0.0)


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def learned(customers: int, products: int, iterations: int) -> tuple[np.ndarray, dict[str, Any]]:
    data = world(INTERACTIONS, customers, products)
    before, started = peak_mb(), time.process_time()
    als = Als(iterations=iterations).fit(data)
    spent = time.process_time() - started
    figures = {
        "cells": int(data.values.nnz),
        "cpu_seconds": round(spent, 1),
        "peak_mb": peak_mb(),
        "peak_mb_before": before,
    }
    return als.products_, figures


def tastes(factors: np.ndarray) -> np.ndarray:
    """(ASKED, factors) of made-up customers with fifteen choices each, folded in as ALS does."""
    rng = np.random.default_rng(1)
    ground = factors.T.astype(float) @ factors + 30.0 * np.eye(factors.shape[1])
    made = []
    for _ in range(ASKED):
        mine = factors[rng.choice(len(factors), 15, replace=False)].astype(float)
        made.append(np.linalg.solve(ground + 10.0 * mine.T @ mine, 11.0 * mine.sum(axis=0)))
    return np.array(made, dtype=np.float32)


def milliseconds(work: Callable[[np.ndarray], Any], asked: np.ndarray) -> dict[str, float]:
    took = []
    for one in asked:
        started = time.perf_counter()
        work(one)
        took.append(1_000 * (time.perf_counter() - started))
    return {f"p{p}_ms": round(float(np.percentile(took, p)), 3) for p in (50, 95)}


def searched(factors: np.ndarray) -> dict[str, Any]:
    asked = tastes(factors)
    exact = Nearest(exact_up_to=len(factors)).fit(factors)
    started = time.process_time()
    indexed = Nearest(exact_up_to=0).fit(factors)
    figures = {
        "floor": milliseconds(lambda one: factors @ one, asked),
        "exact": milliseconds(lambda one: exact.find(one, 10), asked),
    }
    if indexed.is_exact:
        return figures | {"index": "faiss is not installed"}
    shared = [len(set(exact.find(q, 10)) & set(indexed.find(q, 10))) for q in asked]
    return figures | {
        "index": milliseconds(lambda one: indexed.find(one, 10), asked),
        "index_recall_of_ten": round(float(np.mean(shared)) / 10, 4),
        "index_built_cpu_seconds": round(time.process_time() - started, 1),
    }


def main() -> None:
    _, als = learned(200_000, 100_000, iterations=15)
    factors, _ = learned(300_000, 1_000_000, iterations=8)
    print(json.dumps({"als_10m": als, "million_products": searched(factors)}))


if __name__ == "__main__":
    sys.exit(main())
