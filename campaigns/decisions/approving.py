"""A person decides which policy serves: first on trial for a few, then for all, and back again."""

from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.decisions.log import trail
from campaigns.models import Placement, PolicyProposal
from crm import artifacts
from crm.ml import sequences
from crm.models import Artifact

State = PolicyProposal.State
FEWEST = 100  # customers on each side before a trial says anything
PLANNED = 2_000  # customers on trial at which its interval is at its narrowest


class NotPossible(Exception):
    """The proposal is not in a state for this; the message says in which it is."""


class Trial(NamedTuple):
    """The reward of a customer on trial less that of the others, at any look."""

    difference: float
    low: float
    high: float
    on_trial: int
    others: int

    @property
    def is_worse(self) -> bool:
        return min(self.on_trial, self.others) >= FEWEST and self.high < 0


@transaction.atomic
def approve(
    proposal: PolicyProposal, *, by: str, now: datetime, reason: str = ""
) -> PolicyProposal:
    """Put a proposal on trial. One that was on trial before is superseded.

    Raises NotPossible; ValueError without a reason for one that treats groups unevenly.
    """
    row = _locked(proposal, State.PROPOSED)
    if row.uneven and not reason.strip():
        raise ValueError("a reason is needed")
    row.placement.proposals.filter(state=State.CANARY).update(state=State.SUPERSEDED)
    return _decided(row, State.CANARY, by=by, now=now, why=reason)


@transaction.atomic
def reject(proposal: PolicyProposal, *, by: str, reason: str, now: datetime) -> PolicyProposal:
    """Raises NotPossible, ValueError without a reason."""
    if not reason.strip():
        raise ValueError("a reason is needed")
    return _decided(_locked(proposal, State.PROPOSED), State.REJECTED, by=by, now=now, why=reason)


@transaction.atomic
def serve(proposal: PolicyProposal, *, by: str, now: datetime) -> PolicyProposal:
    """End the trial well: the policy serves everybody. Raises NotPossible."""
    row = _locked(proposal, State.CANARY)
    row = _decided(row, State.APPROVED, by=by, now=now, why=row.reason)
    artifacts.promote(row.artifact, now=now, reason=f"promoted by {by}")
    return row


@transaction.atomic
def take_back(proposal: PolicyProposal, *, by: str, reason: str, now: datetime) -> PolicyProposal:
    """End a trial, or let what served before serve again: the last champion, or staff's weights.

    Raises NotPossible, ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("a reason is needed")
    row = _locked(proposal, State.CANARY, State.APPROVED)
    if row.state == State.APPROVED:
        if row.artifact.status != Artifact.Status.CHAMPION:
            raise NotPossible("another policy serves by now")
        _step_down(row, now=now)
    return _decided(row, State.RETURNED, by=by, now=now, why=reason)


def why_not(artifact: Artifact) -> str:
    """Why a policy may not serve; empty for one that a person approved. The guard of all doors."""
    found = PolicyProposal.objects.filter(artifact=artifact).select_related("placement").first()
    if found is None:
        return _("Nobody has evaluated this policy: “manage.py train policies” proposes policies.")
    if found.state == State.APPROVED:
        return ""
    told = {"placement": found.placement, "state": found.get_state_display()}
    return _(
        "Only an approved policy serves (this one: %(state)s). “%(placement)s” has a page."
    ) % (told)


def trial_of(proposal: PolicyProposal, *, now: datetime) -> Trial | None:
    """How the trial goes, by customer; None while one side has nobody.

    Decisions whose window is open count on both sides alike.
    """
    if proposal.decided_at is None:
        return None
    rows = trail(proposal.placement, until=now, whole=False)
    rows = rows.of(rows.at >= proposal.decided_at.timestamp())
    mine = rows.artifacts == proposal.artifact_id
    means = [_by_customer(rows.customers[side], rows.rewards[side]) for side in (mine, ~mine)]
    if min(len(one) for one in means) < 2:
        return None
    ours, theirs = means
    error = float(np.sqrt(ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs)))
    difference = float(ours.mean() - theirs.mean())
    look = sequences.Look(difference, error, min(len(ours), len(theirs)))
    reach = sequences.reach(look, planned=PLANNED)
    return Trial(difference, difference - reach, difference + reach, len(ours), len(theirs))


def look_after_trials(*, now: datetime) -> int:
    """Take back every policy whose trial is surely worse; return how many."""
    back = 0
    for proposal in PolicyProposal.objects.filter(state=State.CANARY).select_related("placement"):
        found = trial_of(proposal, now=now)
        if found is not None and found.is_worse:
            take_back(proposal, by="", reason="the trial is surely worse", now=now)
            back += 1
    return back


def _step_down(row: PolicyProposal, *, now: datetime) -> None:
    with suppress(artifacts.NothingToRollBackTo, artifacts.NotPromotable):
        artifacts.roll_back(row.artifact.name, now=now)
    artifacts.retire(row.artifact, reason="taken back")


def _locked(proposal: PolicyProposal, *states: str) -> PolicyProposal:
    rows = PolicyProposal.objects.select_for_update(of=("self",))
    row = rows.select_related("placement", "artifact").get(pk=proposal.pk)
    Placement.objects.select_for_update().get(pk=row.placement_id)  # one step at a time
    if row.state not in states:
        raise NotPossible(row.state)
    return row


def _decided(
    row: PolicyProposal, state: str, *, by: str, now: datetime, why: str = ""
) -> PolicyProposal:
    row.state, row.decided_by, row.decided_at, row.reason = state, by, now, why.strip()[:300]
    row.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    return row


def _by_customer(customers: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    _values, number = np.unique(customers, return_inverse=True)
    return np.bincount(number, weights=rewards) / np.maximum(np.bincount(number), 1)
