"""How a placement does, from its log: week by week, whether it drifts, and whom offers reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from campaigns.decisions import explaining, groups
from campaigns.decisions.log import Trail, newest, offers_of
from campaigns.decisions.snapshots import FEATURES
from campaigns.ml import stability
from campaigns.models import Placement, PolicyProposal
from crm import intervals

WEEK = 7 * 86_400
WEEKS = 12
FEWEST = 200  # decisions on each side, before a drift is spoken of
REACH = 1.96  # standard errors: 19 times in 20
LABELS: dict[str, str] = {
    "is_known": gettext_noop("share of known customers"),
    "reads_chinese": gettext_noop("share of readers of Chinese"),
    "tenure": gettext_noop("days since the first visit"),
    "days_since_seen": gettext_noop("days since the last visit"),
    "orders": gettext_noop("number of orders"),
    "spend": gettext_noop("money spent"),
    "days_since_order": gettext_noop("days since the last order"),
    "contacts": gettext_noop("actions here lately"),
    "propensity": gettext_noop("chance of what was chosen"),
}


@dataclass(frozen=True)
class Estimate:
    """A mean of decisions and its interval; those of one customer are not independent."""

    value: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: np.ndarray, customers: np.ndarray) -> "Estimate":
        mean = float(values.mean())
        _, number = np.unique(customers, return_inverse=True)
        off = np.bincount(number, weights=values - mean)
        error = REACH * float(np.sqrt((off**2).sum())) / len(values)
        # Micro-units: the chances of the log are rounded, and what is zero is to look like it.
        return cls(*(round(end, 6) for end in (mean, mean - error, mean + error)))


@dataclass(frozen=True)
class Week:
    """What a policy did in a week.

    gain: the reward of a decision less what even shares among its eligible actions would have
    brought (inverse propensity). regret: what the best policy of the week would have brought more,
    by its mean, over all decisions.
    """

    until: datetime
    policy: str
    decisions: int
    explored: float
    reward: Estimate
    gain: Estimate
    regret: float


@dataclass(frozen=True)
class Drift:
    name: str
    index: float

    @property
    def is_alarm(self) -> bool:
        return self.index >= stability.SHIFTED


def weeks(placement: Placement, rows: Trail, *, now: datetime) -> list[Week]:
    """Of each week and policy, the newest first. One query."""
    if not len(rows):
        return []
    proposals = PolicyProposal.objects.filter(placement=placement)
    names = dict(proposals.values_list("artifact_id", "kind"))
    ago = ((now.timestamp() - rows.at) // WEEK).astype(int)
    found = []
    for week in np.unique(ago)[:WEEKS]:
        until = datetime.fromtimestamp(now.timestamp() - week * WEEK, tz=now.tzinfo)
        of_week = rows.of(ago == week)
        best = max(
            float(of_week.rewards[of_week.artifacts == pk].mean())
            for pk in np.unique(of_week.artifacts)
        )
        for pk in np.unique(of_week.artifacts).tolist():
            mine = of_week.of(of_week.artifacts == pk)
            even = 1.0 / mine.eligible.sum(axis=1) / mine.propensities
            reward = Estimate.of(mine.rewards, mine.customers)
            found.append(
                Week(
                    until=until,
                    policy=explaining.kind(names.get(pk, "rules")),
                    decisions=len(mine),
                    explored=float(mine.explored.mean()),
                    reward=reward,
                    gain=Estimate.of(mine.rewards * (1.0 - even), mine.customers),
                    regret=(best - reward.value) * len(mine),
                )
            )
    return found


def gains(found: list[Week]) -> intervals.Drawn | None:
    """The gain over even shares, drawn: each week and policy that did not share evenly itself."""
    return intervals.drawn(
        [
            (
                f"{date_format(one.until, 'SHORT_DATE_FORMAT')} · {one.policy}",
                one.gain.value,
                one.gain.lower,
                one.gain.upper,
            )
            for one in found
            if one.gain.upper > one.gain.lower
        ]
    )


def drifts(rows: Trail, *, now: datetime) -> list[Drift]:
    """The last seven days beside all before: features, and the chances of what was chosen."""
    late = rows.at >= now.timestamp() - WEEK
    if min(int(late.sum()), int((~late).sum())) < FEWEST:
        return []
    columns = {name: rows.contexts[:, place] for place, name in enumerate(FEATURES)}
    columns["propensity"] = rows.propensities
    return [
        Drift(_(LABELS[name]), stability.index(values[~late], values[late]))
        for name, values in columns.items()
    ]


def reached(placement: Placement, rows: Trail, *, now: datetime) -> list[dict[str, Any]]:
    """Whom offers of value reached, by each customer's newest decision. Two queries."""
    if not len(rows):
        return []
    last = rows.of(newest(rows.customers))
    offered, value = offers_of(placement, rows.order)
    chosen = last.actions
    found = groups.exposures(last.customers, offered[chosen], value[chosen], now=now)
    return [
        {
            "name": _(groups.GROUPINGS[name]),
            "seen": seen,
            "drawn": intervals.drawn(
                [
                    (_named(group, one.size), one.share, one.lower, one.upper)
                    for group, one in seen.groups.items()
                ],
                say=intervals.as_share,
            ),
            "values": [(group_name(group), one.value) for group, one in seen.groups.items()],
        }
        for name, seen in found.items()
    ]


def uneven(proposal: PolicyProposal) -> list[str]:
    """In words: the groupings in which a proposal breaks the four-fifths rule."""
    told: Mapping[str, Any] = proposal.evaluation.get("exposure", {})
    return [
        _("%(grouping)s: offers reach one group %(ratio)s as often as another, at most %(upper)s")
        % {
            "grouping": _(groups.GROUPINGS[name]),
            "ratio": intervals.as_share(told[name]["ratio"]["value"]),
            "upper": intervals.as_share(told[name]["ratio"]["upper"]),
        }
        for name in proposal.uneven
    ]


def group_name(group: str) -> str:
    return _(groups.NAMES[group]) if group in groups.NAMES else group


def _named(group: str, size: int) -> str:
    return _("%(group)s (%(size)s customers)") % {"group": group_name(group), "size": f"{size:,}"}
