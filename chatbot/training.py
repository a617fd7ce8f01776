"""Trains the intent classifier: shipped examples, what staff entered, what staff corrected."""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from chatbot import classifiers, seeds, understanding
from chatbot.ml import keywords
from chatbot.ml.intent import IntentClassifier
from chatbot.ml.judging import accuracy, told_apart
from chatbot.ml.noise import mistyped, mixed
from chatbot.models import Answer, Example
from crm import encoders
from crm.ml.joined import JOINED, MULTILINGUAL
from crm.ml.text import normalise
from crm.training import Evidence, Order, TooLittleData, Trainer, conclude, fingerprint

LATER = 0.2  # share of the staff's examples, the newest, that only evaluate
KEPT = 0.97  # the usual strangers have an intent of their own: the gate need not be so strict
ONE_IN = 8  # of the shipped examples, that many are never fitted


@dataclass(frozen=True)
class Examples:
    """Texts with their intents, and which of them only evaluate."""

    texts: list[str]
    intents: list[str]
    held_out: np.ndarray

    def part(self, rows: np.ndarray) -> tuple[list[str], list[str]]:
        chosen = np.flatnonzero(rows).tolist()
        return [self.texts[i] for i in chosen], [self.intents[i] for i in chosen]


def train_intents(order: Order) -> dict[str, Any]:
    """Fit, compare with keywords and champion on examples nobody was fitted on, conclude.

    Where the stronger encoder is installed, first without it: that classifier serves in half the
    time, and stands in wherever the extra is missing.
    """
    examples = _collect(order)
    if len(set(examples.part(~examples.held_out)[1])) < 2 or not examples.held_out.any():
        raise TooLittleData("intents: at least two intents with examples are needed")
    strongest = encoders.strongest()
    names = [MULTILINGUAL, JOINED] if strongest == JOINED and order.keep else [strongest]
    reports = [_train_with(name, examples, order) for name in names]
    return next((one for one in reversed(reports) if one["promoted"]), reports[-1])


def _train_with(encoder: str, examples: Examples, order: Order) -> dict[str, Any]:
    started = time.process_time()
    later, labels = examples.part(examples.held_out)
    wanted = [label.partition("/")[0] for label in labels]
    classifier = fitted(*examples.part(~examples.held_out), seed=order.seed, encoder=encoder)
    guesses = classifiers.guesses(classifier, later)
    champion = classifiers.choose().classifier
    evidence = Evidence(
        metric="macro_accuracy",
        metrics=accuracy(guesses, wanted),
        baseline=accuracy([keywords.match(text) for text in later], wanted),
        champion=accuracy(classifiers.guesses(champion, later), wanted) if champion else None,
        data_fingerprint=fingerprint(np.array(examples.texts), np.array(examples.intents)),
        rows=len(examples.texts),
        seconds=time.process_time() - started,
        backtest=told_apart(guesses, wanted) | {"encoder": encoder},
    )
    report = conclude(classifier, evidence, order)
    understanding.forget()
    return report


def fitted(
    texts: list[str], intents: list[str], *, seed: int = 0, encoder: str | None = None
) -> IntentClassifier:
    """A classifier of these examples and of copies of some, mistyped or in mixed languages.

    encoder: its name, "" for words alone; None for the strongest there is.
    """
    encoder = encoders.strongest() if encoder is None else encoder
    rng = np.random.default_rng(seed)
    copies = mistyped(texts, share=0.3, rng=rng)
    copies += mixed(texts, seeds.pairs(), share=0.25, rng=rng)
    spelled = texts + [text for text, _ in copies]
    labels = intents + [intents[row] for _, row in copies]
    classifier = IntentClassifier(seed=seed, compares=False, kept=KEPT)
    embeddings = encoders.encode_by(encoder, spelled)
    return classifier.fit(spelled, labels, embeddings, encoder=encoder)


def shipped() -> dict[str, tuple[str, bool]]:
    """Every shipped example: its intent, and whether it only evaluates."""
    rows: dict[str, tuple[str, bool]] = {}
    for seed in seeds.examples():
        digest = hashlib.sha256(seed.template.encode()).digest()
        set_phrase = len(seed.text) <= (6 if seed.language == "zh" else 14)  # known, not inferred
        rows[normalise(seed.text)] = (seed.label, digest[0] % ONE_IN == 0 and not set_phrase)
    return rows


def _collect(order: Order) -> Examples:
    """Staff's word counts over what was shipped, where both name the same sentence.

    The newest of the staff's examples evaluate, and are fitted the next time. Shipped
    examples have no time: the same eighth of them is always kept from fitting, or a
    champion that had seen them could not be compared with.
    """
    rows = shipped()
    for answer in Answer.objects.filter(is_active=True).order_by("id"):
        for question in (answer.question_zh, answer.question_en, *answer.variants):
            if question:
                rows.setdefault(normalise(question), ("faq", False))
    made = Example.objects.exclude(source=Example.Source.SEED).filter(created_at__lt=order.as_of)
    staff = list(made.order_by("created_at", "id").values_list("text", "intent"))
    cut = int(len(staff) * (1 - LATER)) if len(staff) >= 10 else len(staff)
    for place, (text, intent) in enumerate(staff):
        rows[normalise(text)] = (intent, place >= cut)
    return Examples(
        list(rows), [intent for intent, _ in rows.values()], np.array([h for _, h in rows.values()])
    )


TRAINERS: dict[str, Trainer] = {"intents": train_intents}
