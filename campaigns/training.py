"""Fit challengers on the trail of decisions, judge them off policy, and propose the best.

Nothing serves before a person has approved it (`decisions/approving.py`).
"""

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from campaigns.decisions import groups
from campaigns.decisions.log import Trail, newest, offers_of, trail
from campaigns.decisions.snapshots import FEATURES
from campaigns.ml.challenge import Challenge, Past, challenge
from campaigns.ml.exposure import Exposure, drawn_once
from campaigns.ml.offpolicy import Log
from campaigns.ml.placed import PlacedPolicy
from campaigns.models import Placement, PolicyProposal
from crm import artifacts, training
from crm.models import Artifact
from crm.training import Order, TooLittleData, Trainer

FEWEST = 1_000
SHARES = ("uniform", "linucb")  # which any rewards will do for; the others need shares of one
CHALLENGERS: dict[str, tuple[str, dict[str, Any]]] = {
    "uniform": ("uniform", {}),
    "thompson": ("thompson", {}),
    "linucb": ("linucb", {"width": 0.5}),
    "logistic-thompson": ("logistic-thompson", {}),
    "greedy": ("logistic-ucb", {"width": 0.0}),
}
State = PolicyProposal.State


def train_policies(order: Order) -> dict[str, Any]:
    """Challenge the policy of every placement that has enough decisions. Raises TooLittleData."""
    started = time.process_time()
    told, rows = {}, 0
    for placement in Placement.objects.filter(is_active=True).order_by("pk"):
        past = trail(placement, until=order.as_of)
        if len(past) >= FEWEST:
            told[placement.slug] = _challenged(placement, past, order)
            rows += len(past)
    if not told:
        raise TooLittleData(
            f"no placement has {FEWEST} decisions whose attribution window has closed"
        )
    proposed = sum(one["proposed"] is not None for one in told.values())
    return {
        "artifact": None,
        "metrics": {slug: one["estimates"] for slug, one in told.items()},
        "baseline_metrics": {slug: one["incumbent"] for slug, one in told.items()},
        "champion_metrics": None,
        "promoted": False,
        "reason": f"{proposed} of {len(told)} placements have a policy that waits for approval",
        "rows": rows,
        "seconds": round(time.process_time() - started, 2),
    }


TRAINERS: dict[str, Trainer] = {"policies": train_policies}


def _challenged(placement: Placement, rows: Trail, order: Order) -> dict[str, Any]:
    """Every challenger's estimate, the incumbent's, and which is proposed."""
    champion = artifacts.champion_of(placement.artifact_name)
    judged = rows.artifacts == (champion.pk if champion else 0)
    if judged.sum() < 2:
        return {"estimates": {}, "incumbent": {}, "proposed": None}
    log = Log(rows.actions, rows.propensities, rows.rewards, rows.contexts, rows.customers)
    past = Past(rows.order, log, rows.eligible, rows.harms, judged)
    found: dict[str, Challenge] = {}
    for name in CHALLENGERS:
        if placement.goal != Placement.Goal.VALUE or name in SHARES:
            rng = np.random.default_rng([order.seed, len(found)])
            found[name] = challenge(past, partial(_made, placement, rows, name), rng=rng)
    best = _best(found)
    if order.keep:
        _supersede(placement)
        for name, one in found.items():
            final = _made(placement, rows, name).fit(rows.contexts, rows.actions, rows.rewards)
            _keep(placement, name, final, one, rows, order, is_best=name == best)
    first = next(iter(found.values()))
    return {
        "estimates": {name: round(one.evaluation.dr.value, 5) for name, one in found.items()},
        "incumbent": {"value": round(first.evaluation.incumbent.value, 5)},
        "proposed": best,
    }


def _made(placement: Placement, rows: Trail, name: str) -> PlacedPolicy:
    kind, settings = CHALLENGERS[name]
    return PlacedPolicy(
        placement.artifact_name,
        kind,
        actions=rows.order,
        features=FEATURES,
        settings=settings | {"explore": placement.explore},
    )


def _best(found: dict[str, Challenge]) -> str | None:
    """Of those that may be proposed, the one that surely brings most."""
    good = {name: one for name, one in found.items() if one.is_proposed}
    return max(good, key=lambda name: good[name].evaluation.dr.lower, default=None)


def _supersede(placement: Placement) -> None:
    """Newer data speak for the challengers now; who is on trial stays there."""
    placement.proposals.filter(state__in=[State.PROPOSED, State.REFUSED]).update(
        state=State.SUPERSEDED
    )


def _keep(  # noqa: PLR0913  (what was made, of what, and how it did)
    placement: Placement,
    name: str,
    final: PlacedPolicy,
    one: Challenge,
    rows: Trail,
    order: Order,
    *,
    is_best: bool,
) -> Artifact:
    evaluation = told(one) | {"exposure": _exposures(placement, final, rows, order)}
    artifact = artifacts.save(
        final,
        artifacts.Provenance(
            metrics={"value": one.evaluation.dr.value},
            baseline_metrics={"value": one.evaluation.incumbent.value},
            data_fingerprint=training.fingerprint(rows.actions, rows.rewards, rows.contexts),
            rows=len(rows),
            seed=order.seed,
        ),
        as_of=order.as_of,
        now=order.now,
    )
    PolicyProposal.objects.create(
        placement=placement,
        artifact=artifact,
        kind=name,
        state=State.PROPOSED if is_best else State.REFUSED,
        evaluation=evaluation,
        made_at=order.now,
        reason="the lower end of another one is higher" if one.is_proposed and not is_best else "",
    )
    return artifact


def _exposures(
    placement: Placement, final: PlacedPolicy, rows: Trail, order: Order
) -> dict[str, Any]:
    """Whom the policy would offer something of value, by group; of each customer, as known last."""
    last = rows.of(newest(rows.customers))
    chances = final.chances(last.contexts, last.eligible, rows.order)
    chosen = drawn_once(chances, rng=np.random.default_rng([order.seed, len(last)]))
    offered, value = offers_of(placement, rows.order)
    found = groups.exposures(last.customers, offered[chosen], value[chosen], now=order.now)
    return {name: rounded(one) for name, one in found.items()}


def rounded(one: Exposure) -> dict[str, Any]:
    """As the proposal keeps it."""
    return {
        "ratio": _finite({"value": one.ratio, "lower": one.lower, "upper": one.upper}),
        "groups": {name: _finite(asdict(group)) for name, group in one.groups.items()},
        "is_uneven": one.is_uneven,
    }


def told(one: Challenge) -> dict[str, Any]:
    """As the proposal keeps it; an end that is nowhere is null."""
    found = one.evaluation
    return {
        **{name: _finite(asdict(getattr(found, name))) for name in ("ips", "snips", "dr")},
        "incumbent": _finite(asdict(found.incumbent)),
        "gain": _finite(asdict(found.gain)),
        "harm": _finite(asdict(one.harm.gain)),
        "effective_sample_size": round(found.effective_sample_size, 1),
        "mean_weight": round(found.mean_weight, 4),
        "unsupported": round(found.unsupported, 6),
        "verdict": str(found.verdict),
        "reasons": list(one.reasons),
    }


def _finite(ends: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        name: round(v, 6) if v is not None and np.isfinite(v) else None for name, v in ends.items()
    }
