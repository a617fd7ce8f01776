"""Sentiment, from what the shop has: ratings beside reviews, staff's corrections, our sentences."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm import artifacts, opinions
from crm.ml.evaluation import calibration_error, f1_by_label
from crm.ml.feelings import feel
from crm.ml.text import normalise
from crm.models import Opinion
from crm.opinions import seeds
from crm.training import Evidence, Order, TooLittleData, conclude, fingerprint

if TYPE_CHECKING:
    from crm.ml.sentiment import SentimentClassifier

LATER = 0.2  # share of the shop's own texts, the newest, that only evaluate
FEWEST = 50  # texts of the shop with a rating or a correction
MOST = 20_000


def train_sentiment(order: Order) -> dict[str, Any]:
    """Fit, compare with the list of words and the champion on the newest texts, conclude."""
    from crm.ml.sentiment import SentimentClassifier

    started = time.process_time()
    opinions.take_reviews()
    own = _own(order)
    if len(own) < FEWEST:
        raise TooLittleData(
            f"{len(own)} rated texts; at least {FEWEST} needed to judge feelings by"
        )
    cut = int(len(own) * (1 - LATER))
    texts, wanted = [t for t, _ in own[cut:]], [label for _, label in own[cut:]]
    # A sentence of ours that a customer wrote too would judge itself.
    shown = [row for row in seeds.feelings() if row[0] not in set(texts)] + own[:cut]
    candidate = _fitted(shown, seed=order.seed)
    champion = artifacts.load_serving(SentimentClassifier)
    words = [feel(normalise(text)) for text in texts]
    evidence = Evidence(
        metric="macro_f1",
        metrics=_measured(candidate, texts, wanted),
        baseline=_quality([w.label for w in words], [abs(w.score) for w in words], wanted),
        champion=_measured(champion, texts, wanted) if champion else None,
        data_fingerprint=fingerprint(np.array([t for t, _ in own]), np.array([x for _, x in own])),
        rows=len(own),
        seconds=time.process_time() - started,
    )
    return conclude(candidate, evidence, order)


def _own(order: Order) -> list[tuple[str, str]]:
    """(text, label), oldest first; each text once, and what staff said over what stars say."""
    rows = (
        Opinion.objects.filter(at__lt=order.as_of)
        .exclude(rating=None, corrected="")
        .order_by("-at", "-pk")
        .values_list("text", "rating", "corrected")[:MOST]
    )
    found: dict[str, str] = {}
    for text, rating, corrected in rows:
        found.setdefault(text, corrected or _label(rating or 3.0))
    return list(found.items())[::-1]


def _label(rating: float) -> str:
    return "pos" if rating >= 4 else "neg" if rating <= 2 else "neu"


def _fitted(shown: Sequence[tuple[str, str]], *, seed: int) -> "SentimentClassifier":
    from crm.encoder import encode_openings
    from crm.ml.sentiment import SentimentClassifier

    texts, labels = [t for t, _ in shown], [label for _, label in shown]
    return SentimentClassifier(seed=seed).fit(texts, labels, encode_openings(texts))


def _measured(
    classifier: "SentimentClassifier", texts: Sequence[str], wanted: Sequence[str]
) -> dict[str, float]:
    from crm.encoder import encode_openings

    dense = encode_openings(texts) if classifier.uses_embeddings else None
    judged = classifier.predict(texts, dense)
    return _quality([j.label for j in judged], [j.confidence for j in judged], wanted)


def _quality(said: Sequence[str], sure: Sequence[float], wanted: Sequence[str]) -> dict[str, float]:
    right = np.array([s == w for s, w in zip(said, wanted, strict=True)], float)
    each = f1_by_label(wanted, said)
    return {
        "macro_f1": float(np.mean(list(each.values()))),
        "accuracy": float(right.mean()),
        "ece": calibration_error(np.array(sure), right),
        **{f"f1_{label}": value for label, value in each.items()},
    }
