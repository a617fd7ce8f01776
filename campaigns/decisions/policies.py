"""Which policy decides at a placement: what was approved, what is on trial, or staff's weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from campaigns.decisions import catalogues
from campaigns.decisions.snapshots import FEATURES
from campaigns.ml.chance import unit
from campaigns.ml.placed import PlacedPolicy
from campaigns.ml.policies import Weighted
from campaigns.models import Placement, PolicyProposal
from crm import artifacts
from crm.models import Artifact
from crm.prepared import Prepared

RULES = "rules"  # staff's own weights


# Asked at every decision.
_ON_TRIAL = Prepared(
    lambda placement: PolicyProposal.objects.filter(
        placement_id=placement, state=PolicyProposal.State.CANARY
    ).select_related("artifact"),
    placement=int,
)


class Chooser(Protocol):
    def chances(
        self, contexts: np.ndarray, eligible: np.ndarray, actions: Sequence[str]
    ) -> np.ndarray: ...

    def drivers(
        self, contexts: np.ndarray, eligible: np.ndarray, chosen: Sequence[str], actions: Any
    ) -> np.ndarray: ...


@dataclass(frozen=True)
class Serving:
    """A policy, by the name that the log calls it, and its artifact where it has one."""

    name: str
    artifact: int | None
    chooser: Chooser


class ByWeight:
    """Shares set by staff, and the share of chance."""

    def __init__(self, content: dict[str, Any]) -> None:
        order = catalogues.order_of(content)
        self.weights = catalogues.weights_of(content)
        self.policy = Weighted(
            len(order), weights=self.weights, explore=content["placement"]["explore"]
        )

    def chances(
        self, contexts: np.ndarray, eligible: np.ndarray, actions: Sequence[str]
    ) -> np.ndarray:
        return self.policy.chances(contexts, eligible)

    def drivers(
        self, contexts: np.ndarray, eligible: np.ndarray, chosen: Sequence[str], actions: Any
    ) -> np.ndarray:
        return np.zeros(contexts.shape)


@dataclass(frozen=True)
class Line:
    """Who decides at a placement: one for all, and perhaps another on trial for a few."""

    champion: Serving
    trial: Serving | None = None
    proposal: int = 0
    share: float = 0.0

    def of(self, public_id: str) -> Serving:
        """The same customer always gets the same of the two."""
        if self.trial is None:
            return self.champion
        number = unit(catalogues.secret(), f"trial {self.proposal}", public_id)
        return self.trial if number < self.share else self.champion


def line(placement: Placement, content: dict[str, Any]) -> Line:
    """Two queries. What cannot be read is as if it were not there."""
    champion = artifacts.CHAMPION_OF.first(name=placement.artifact_name)
    serving = _readable(champion) or Serving(RULES, None, ByWeight(content))
    canary = _ON_TRIAL.first(placement=placement.pk)
    trial = _readable(canary.artifact) if canary else None
    if canary is None or trial is None:
        return Line(serving)
    return Line(serving, trial, canary.pk, canary.canary_share)


def as_logged(artifact: Artifact | None, content: dict[str, Any]) -> Serving:
    """The policy that a log names. Raises UnreadableArtifact."""
    return _serving(artifact) if artifact else Serving(RULES, None, ByWeight(content))


def _readable(artifact: Artifact | None) -> Serving | None:
    try:
        return _serving(artifact) if artifact else None
    except artifacts.UnreadableArtifact:
        return None


def _serving(artifact: Artifact) -> Serving:
    """Raises UnreadableArtifact, also for one that looks at other features than there are."""
    policy = artifacts.load(PlacedPolicy, artifact)
    if policy.features != list(FEATURES):
        raise artifacts.UnreadableArtifact(f"{artifact} looks at features that are no more")
    return Serving(policy.label, artifact.pk, policy)
