"""A decision made again from its log alone: the same, or where it differs.

Read are the decision, the catalogue it names and the artifact it names; no customer, no action.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from campaigns.decisions import catalogues, explaining, policies
from campaigns.decisions.making import Case, Made, make
from campaigns.decisions.rules import Standing
from campaigns.ml.chance import unit
from campaigns.models import Decision
from crm import artifacts

NEAR = 1e-9  # sums of products differ in their last bits with how many are made at once


@dataclass(frozen=True)
class Replayed:
    """differs: what the log says and what came out, by the name of what differs."""

    decision: str
    action: str
    propensity: float
    policy: str
    reasons: list[list[Any]]
    words: str
    differs: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        return not self.differs


def replay(decision: Decision) -> Replayed:
    """Make it again."""
    return next(replay_all([decision]))


def replay_all(decisions: Iterable[Decision]) -> Iterator[Replayed]:
    """Make many again; each artifact is read once."""
    for decision in decisions:
        try:
            yield _compared(decision, _again(decision))
        except artifacts.UnreadableArtifact as failure:
            yield _told(decision, {"artifact": (decision.artifact_id, str(failure))})
        except (KeyError, TypeError, ValueError, IndexError) as failure:
            yield _told(decision, {"log": ("readable", f"{type(failure).__name__}: {failure}")})


def rows(chosen: "QuerySet[Decision] | None" = None) -> "QuerySet[Decision]":
    """Decisions with what their log names."""
    everything = Decision.objects.all() if chosen is None else chosen
    return everything.select_related("catalogue", "artifact", "action")


def _again(decision: Decision) -> Made:
    content = decision.catalogue.content
    serving = policies.as_logged(decision.artifact, content)
    features: Sequence[float] = decision.facts["features"]
    standing = Standing.read(decision.facts["standing"])
    case = Case(features, standing, decision.number)
    (made,) = make(content, serving, [case], at=decision.decided_at)
    return made


def _compared(decision: Decision, made: Made) -> Replayed:
    pairs = {
        "action": (decision.choice, made.choice),
        "chosen": (decision.choice, decision.action.slug if decision.action else "nothing"),
        "propensity": (decision.propensity, made.propensity),
        "candidates": (decision.candidates, made.candidates),
        "refused": (decision.refused, made.refused),
        "reasons": (decision.reasons, made.reasons),
        # Rows without words of their own have none that could differ: they follow from the rest.
        "words": (decision.words, _words(decision, made) if decision.words else ""),
        "due_at": (decision.due_at.isoformat(), made.due_at.isoformat()),
        "is_exploration": (decision.is_exploration, made.is_exploration),
        "number": (decision.number, _number(decision)),
        "policy": (decision.policy, policies.as_logged(decision.artifact, {}).name)
        if decision.artifact
        else (decision.policy, policies.RULES),
    }
    differs = {name: pair for name, pair in pairs.items() if not _is_near(*pair)}
    return _told(decision, differs, made)


def _number(decision: Decision) -> float:
    """Drawn again, where the secret is the one that it was drawn with."""
    if decision.catalogue.content.get("secret") != catalogues.fingerprint():
        return decision.number
    return unit(catalogues.secret(), "decision", decision.seed)


def _told(
    decision: Decision, differs: dict[str, tuple[Any, Any]], made: Made | None = None
) -> Replayed:
    return Replayed(
        decision=str(decision.public_id),
        action=made.choice if made else decision.choice,
        propensity=made.propensity if made else decision.propensity,
        policy=decision.version,
        reasons=made.reasons if made else decision.reasons,
        words=_words(decision, made) if made else decision.words,
        differs=differs,
    )


def _words(decision: Decision, made: Made) -> str:
    names = {one["slug"]: one["names"] for one in decision.catalogue.content["actions"]}
    own = names.get(made.choice, ["", ""])
    return explaining.in_english(made.choice, own, decision.policy, made.candidates, made.reasons)


def _is_near(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=0.0, abs_tol=NEAR)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_near(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_near, one, other))
    return bool(one == other)
