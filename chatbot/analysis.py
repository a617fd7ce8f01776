"""`manage.py analyse intents`: the chatbot's classifier on somebody's own examples."""

import argparse
import time
from typing import Any

import numpy as np

from crm.analysis import Subject, UnusableInput, read_table

OUTSIDE = ("oos", "out_of_scope")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--seed", type=int, default=0)


def _intents(options: argparse.Namespace) -> dict[str, Any]:
    from chatbot.ml.intent import IntentClassifier
    from crm.encoder import encode
    from crm.ml.evaluation import calibration_error

    train = read_table(options.train, needs=["text", "intent"])
    test = read_table(options.test, needs=["text", "intent"])
    is_outside = train["intent"].isin(OUTSIDE)
    outsiders, train = train[is_outside]["text"].tolist(), train[~is_outside]
    if train["intent"].nunique() < 2:
        raise UnusableInput(f"{options.train}: column intent needs at least two intents")
    texts, labels = train["text"].tolist(), train["intent"].tolist()
    started = time.process_time()
    classifier = IntentClassifier(seed=options.seed).fit(
        texts, labels, encode(texts), strangers=(outsiders, encode(outsiders))
    )
    train_seconds = time.process_time() - started
    guesses, milliseconds = [], []
    for text in test["text"].tolist():
        begun = time.perf_counter()
        guesses.append(classifier.predict([text], encode([text]))[0])
        milliseconds.append(1000 * (time.perf_counter() - begun))
    truth = test["intent"].to_numpy()
    outside = np.isin(truth, OUTSIDE)
    known = np.array([guess.known for guess in guesses])
    answered = known >= classifier.threshold_
    named = np.array([guess.name for guess in guesses])
    sure = np.array([guess.confidence for guess in guesses])
    said = np.where(answered, named, "oos") if outside.any() else named
    wanted = np.where(outside, "oos", truth)
    table = test[["text"]].assign(intent=said, confidence=np.round(sure, 4))
    table.to_csv(options.output, index=False)
    inside = ~outside
    return {
        "accuracy": round(float((said == wanted).mean()), 4),
        "in_scope_accuracy": round(float((named == truth)[inside].mean()), 4)
        if inside.any()
        else None,
        "oos_recall": round(float((~answered)[outside].mean()), 4) if outside.any() else None,
        "oos_found_at_95_kept": round(
            float((known[outside] < np.quantile(known[inside], 0.05)).mean()), 4
        )
        if outside.any() and inside.any()
        else None,
        "ece": round(calibration_error(sure[inside], (named == truth)[inside].astype(float)), 4),
        "train_seconds": round(train_seconds, 2),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 2),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 2),
    }


SUBJECTS = {
    "intents": Subject("intents of messages, with out-of-scope detection", _arguments, _intents)
}
