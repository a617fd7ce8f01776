"""What the pages of policies and decisions show, in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, gettext_noop
from django.utils.translation import gettext as _

from campaigns.decisions import approving, explaining, watching
from campaigns.decisions.deciding import Decided, told
from campaigns.decisions.log import trail
from campaigns.decisions.snapshots import FEATURES
from campaigns.models import NOTHING, Decision, Placement, PolicyProposal
from campaigns.models.placements import named
from crm import intervals
from crm.models import Artifact
from crm.phrasing import Phrases

State = PolicyProposal.State
NEWEST = 40
VERDICTS: dict[str, Promise] = {
    "promote": gettext_lazy("surely better"),
    "worse": gettext_lazy("surely worse"),
    "no difference": gettext_lazy("no sure difference"),
    "insufficient support": gettext_lazy("too little support"),
}
LACKING = Phrases(
    gettext_noop("effective sample size is %(size)s, below %(least)s"),
    gettext_noop("%(share)s of the log count, below %(least)s"),
    gettext_noop("the mean weight is %(weight)s, outside %(range)s"),
    gettext_noop("%(share)s of the candidate's choices were never tried"),
    gettext_noop("unsubscribes may rise by %(points)s points, above %(least)s"),
    gettext_noop("the trial is surely worse"),
    gettext_noop("the lower end of another one is higher"),
)


@dataclass(frozen=True)
class Line:
    """A proposal as its row shows it."""

    proposal: PolicyProposal
    name: str
    verdict: str
    reasons: Sequence[str]
    uneven: Sequence[str]
    serves: bool
    trial: approving.Trial | None

    @property
    def can_be_taken_back(self) -> bool:
        return self.proposal.state == State.CANARY or self.serves


@dataclass(frozen=True)
class Candidate:
    """An action in the explorer: with its chance, or with every reason against it."""

    slug: str
    name: str
    chance: float | None
    reasons: Sequence[str]
    is_chosen: bool


def policies(placement: Placement, *, now: datetime) -> dict[str, Any]:
    """Ten queries, and two for the one on trial."""
    rows = placement.proposals.exclude(state=State.SUPERSEDED).select_related("artifact")
    found = list(rows.order_by("-made_at", "kind")[:NEWEST])
    lines = [_line(row, now=now) for row in found]
    past = trail(placement, until=now, whole=False)
    weeks = watching.weeks(placement, past, now=now)
    drifts = watching.drifts(past, now=now)
    return {
        "placement": placement,
        "lines": lines,
        "gains": watching.gains(weeks),
        "drifts": sorted(drifts, key=lambda one: -one.index),
        "is_drifting": any(one.is_alarm for one in drifts),
        "reached": watching.reached(placement, past, now=now),
        "serving": next((one for one in lines if one.serves), None),
        "drawn": intervals.drawn(_bars(lines)),
        "weeks": weeks,
    }


def _line(row: PolicyProposal, *, now: datetime) -> Line:
    reasons = [LACKING.said(text) for text in row.evaluation.get("reasons", ())]
    return Line(
        proposal=row,
        name=explaining.kind(row.kind),
        verdict=str(VERDICTS.get(row.evaluation.get("verdict", ""), "")),
        reasons=[*reasons, LACKING.said(row.reason)] if row.reason else reasons,
        uneven=watching.uneven(row),
        serves=row.artifact.status == Artifact.Status.CHAMPION,
        trial=approving.trial_of(row, now=now) if row.state == State.CANARY else None,
    )


def _bars(lines: Sequence[Line]) -> list[tuple[str, float, float, float]]:
    """The gain of each over what serves, where it has two ends."""
    bars = []
    for one in lines:
        gain: Mapping[str, Any] = one.proposal.evaluation["gain"]
        if gain["lower"] is not None and gain["upper"] is not None:
            bars.append((one.name, gain["value"], gain["lower"], gain["upper"]))
    return bars


def decision(row: Decision) -> dict[str, Any]:
    """A decision as its page shows it, from the log."""
    return explored(told(row), row.catalogue.content, row.policy)


def explored(one: Decided, content: Mapping[str, Any], policy: str) -> dict[str, Any]:
    """Eligible actions with their chances, best first; then the others with all reasons."""
    language, made = get_language() or "en", one.made
    names = {action["slug"]: action["names"] for action in content["actions"]}

    def candidate(slug: str) -> Candidate:
        return Candidate(
            slug=slug,
            name=_("nothing")
            if slug == NOTHING
            else named(names[slug][0], names[slug][1], language),
            chance=made.candidates.get(slug),
            reasons=[explaining.code(code) for code in made.refused.get(slug, ())],
            is_chosen=slug == one.choice,
        )

    eligible = sorted(made.candidates, key=lambda slug: (-made.candidates[slug], slug))
    words = explaining.sentence(
        one.choice, names.get(one.choice, ["", ""]), policy, made.candidates, made.reasons, language
    )
    return {
        "words": words,
        "eligible": [candidate(slug) for slug in eligible],
        "refused": [candidate(slug) for slug in made.refused],
        "features": [
            explaining.said(name, value) for name, value in zip(FEATURES, one.features, strict=True)
        ],
        "due_at": made.due_at,
        "is_exploration": made.is_exploration,
    }
