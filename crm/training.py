"""The last part of every training: compare on later time, save, promote only if better.

Each app lists its trainers in `TRAINERS` of its own `training` module; `manage.py train`
and the nightly task run them by name.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from crm import artifacts
from crm.ml.estimator import Estimator
from crm.ml.evaluation import Gap, Verdict, beats
from crm.models import Artifact


class TooLittleData(Exception):
    """Not enough to learn from; the message says what is missing."""


class AlreadyTraining(Exception):
    """Another worker trains the same at this moment; its result will do for both."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to train on: everything before `as_of`, with this seed. `now` is only written down.

    With `keep` off nothing is saved, scored or promoted: the comparison itself is wanted.
    """

    as_of: datetime
    now: datetime
    seed: int = 0
    keep: bool = True


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """How the candidate, its baseline and the champion did on the same later time."""

    metric: str
    metrics: Mapping[str, float]
    baseline: Mapping[str, float]
    champion: Mapping[str, float] | None
    data_fingerprint: str
    rows: int
    seconds: float
    backtest: Mapping[str, Any] = field(default_factory=dict)  # tables for the artifact's page
    gaps: Mapping[str, Gap] = field(default_factory=dict)  # to "baseline" and "champion"


E = TypeVar("E", bound=Estimator)
Trainer = Callable[[Order], dict[str, Any]]


def again(champion: E | None, candidate: E, fit: Callable[[Mapping[str, Any]], E]) -> E | None:
    """The champion's settings, fitted on what the candidate was fitted on.

    As it serves, the champion has learned from the very days that are judged on: compared
    like that, nothing would ever be promoted again.
    """
    if champion is None:
        return None
    settings = champion.state().settings
    return candidate if settings == candidate.state().settings else fit(settings)


def conclude(estimator: Estimator, evidence: Evidence, order: Order) -> dict[str, Any]:
    """Save the candidate, promote it if it won, and return the report as plain JSON."""
    verdict = beats(
        evidence.metrics,
        evidence.baseline,
        evidence.champion,
        metric=evidence.metric,
        gaps=evidence.gaps,
    )
    artifact = _keep(estimator, evidence, order, verdict) if order.keep else None
    return {
        "artifact": artifact.pk if artifact else None,
        "metrics": dict(evidence.metrics),
        "baseline_metrics": dict(evidence.baseline),
        "champion_metrics": dict(evidence.champion) if evidence.champion else None,
        "promoted": verdict.promote and artifact is not None,
        "reason": verdict.reason,
        "rows": evidence.rows,
        "seconds": round(evidence.seconds, 2),
    }


def _keep(estimator: Estimator, evidence: Evidence, order: Order, verdict: Verdict) -> Artifact:
    artifact = artifacts.save(
        estimator,
        artifacts.Provenance(
            metrics=evidence.metrics,
            baseline_metrics=evidence.baseline,
            champion_metrics=evidence.champion,
            backtest=evidence.backtest,
            data_fingerprint=evidence.data_fingerprint,
            rows=evidence.rows,
            seconds=evidence.seconds,
            seed=order.seed,
        ),
        as_of=order.as_of,
        now=order.now,
    )
    if verdict.promote:
        artifacts.promote(artifact, now=order.now, reason=verdict.reason)
    else:
        artifact.reason = verdict.reason[:300]
        artifact.save(update_fields=["reason"])
    return artifact


def fingerprint(*arrays: np.ndarray) -> str:
    """A digest of the training data, so that two trainings on the same rows can be told."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def on_one_thread() -> AbstractContextManager[Any]:
    """Threads of the numeric libraries wait busily for each other on a machine with other work.

    Besides, a result must not depend on how many of them there were.
    """
    import sklearn.cluster  # noqa: F401  (its OpenMP runtime can be limited once it is loaded)
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits
