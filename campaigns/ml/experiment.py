"""Several variants against one control: what each changed, and whether that may be said by now.

Every variant gets an interval for one look chosen beforehand and one that may be looked at daily;
several are judged with the error shared among them (Bonferroni for intervals, Holm for p-values).
A covariate from before the experiment takes out what customers differed by anyway (CUPED: Deng,
Xu, Kohavi, Walker 2013).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.ml import designs, lift
from crm.ml import sequences

FEWEST_UNITS = 30  # of an arm, and this many of them must differ from the commonest outcome:
FEWEST_EVENTS = 5


@dataclass(frozen=True)
class Arm:
    """outcome: (units,) 0 or 1, or money; before: (units,) the same from before, if known."""

    outcome: np.ndarray
    before: np.ndarray | None = None

    @property
    def size(self) -> int:
        return len(self.outcome)

    @property
    def is_telling(self) -> bool:
        """Enough for a mean to be about normal."""
        if self.size < FEWEST_UNITS:
            return False
        counts = np.unique(self.outcome, return_counts=True)[1]
        return bool(self.size - counts.max() >= FEWEST_EVENTS)


@dataclass(frozen=True)
class Plan:
    """What is settled before the first look.

    shares: the planned sizes, alike if None. units: of an arm, where the interval of any look is
    at its narrowest. looks: parts of the planned units at the planned looks up to this one, by
    which the verdict then goes ((1.0,) for one look alone); None for a verdict at any look.
    """

    shares: Mapping[str, float] | None = None
    level: float = lift.LEVEL
    units: float = sequences.PLANNED
    looks: Sequence[float] | None = None


EVENLY = Plan()


@dataclass(frozen=True)
class Finding:
    """One variant against the control; None where an arm is too small to say anything."""

    difference: lift.Difference | None
    p_adjusted: float | None
    low: float | None  # of the sequence that holds at every look
    high: float | None
    always_p: float
    verdict: str
    ends: tuple[float, float] | None = None  # of the interval that the verdict goes by


@dataclass(frozen=True)
class Judged:
    control: str
    findings: Mapping[str, Finding]  # of every variant but the control
    sample_ratio_p: float
    variance_reduction: float | None  # share of the variance that `before` explains


def judge(arms: Mapping[str, Arm], *, control: str, is_share: bool, plan: Plan = EVENLY) -> Judged:
    """Compare every arm with the control.

    is_share: outcomes are 0 and 1. Raises KeyError for an unknown control, ValueError for looks
    that are none.
    """
    sizes = [arm.size for arm in arms.values()]
    ratio = lift.sample_ratio_p(sizes, [(plan.shares or {}).get(name, 1.0) for name in arms])
    adjusted, reduction = without_what_was(arms)
    others = [name for name in arms if name != control]
    level = 1.0 - (1.0 - plan.level) / max(len(others), 1)
    edge = None if plan.looks is None else designs.bounds(plan.looks, level=level)[-1]
    found = {
        name: _difference(
            adjusted[name], adjusted[control], is_share=is_share and reduction is None, level=level
        )
        for name in others
    }
    adjusted_p = holm({name: one.p_value for name, one in found.items() if one is not None})
    findings = {}
    for name in others:
        look = None
        if arms[name].is_telling and arms[control].is_telling:
            look = _look(adjusted[name], adjusted[control], is_share=is_share and reduction is None)
        always = _always(look, level=level, planned=plan.units)
        ends = always[:2] if edge is None else _between(look, edge)
        findings[name] = Finding(
            found[name],
            adjusted_p.get(name),
            *always,
            verdict=_verdict(*ends, ratio),
            ends=None if ends[0] is None or ends[1] is None else (ends[0], ends[1]),
        )
    return Judged(control, findings, ratio, reduction)


def without_what_was(arms: Mapping[str, Arm]) -> tuple[Mapping[str, Arm], float | None]:
    """Arms with outcomes less what `before` foretells, and the share of variance that took away.

    One slope for all arms, from the spread within arms, so that it cannot carry a difference
    between them. Unchanged, with None, unless every arm knows `before` and it varies.
    """
    pairs = [(arm.outcome, arm.before) for arm in arms.values() if arm.size]
    known = [(y, x) for y, x in pairs if x is not None]
    if len(known) < len(pairs) or not known:
        return arms, None
    y = np.concatenate([y - y.mean() for y, _ in known])
    x = np.concatenate([x - x.mean() for _, x in known])
    if not (x @ x) or not (y @ y):
        return arms, None
    slope = float(x @ y / (x @ x))
    middle = float(np.concatenate([x for _, x in known]).mean())
    left = {
        name: Arm(arm.outcome - slope * (np.asarray(arm.before) - middle))
        for name, arm in arms.items()
    }
    rest = y - slope * x
    return left, float(1.0 - (rest @ rest) / (y @ y))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p-value as it stands among the others (Holm 1979)."""
    ordered = sorted(p_values, key=lambda name: p_values[name])
    largest, adjusted = 0.0, {}
    for rank, name in enumerate(ordered):
        largest = max(largest, min(1.0, p_values[name] * (len(ordered) - rank)))
        adjusted[name] = largest
    return adjusted


def _difference(
    treated: Arm, control: Arm, *, is_share: bool, level: float
) -> lift.Difference | None:
    if is_share:
        return lift.difference_of_shares(_share(treated), _share(control), level=level)
    return lift.difference_of_means(_mean(treated), _mean(control), level=level)


def _always(
    look: sequences.Look | None, *, level: float, planned: float
) -> tuple[float | None, float | None, float]:
    """(low, high, p-value) at every look; None where it is too early for any."""
    if look is None:
        return None, None, 1.0
    reach = sequences.reach(look, level=level, planned=planned)
    p_value = sequences.p_of_difference(look, planned=planned)
    return look.estimate - reach, look.estimate + reach, p_value


def _between(look: sequences.Look | None, edge: float) -> tuple[float, float] | tuple[None, None]:
    """The difference, give or take so many standard errors."""
    if look is None:
        return None, None
    return look.estimate - edge * look.error, look.estimate + edge * look.error


def _look(treated: Arm, control: Arm, *, is_share: bool) -> sequences.Look:
    if is_share:
        return look_at_shares(_share(treated), _share(control))
    one, other = _mean(treated), _mean(control)
    error = (one.variance / max(one.size, 1) + other.variance / max(other.size, 1)) ** 0.5
    return sequences.Look(one.mean - other.mean, error, min(one.size, other.size))


def look_at_shares(treated: lift.Share, control: lift.Share) -> sequences.Look:
    """The difference of two shares, with the larger of its error and the error if there were none.

    Few hits in a small arm make its own variance look small just when the share is low by luck:
    a tenth held out would be beaten too often. The pooled variance does not follow such luck.
    """
    apart = sum(share.rate * (1 - share.rate) / max(share.size, 1) for share in (treated, control))
    hits, size = treated.hits + control.hits, treated.size + control.size
    pooled = hits / max(size, 1)
    alike = pooled * (1 - pooled) * sum(1 / max(share.size, 1) for share in (treated, control))
    return sequences.Look(
        treated.rate - control.rate, max(apart, alike) ** 0.5, min(treated.size, control.size)
    )


def _verdict(low: float | None, high: float | None, ratio: float) -> str:
    if ratio < lift.SUSPICIOUS:
        return "broken split"
    if low is None or high is None:
        return "too early"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no difference yet"


def _share(arm: Arm) -> lift.Share:
    return lift.Share(int(arm.outcome.sum()), arm.size)


def _mean(arm: Arm) -> lift.Mean:
    if arm.size < 2:
        return lift.Mean(arm.size, float(arm.outcome.sum()), 0.0)
    return lift.Mean(arm.size, float(arm.outcome.mean()), float(arm.outcome.var(ddof=1)))
