"""Sentiment of texts: learned from labelled ones, judged on others."""

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from crm.ml.sentiment import Judgement


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", required=True, help="text, label")
    parser.add_argument("--test", required=True, help="text, label")
    parser.add_argument("--output", required=True)
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from crm.encoder import encode_openings
    from crm.ml.sentiment import SentimentClassifier

    train = read_table(options.train, needs=["text", "label"])
    test = read_table(options.test, needs=["text", "label"])
    if train["label"].nunique() < 2:
        raise UnusableInput(f"{options.train}: column label needs at least two labels")
    if test.empty:
        raise UnusableInput(f"{options.test}: no rows")
    texts = train["text"].tolist()
    started, begun = time.process_time(), time.perf_counter()
    classifier = SentimentClassifier(seed=options.seed)
    classifier.fit(texts, train["label"].tolist(), encode_openings(texts))
    cpu, wall = time.process_time() - started, time.perf_counter() - begun
    judged, milliseconds = [], []
    for text in test["text"].tolist():
        begun = time.perf_counter()
        judged.append(classifier.predict([text], encode_openings([text]))[0])
        milliseconds.append(1000 * (time.perf_counter() - begun))
    said = [judgement.label for judgement in judged]
    sure = [round(judgement.confidence, 4) for judgement in judged]
    test[["text"]].assign(label=said, confidence=sure).to_csv(options.output, index=False)
    return _report(test["label"].tolist(), judged) | {
        "train_seconds": round(cpu, 2),
        "train_wall_seconds": round(wall, 2),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 2),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 2),
    }


def _report(wanted: Sequence[str], judged: "Sequence[Judgement]") -> dict[str, Any]:
    from crm.ml.evaluation import calibration_error, f1_by_label

    right = np.array([j.label == label for j, label in zip(judged, wanted, strict=True)], float)
    sure = np.array([j.confidence for j in judged])
    each = f1_by_label(wanted, [j.label for j in judged])
    return {
        "accuracy": round(float(right.mean()), 4),
        "ece": round(calibration_error(sure, right), 4),
        "macro_f1": round(float(np.mean(list(each.values()))), 4),
        "f1": {label: round(value, 4) for label, value in each.items()},
    }


SENTIMENT = Subject("sentiment of texts, in Chinese and English", _arguments, _run)
