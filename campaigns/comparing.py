"""Arms against one another: what may be said of a difference by now, and how long the rest takes.

A verdict goes by the interval that holds at every look (`campaigns/ml/waiting.py`), or at those
that the design has (`campaigns/looking.py`), the error shared among several variants; money is
compared less what customers spent before (CUPED).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.arms import BEFORE, Arm
from campaigns.looking import Looking
from campaigns.ml import experiment, lift, waiting
from campaigns.models import Campaign
from crm.ml import sequences

VERDICTS = {"better": "better", "worse": "worse", "too early": "early"}


@dataclass(frozen=True)
class Comparison:
    """One arm against another; the differences are None while an arm is empty.

    conversion, revenue_each: their intervals are for one look, when the window has ended;
    always: of the conversion, by which the verdict goes, as the design says; spared: what spending
    before explains of the variance.
    """

    label: str
    against: str
    conversion: lift.Difference | None
    revenue_each: lift.Difference | None
    revenue_total: lift.Difference | None
    always: tuple[float, float] | None
    p_adjusted: float | None
    spared: float | None
    verdict: str  # better, worse, unclear, early, waits (for its look)
    wait: waiting.Wait

    @property
    def is_shown(self) -> bool:
        return self.verdict in ("better", "worse")


class Comparing:
    """Arms against one, by the looks so far; `expected` is guessed from the time before."""

    def __init__(self, campaign: Campaign, now: datetime, looks: Looking) -> None:
        self.looks = looks
        self.window = float(campaign.attribution_days)
        passed = (now - campaign.started_at) / timedelta(days=1) if campaign.started_at else 0.0
        self.elapsed = min(max(passed, 0.0), self.window)
        self.customers = campaign.audience_size

    def __call__(self, arms: Sequence[Arm], control: Arm) -> list[Comparison]:
        if not arms:
            return []
        every = {str(place): arm for place, arm in enumerate([control, *arms])}
        bought = {n: experiment.Arm(arm.outcomes.bought) for n, arm in every.items()}
        money = {n: experiment.Arm(a.outcomes.spent, a.outcomes.before) for n, a in every.items()}
        plan = experiment.Plan(
            shares={name: max(arm.planned, 1e-9) for name, arm in every.items()},
            units=self._planned(list(every.values())),
            looks=self.looks.looks or None,
        )
        seen = experiment.judge(bought, control="0", is_share=True, plan=plan)
        spent = experiment.judge(money, control="0", is_share=False, plan=plan)
        return [
            self._one(every[name], control, finding, spent.findings[name], spent)
            for name, finding in seen.findings.items()
        ]

    def _planned(self, arms: Sequence[Arm]) -> float:
        size = sum(arm.size for arm in arms)
        units = min(arm.size for arm in arms)
        if not size:
            return float(sequences.PLANNED)
        regulars = sum(int((arm.outcomes.before > 0).sum()) for arm in arms) / size
        then = regulars * min(self.window / (BEFORE / timedelta(days=1)), 1.0)
        now = sum(arm.converted.hits for arm in arms) / size
        return waiting.planned_units(units, expected=then * (1 - then), seen=now * (1 - now))

    def _one(
        self,
        arm: Arm,
        control: Arm,
        finding: experiment.Finding,
        money: experiment.Finding,
        spent: experiment.Judged,
    ) -> Comparison:
        each = money.difference
        is_due = self.looks.is_due
        verdict = VERDICTS.get(finding.verdict, "unclear") if is_due else "waits"
        return Comparison(
            label=arm.label if arm.variant else "all",
            against=control.label,
            conversion=finding.difference,
            revenue_each=each,
            revenue_total=each.times(arm.size) if each else None,
            always=finding.ends if is_due else None,
            p_adjusted=finding.p_adjusted,
            spared=spent.variance_reduction,
            verdict=verdict,
            wait=self._wait(finding)
            if verdict == "unclear" and self.looks.looks is None
            else waiting.Wait(),
        )

    def _wait(self, finding: experiment.Finding) -> waiting.Wait:
        if finding.difference is None or finding.low is None or finding.high is None:
            return waiting.Wait()
        return waiting.wait(
            finding.difference,
            reach=(finding.high - finding.low) / 2,
            elapsed=self.elapsed,
            window=self.window,
            customers=self.customers,
        )
