"""Groups of alike customers."""

import argparse
from typing import Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

MOST_CATEGORIES = 20  # distinct values up to which a text column is a category
TOPICS = 5  # directions kept of longer text


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="customer, and its features")
    parser.add_argument("--output", required=True)
    parser.add_argument("--method", choices=["kmeans", "dbscan", "hdbscan"], default="kmeans")
    parser.add_argument("--k", type=_k, default=None, help="auto, or how many (kmeans)")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from crm.ml import clusters as ml
    from crm.ml.density import by_density

    table = read_table(options.input, needs=["customer"])
    if table.empty:
        raise UnusableInput(f"{options.input}: no rows")
    names, features = _features(options.input, table.drop(columns="customer"))
    wanted = options.k if options.method == "kmeans" else 1  # density finds its own number
    fitted = ml.Clusters(k=wanted, seed=options.seed).fit(features)
    points = fitted.points(features)
    if options.method == "kmeans":
        labels = fitted.predict(features)
    else:
        labels = by_density(points, method=options.method, seed=options.seed)
    grouped = labels >= 0
    found = ml.quality(
        points[grouped], labels[grouped], seed=options.seed, k=max(len(np.unique(labels)), 1)
    )
    pd.DataFrame({"customer": table["customer"], "cluster": labels}).to_csv(
        options.output, index=False
    )
    return {
        "method": options.method,
        "k": len(np.unique(labels[grouped])),
        "silhouette": round(found.silhouette, 4),
        "stability": round(found.stability, 4) if options.method == "kmeans" else None,
        "clusters": _described(points, labels, names),
    }


def _described(points: np.ndarray, labels: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    from crm.ml.portraits import portraits

    return [
        {
            "cluster": label,
            "size": int((labels == label).sum()),
            "name": portrait.name_en,
            "description": portrait.description_en,
            "name_zh": portrait.name_zh,
            "description_zh": portrait.description_zh,
        }
        for label, portrait in portraits(points, labels, names, {}).items()
    ]


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


def _k(text: str) -> int | None:
    if text == "auto":
        return None
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be auto, or at least 1")
    return number


CLUSTERS = Subject("groups of alike customers", _arguments, _run)
