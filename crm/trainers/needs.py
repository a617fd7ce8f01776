"""Needs, from messages with an intent heard, texts that staff labelled, and our sentences."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from crm import artifacts, needs
from crm.encoder import encode_openings as encode
from crm.ml.evaluation import f1_by_label
from crm.ml.needs import OF_INTENT, OTHER, NeedsClassifier, by_words
from crm.models import Opinion
from crm.opinions import seeds
from crm.training import Evidence, Order, TooLittleData, conclude, fingerprint

LATER = 0.2  # share of the shop's own texts, the newest, that only evaluate
FEWEST = 30
MOST = 10_000


def train_needs(order: Order) -> dict[str, Any]:
    """Compare three machines on earlier texts, the best with words and champion on later ones."""
    started = time.process_time()
    own = _own(order)
    if len(own) < FEWEST:
        raise TooLittleData(f"{len(own)} texts with a known need; at least {FEWEST} needed")
    cut = int(len(own) * (1 - LATER))
    texts, wanted = [t for t, _ in own[cut:]], [need for _, need in own[cut:]]
    taught = dict([*seeds.needs(), *needs.examples(), *own[:cut]])
    # A sentence of ours that a customer wrote too would judge itself.
    shown = [(text, need) for text, need in taught.items() if text not in set(texts)]
    known = [t for t, _ in shown]
    candidate = NeedsClassifier(seed=order.seed)
    candidate.fit(known, [need for _, need in shown], encode(known))
    champion = artifacts.load_serving(NeedsClassifier)
    evidence = Evidence(
        metric="macro_f1",
        metrics=_measured(candidate, texts, wanted)
        | {f"cross_validated_{kind}": value for kind, value in candidate.comparison_.items()},
        baseline=_quality([by_words(text)[0] or OTHER for text in texts], wanted),
        champion=_measured(champion, texts, wanted) if champion else None,
        data_fingerprint=fingerprint(np.array([t for t, _ in own]), np.array([x for _, x in own])),
        rows=len(own),
        seconds=time.process_time() - started,
    )
    return conclude(candidate, evidence, order) | {"kept": candidate.kept_}


def _own(order: Order) -> list[tuple[str, str]]:
    """(text, need), oldest first; each text once, and what staff said over what was heard."""
    rows = (
        Opinion.objects.filter(at__lt=order.as_of)
        .exclude(heard_as="", need_corrected="")
        .order_by("-at", "-pk")
        .values_list("text", "heard_as", "need_corrected")[:MOST]
    )
    found: dict[str, str] = {}
    for text, heard, corrected in rows:
        need = corrected or OF_INTENT.get(heard, "")
        if need:
            found.setdefault(text, need)
    return list(found.items())[::-1]


def _measured(
    classifier: NeedsClassifier, texts: Sequence[str], wanted: Sequence[str]
) -> dict[str, float]:
    dense = encode(texts) if classifier.uses_embeddings_ else None
    return _quality([need for need, _ in classifier.predict(texts, dense)], wanted)


def _quality(said: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    each = f1_by_label(wanted, said)
    right = np.mean([s == w for s, w in zip(said, wanted, strict=True)])
    return {"macro_f1": float(np.mean(list(each.values()))), "accuracy": float(right)}
