"""Train the chances that a customer buys or stays away within 30 and 90 days."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db.models import Max, Min

from crm import artifacts, features, scores, training
from crm.models import Artifact
from crm.models import Order as Bought
from crm.scores.propensity import GOALS, Goal
from crm.training import Evidence, Order, TooLittleData, Trainer

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.propensity import Propensity

FEWEST_CUSTOMERS = 500
SHORTEST = 180  # days from the first order to the last
HISTORY = 60  # days of orders before the first moment that is learned from
MOMENTS = 4  # earlier moments that are learned from, a horizon apart
MOST_ROWS = 60_000
SERVED = ("logistic", "svm", "boosting")  # quick for a million customers
HELD = 0.2  # of the customers, for the figures of a random split


@dataclass(frozen=True)
class Sample:
    """Customers at one or several moments, and what came true."""

    ids: "np.ndarray"
    matrix: "np.ndarray"
    target: "np.ndarray"
    left_out: int = 0


def train_propensity(goal: Goal, order: Order) -> dict[str, Any]:
    """Learn from earlier moments, judge on the latest whose outcome is known."""
    from crm.ml.propensity import NothingToLearn

    started = time.process_time()
    earlier, latest = _moments(goal, order.as_of)
    past, later = _joined([_sample(goal, at) for at in earlier]), _sample(goal, latest)
    if len(later.ids) < FEWEST_CUSTOMERS:
        raise TooLittleData(
            f"{goal.name}: {len(later.ids)} customers who bought within {goal.within} days; at "
            f"least {FEWEST_CUSTOMERS} needed"
        )
    try:
        candidate = _fitted(goal, past, order.seed)
        final = _fitted(goal, _joined([later, past]), order.seed)
        at_random = _at_random(goal, past, order.seed)
    except NothingToLearn as reason:
        raise TooLittleData(f"{goal.name}: {reason}") from None
    report = training.conclude(
        final, _evidence(goal, (candidate, final), past, later, at_random, started), order
    )
    if report["promoted"]:
        artifact = Artifact.objects.get(pk=report["artifact"])
        scores.refresh_propensity(final, artifact, as_of=order.as_of, now=order.now)
    return report


TRAINERS: dict[str, Trainer] = {
    name: partial(train_propensity, goal) for name, goal in GOALS.items()
}


def _evidence(
    goal: Goal,
    fitted: "tuple[Propensity, Propensity]",
    past: Sample,
    later: Sample,
    at_random: dict[str, float],
    started: float,
) -> Evidence:
    from crm.ml import judging

    candidate, final = fitted
    chance = candidate.predict(later.matrix)
    backtest = _backtest(goal, chance, past, later) | {"random_split": at_random}
    final.remember(backtest["tenths"])
    champion = training.again(
        artifacts.load_serving(type(final)),
        candidate,
        lambda settings: type(final)(**settings).fit(past.matrix, past.target),
    )
    silence = later.matrix[:, features.NAMES.index("days_since_order")]
    by_silence = silence if goal.is_silence else -silence
    return Evidence(
        metric="auc",
        metrics=judging.quality(later.target, chance),
        baseline={"auc": round(judging.auc(later.target, by_silence), 4)},
        champion=judging.quality(later.target, champion.predict(later.matrix))
        if champion
        else None,
        data_fingerprint=training.fingerprint(past.ids, past.matrix, past.target),
        rows=len(past.ids) + len(later.ids),
        seconds=time.process_time() - started,
        backtest=backtest,
    )


def _backtest(goal: Goal, chance: "np.ndarray", past: Sample, later: Sample) -> dict[str, Any]:
    """What the admin shows of the chances given at the latest moment, and of what came true."""
    from crm.ml import judging

    return {
        "kind": "chance",
        "days": goal.days,
        "rate": round(float(later.target.mean()), 4),
        "tenths": judging.by_tenths(later.target, chance),
        "time_split": judging.quality(later.target, chance),
        "members": _alone(past, later),
        "left_out_orders": later.left_out,
    }


def _moments(goal: Goal, as_of: datetime) -> tuple[list[datetime], datetime]:
    """Moments to learn from, and the one to judge at. Silence after the last order is of the
    records, so the clock stops there."""
    span = Bought.objects.sales().filter(placed_at__lte=as_of)
    found = span.aggregate(first=Min("placed_at"), last=Max("placed_at"))
    if found["last"] is None:
        raise TooLittleData(f"{goal.name}: no orders yet")
    days = (found["last"] - found["first"]).days
    needed = max(SHORTEST, 2 * goal.days + HISTORY)
    if days < needed:
        raise TooLittleData(f"{goal.name}: {days} days of orders; at least {needed} needed")
    latest = found["last"] - timedelta(days=goal.days)
    start = found["first"] + timedelta(days=HISTORY)
    steps = (latest - timedelta(days=goal.days * step) for step in range(1, MOMENTS + 1))
    return [moment for moment in steps if moment >= start], latest


def _sample(goal: Goal, moment: datetime) -> Sample:
    table = features.build(goal.people(as_of=moment), as_of=moment)
    target = goal.labels(table.ids, after=moment)
    return Sample(table.ids, table.matrix, target, table.left_out)


def _joined(samples: Sequence[Sample]) -> Sample:
    import numpy as np

    ids = np.concatenate([sample.ids for sample in samples])
    matrix = np.vstack([sample.matrix for sample in samples])
    target = np.concatenate([sample.target for sample in samples])
    step = -(-len(ids) // MOST_ROWS) or 1
    return Sample(ids[::step], matrix[::step], target[::step])


def _fitted(goal: Goal, sample: Sample, seed: int) -> "Propensity":
    from crm.ml import propensity

    kind = {one.name: one for one in propensity.Propensity.__subclasses__()}[goal.name]
    return kind(members=SERVED, seed=seed).fit(sample.matrix, sample.target)


def _at_random(goal: Goal, past: Sample, seed: int) -> dict[str, float]:
    """How good it looks when customers, not days, are held back."""
    import numpy as np

    from crm.ml import judging

    people = np.unique(past.ids)
    held_people = np.random.default_rng(seed).random(len(people)) < HELD
    held = held_people[np.searchsorted(people, past.ids)]
    kept = Sample(past.ids[~held], past.matrix[~held], past.target[~held])
    chance = _fitted(goal, kept, seed).predict(past.matrix[held])
    return judging.quality(past.target[held], chance)


def _alone(past: Sample, later: Sample) -> dict[str, float]:
    """The area under the curve of every kind of model by itself, on the same later time."""
    from crm.ml import judging
    from crm.ml.members import MEMBERS, Task
    from crm.ml.propensity import rounded

    task = Task(rounded(past.matrix), past.target, (0,) * past.matrix.shape[1], 0, 8)
    matrix = rounded(later.matrix)
    return {
        name: round(judging.auc(later.target, fit(task).margin(matrix)), 4)
        for name, fit in MEMBERS.items()
    }
