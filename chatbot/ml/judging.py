"""How right guesses of intents were: on the whole, for each intent, and what was taken for what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chatbot.ml.intent import Guess
from crm.ml.evaluation import calibration_error

PAIRS = 20  # of confused intents; nobody mends more at a time


def accuracy(guesses: Sequence[Guess], labels: Sequence[str]) -> Mapping[str, float]:
    """Accuracy, accuracy of each intent alike (macro), and expected calibration error."""
    right = np.array([g.name == label for g, label in zip(guesses, labels, strict=True)], float)
    sure = np.array([g.confidence for g in guesses])
    each = [right[[x == label for x in labels]].mean() for label in sorted(set(labels))]
    return {
        "accuracy": float(right.mean()),
        "macro_accuracy": float(np.mean(each)),
        "ece": calibration_error(sure, right),
    }


def told_apart(guesses: Sequence[Guess], labels: Sequence[str]) -> dict[str, Any]:
    """Plain JSON. per_intent: name -> precision (share of what was named so; None where nothing
    was), recall (share found; None where nothing was wanted), f1 and count (of what was wanted).
    confusions: [wanted, heard, times], the most frequent first."""
    pairs = Counter(zip(labels, (guess.name for guess in guesses), strict=True))
    wrong = [(-times, *pair) for pair, times in pairs.items() if pair[0] != pair[1]]
    names = sorted({name for pair in pairs for name in pair})
    return {
        "per_intent": {name: _of_one(name, pairs) for name in names},
        "confusions": [[wanted, heard, -times] for times, wanted, heard in sorted(wrong)[:PAIRS]],
    }


def _of_one(name: str, pairs: Mapping[tuple[str, str], int]) -> dict[str, float | int | None]:
    both = pairs.get((name, name), 0)
    wanted = sum(times for (label, _), times in pairs.items() if label == name)
    named = sum(times for (_, heard), times in pairs.items() if heard == name)
    return {
        "precision": both / named if named else None,
        "recall": both / wanted if wanted else None,
        "f1": 2 * both / (wanted + named),
        "count": wanted,
    }
