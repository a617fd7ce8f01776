"""When the result of a campaign is judged: at any look, at a few planned ones, or once.

A planned look counts what was bought until its moment, however much later the page is opened, so
that opening it often is not looking often.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.ml import designs, waiting
from campaigns.models import Campaign

LOOKS = (0.25, 0.5, 0.75, 1.0)  # parts of the window at which planned looks lie
Design = Campaign.Design


@dataclass(frozen=True)
class Looking:
    """until: the moment of the last look, None for now. looks: the parts of the window at all
    looks so far, None where any look is allowed. next_at: the look to come, if one is."""

    until: datetime | None = None
    looks: tuple[float, ...] | None = None
    next_at: datetime | None = None

    @property
    def is_due(self) -> bool:
        """Whether there has been a look that a verdict may go by."""
        return self.looks is None or bool(self.looks)


def of(campaign: Campaign, *, now: datetime) -> Looking:
    planned = _planned(campaign.design)
    if planned is None:
        return Looking()
    if campaign.started_at is None:
        return Looking(looks=())
    window = timedelta(days=campaign.attribution_days)
    moments = [campaign.started_at + part * window for part in planned]
    past = sum(moment <= now for moment in moments)
    return Looking(
        until=moments[past - 1] if past else None,
        looks=planned[:past],
        next_at=moments[past] if past < len(moments) else None,
    )


def level(design: str) -> float:
    """The level of a single look whose interval is as wide as the last one of this design."""
    planned = _planned(design)
    if planned is None:
        return waiting.any_look_level()
    return waiting.level_of(designs.bounds(planned)[-1])


def _planned(design: str) -> tuple[float, ...] | None:
    if design == Design.ANY:
        return None
    return LOOKS if design == Design.LOOKS else LOOKS[-1:]
