"""A campaign that everybody enters at once: how sure one may be while its window is still open.

The arms do not grow, what they buy does. A difference and the square of its error rise with the
time that has passed, so the sequence that holds at every look is planned by the error that it will
have at the end of the window, guessed from how much the audience bought before it began. A plan
drawn from what has come since would follow the data, and its promise would be lost.
"""

from dataclasses import dataclass
from math import ceil, log, sqrt

from scipy.special import ndtr

from campaigns.ml import designs, lift
from crm.ml import sequences

FARTHEST = 1e4  # times the information so far; beyond, nothing is promised
LEAST_LIFT, MOST_LIFT = 1e-4, 50.0


@dataclass(frozen=True)
class Wait:
    """Until a difference such as this one would be shown: days more, or else how many customers
    another campaign needs (days is None: not within the window); both None for no difference."""

    days: int | None = None
    customers: int | None = None


def planned_units(units: int, *, expected: float, seen: float) -> float:
    """What `experiment.Plan.units` is for arms of fixed size.

    units: of the smaller arm; expected, seen: variance of a customer's outcome, as guessed for the
    end of the window and as it is by now.
    """
    return units * expected / seen if expected > 0 and seen > 0 else float(units)


def wait(
    difference: lift.Difference,
    *,
    reach: float,
    elapsed: float,
    window: float,
    customers: int,
) -> Wait:
    """How long until the sequence of this difference leaves zero, were it to go on as so far.

    reach: half of the sequence's width; elapsed and window in days.
    """
    size = abs(difference.estimate)
    if not size or not elapsed:
        return Wait()
    left = max(window / elapsed, 1.0)
    times = max((reach / size) ** 2, 1.0)  # the difference grows with time, its error with the root
    if times <= left:
        return Wait(days=ceil(elapsed * (times - 1.0)))
    more = times / left
    return Wait(customers=ceil(customers * more)) if more <= FARTHEST else Wait()


def level_of(errors: float) -> float:
    """The level of an interval that reaches so many standard errors to each side."""
    return float(2 * ndtr(errors) - 1)


def any_look_level(level: float = lift.LEVEL) -> float:
    """The level of a single look as wide as the sequence is at its narrowest."""
    narrowest = sequences.NARROWEST
    wide = (1 + 1 / narrowest) * (2 * log(1 / (1 - level)) + log(1 + narrowest))
    return level_of(sqrt(wide))


def smallest_lift(
    base: float, treated: int, control: int, *, level: float | None = None
) -> float | None:
    """The relative rise over the base rate that 8 of 10 such campaigns would show; None: none.

    level: of the interval that the verdict goes by; that of any look by default.
    """
    if not 0 < base < 1 or not treated or not control:
        return None
    alike = 2.0 / (1.0 / treated + 1.0 / control)  # arms of one size that know as much
    most = min(MOST_LIFT, (1 - base) / base * 0.999)

    from scipy.optimize import brentq  # no server needs it from the start

    def lacks(rise: float) -> float:
        return designs.units_for_shares(base, rise, level=level or any_look_level()) - alike

    if lacks(most) > 0:
        return None
    return float(brentq(lacks, LEAST_LIFT, most, rtol=1e-4)) if lacks(LEAST_LIFT) > 0 else 0.0


def customers_for(
    base: float, rise: float, *, holdout: float, level: float | None = None
) -> int | None:
    """The audience of which this share held out shows the rise in 8 of 10 campaigns."""
    if not 0 < holdout < 1 or not 0 < base < 1 or base * (1 + rise) >= 1:
        return None
    alike = designs.units_for_shares(base, rise, level=level or any_look_level())
    return ceil(alike / 2 * (1 / holdout + 1 / (1 - holdout)))
