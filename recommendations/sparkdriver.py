"""The driver of a training on Spark: `python -m recommendations.sparkdriver FOLDER SETTINGS`.

Reads confidence.npz of the folder and writes factors.npy beside it. A program of its own, without
Django, as Spark's Python shares a process with few others.
"""

import json
import sys
from typing import Any

import numpy as np
from scipy import sparse


def main(folder: str, settings: dict[str, Any]) -> None:
    confidence = sparse.load_npz(f"{folder}/confidence.npz")
    np.save(f"{folder}/factors.npy", learned(confidence, settings))


def learned(confidence: sparse.csr_matrix, settings: dict[str, Any]) -> np.ndarray:
    """(products, factors) float32; zeros for a product that nobody chose."""
    from pyspark.ml.recommendation import ALS

    with session(settings) as spark:
        model = ALS(
            rank=settings["factors"],
            maxIter=settings["iterations"],
            regParam=strength(confidence, settings["l2"]),
            implicitPrefs=True,
            alpha=1.0,
            userCol="customer",
            itemCol="product",
            ratingCol="confidence",
            numUserBlocks=settings["blocks"],
            numItemBlocks=settings["blocks"],
            seed=settings["seed"],
        ).fit(frame(spark, confidence))
        rows = model.itemFactors.collect()
    factors = np.zeros((confidence.shape[1], settings["factors"]), dtype=np.float32)
    if rows:
        factors[[row.id for row in rows]] = [row.features for row in rows]
    return factors


def session(settings: dict[str, Any]) -> Any:
    from pyspark.sql import SparkSession

    made = SparkSession.builder.master(settings["master"]).appName("rapport")
    return (
        made.config("spark.driver.memory", settings["memory"])
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(settings["blocks"]))
        .getOrCreate()
    )


def strength(confidence: sparse.csr_matrix, l2: float) -> float:
    """Spark multiplies the shrinkage by the number of choices of each; `l2` is one for all."""
    chosen = max(int(np.count_nonzero(confidence.getnnz(axis=0))), 1)
    return float(l2 / max(confidence.nnz / chosen, 1.0))


def frame(spark: Any, confidence: sparse.csr_matrix) -> Any:
    import pandas as pd

    cells = confidence.tocoo()
    table = {
        "customer": cells.row.astype(np.int32),
        "product": cells.col.astype(np.int32),
        "confidence": (cells.data - 1.0).astype(np.float32),  # Spark adds the one
    }
    return spark.createDataFrame(pd.DataFrame(table))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
