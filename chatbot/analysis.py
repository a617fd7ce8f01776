"""`manage.py analyse intents`: the chatbot's classifier on somebody's own examples."""

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from chatbot.ml.intent import Guess

OUTSIDE = ("oos", "out_of_scope")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--seed", type=int, default=0)


def _intents(options: argparse.Namespace) -> dict[str, Any]:
    from chatbot.ml.intent import IntentClassifier
    from crm import encoders
    from crm.encoder import is_word

    train = read_table(options.train, needs=["text", "intent"])
    test = read_table(options.test, needs=["text", "intent"])
    _refuse_blanks(options.train, train["intent"].tolist())
    if test.empty:
        raise UnusableInput(f"{options.test}: column text has no rows")
    is_outside = train["intent"].isin(OUTSIDE)
    outsiders, train = train[is_outside]["text"].tolist(), train[~is_outside]
    if train["intent"].nunique() < 2:
        raise UnusableInput(f"{options.train}: column intent needs at least two intents")
    texts, labels = train["text"].tolist(), train["intent"].tolist()
    started = time.process_time()
    encoder = encoders.strongest()
    rows, strange = (encoders.encode_by(encoder, some) for some in (texts, outsiders))
    classifier = IntentClassifier(seed=options.seed, topics=False).fit(
        texts, labels, rows, strangers=(outsiders, strange), encoder=encoder
    )
    train_seconds = time.process_time() - started
    speller = classifier.speller(is_word)
    guesses, milliseconds = [], []
    for text in test["text"].tolist():
        begun = time.perf_counter()
        spelled = [speller(text)]
        guesses.append(classifier.predict(spelled, encoders.encode_by(encoder, spelled))[0])
        milliseconds.append(1000 * (time.perf_counter() - begun))
    said, figures = _judged(guesses, test["intent"].to_numpy(), classifier.threshold_)
    sure = [round(guess.confidence, 4) for guess in guesses]
    test[["text"]].assign(intent=said, confidence=sure).to_csv(options.output, index=False)
    return figures | {
        "encoder": encoder or None,
        "train_seconds": round(train_seconds, 2),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 2),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 2),
    }


def _refuse_blanks(path: str, intents: Sequence[str]) -> None:
    for line, intent in enumerate(intents, start=2):
        if not intent.strip():
            raise UnusableInput(f"{path}: column intent, line {line}: it is blank")


def _judged(
    guesses: "Sequence[Guess]", truth: np.ndarray, threshold: float
) -> tuple[np.ndarray, dict[str, Any]]:
    """What is said of each message, `oos` where it is not known, and how right that is."""
    from crm.ml.evaluation import calibration_error

    outside = np.isin(truth, OUTSIDE)
    inside = ~outside
    known = np.array([guess.known for guess in guesses])
    named = np.array([guess.name for guess in guesses])
    sure = np.array([guess.confidence for guess in guesses])
    answered, right = known >= threshold, named == truth
    said = np.where(answered, named, "oos") if outside.any() else named
    figures: dict[str, Any] = {
        "accuracy": round(float((said == np.where(outside, "oos", truth)).mean()), 4),
        "in_scope_accuracy": None,
        "oos_recall": None,
        "oos_found_at_95_kept": None,
        "ece": None,
    }
    if inside.any():
        figures["ece"] = round(calibration_error(sure[inside], right[inside].astype(float)), 4)
        figures["in_scope_accuracy"] = round(float(right[inside].mean()), 4)
    if outside.any():
        figures["oos_recall"] = round(float((~answered)[outside].mean()), 4)
    if outside.any() and inside.any():
        least = np.quantile(known[inside], 0.05)
        figures["oos_found_at_95_kept"] = round(float((known[outside] < least).mean()), 4)
    return said, figures


SUBJECTS = {
    "intents": Subject("intents of messages, with out-of-scope detection", _arguments, _intents)
}
