"""An online test of two artifacts: one list drafted of both, and whose products are clicked.

Each customer counts once, with the first day on which they clicked more of the one than of the
other: so customers are independent of each other, and nobody's habit counts a hundred times. Days
count when they are over (UTC). The interval holds however often it is looked at
(`crm/ml/sequences.py`), so a test may be stopped on any day that it is clear.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils.crypto import salted_hmac

from crm import artifacts
from crm.models import Artifact, Customer
from recommendations.models import Impression, Interleaving
from recommendations.recommended import Recommended

if TYPE_CHECKING:
    import numpy as np

    from crm.ml.sequences import Always

NAME = "recommender"
FRESH_FOR = timedelta(seconds=1)  # that no test runs; one that is stopped ends at once
COUNTED_CLICKS = 200_000  # of one test, the oldest


_none_at: dict[str, datetime] = {}


class AlreadyRunning(Exception):
    """One test at a time: a list has two sides."""


class NotComparable(Exception):
    """The two cannot be tested against each other; the message says why."""


class NoWinner(Exception):
    """The interval holds one half, or the test is over."""


@dataclass(frozen=True)
class Drafting:
    """The running test, for one customer at one placement on one day: the draft is the same."""

    test: Interleaving
    seed: bytes
    artifacts: tuple[Artifact, Artifact]

    def draft(
        self, lists: tuple[Sequence[Recommended], Sequence[Recommended]], *, n: int
    ) -> list[Recommended]:
        """One list of up to n; where both lists are the same there is nothing to find out."""
        from recommendations.ml.interleaving import chances, team_draft

        ids = [[line.product.pk for line in one] for one in lists]
        if ids[0][:n] == ids[1][:n]:
            return list(lists[0][:n])
        lines = [{line.product.pk: line for line in one} for one in lists]
        likely = chances(*ids, n=n)
        return [
            replace(
                lines[one.team][one.product],
                interleaving=self.test.pk,
                propensity=likely[place][one.product],
            )
            for place, one in enumerate(team_draft(*ids, n=n, rng=self._rng()))
        ]

    def _rng(self) -> "np.random.Generator":
        import numpy as np

        return np.random.default_rng(int.from_bytes(self.seed[:16], "big"))


@dataclass(frozen=True)
class Result:
    """What the customers of a test preferred until now."""

    first: int  # customers who preferred the first artifact
    second: int
    customers: int  # who were shown a list of the test
    interval: "Always"  # of the share that prefers the second
    p_value: float

    @property
    def winner(self) -> int | None:
        """0 for the first, 1 for the second; None as long as it could be chance."""
        if self.interval.low > 0.5:
            return 1
        return 0 if self.interval.high < 0.5 else None


def running(customer: Customer, placement: str, now: datetime) -> Drafting | None:
    """The test that this request takes part in. One query; none where a look just found no test."""
    if (looked := _none_at.get(NAME)) and timedelta() <= now - looked < FRESH_FOR:
        return None
    test = Interleaving.objects.running().select_related("first", "second").first()
    if test is None or test.started_at > now:
        _none_at[NAME] = now
        return None
    subject = f"{test.pk}:{customer.pk}:{placement}:{_day(now)}"
    seed = salted_hmac("recommendations.interleavings", subject, algorithm="sha256").digest()
    return Drafting(test, seed, (test.first, test.second))


def start(first: Artifact, second: Artifact, *, by: str, now: datetime) -> Interleaving:
    """Begin a test; from now on every list is drafted of both.

    Raises NotComparable, AlreadyRunning.
    """
    from recommendations.ml.shop import ShopRecommender

    if first.pk == second.pk:
        raise NotComparable("an artifact cannot be tested against itself")
    for one in (first, second):
        try:
            artifacts.load(ShopRecommender, one)
        except artifacts.UnreadableArtifact as reason:
            raise NotComparable(str(reason)) from reason
    forget()
    try:
        with transaction.atomic():
            return Interleaving.objects.create(
                name=NAME, first=first, second=second, started_by=by, started_at=now
            )
    except IntegrityError:
        raise AlreadyRunning("another test is running") from None


def forget() -> None:
    """Look for a test at the next request, however lately there was none."""
    _none_at.clear()


def stop(test: Interleaving, *, now: datetime) -> bool:
    """End the test: the champion alone makes the lists again. Twice is once."""
    return bool(Interleaving.objects.running().filter(pk=test.pk).update(stopped_at=now))


def promote_winner(test: Interleaving, *, now: datetime) -> Artifact:
    """Stop, and let the winner serve. Raises NoWinner as long as there is none."""
    found = result(test, now=now)
    if found.winner is None:
        raise NoWinner(f"test #{test.pk} has no winner")
    winner = (test.first, test.second)[found.winner]
    with transaction.atomic():
        stop(test, now=now)
        if not Interleaving.objects.filter(pk=test.pk, promoted=None).update(promoted=winner):
            raise NoWinner(f"the winner of test #{test.pk} was promoted already")
        wins = max(found.first, found.second)
        of = found.first + found.second
        reason = f"won test #{test.pk}: preferred by {wins} of {of} customers"
        artifacts.promote(winner, now=now, reason=reason)
    return winner


def result(test: Interleaving, *, now: datetime) -> Result:
    """What customers preferred on the days that are over. Two queries."""
    from crm.ml.sequences import p_value, share

    shown = Impression.objects.filter(interleaving=test)
    wins = Counter(_preferences(test, _clicks(test, now)).values())
    total = wins.total()
    return Result(
        first=wins[0],
        second=wins[1],
        customers=shown.aggregate(count=Count("customer", distinct=True))["count"],
        interval=share(wins[1], total),
        p_value=p_value(wins[1], total),
    )


def _clicks(test: Interleaving, now: datetime) -> Iterable[tuple[int, date, str]]:
    """(customer, day, artifact) of every click that counts, by day."""
    until = test.stopped_at or now.astimezone(UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    clicked = Impression.objects.filter(interleaving=test, clicked_at__lt=until)
    rows = clicked.order_by("shown_at", "pk").values_list(
        "customer_id", "shown_at", "clicked_at", "artifact"
    )
    for customer, shown_at, clicked_at, artifact in rows[:COUNTED_CLICKS]:
        # What is clicked on the next day would change one that has been counted.
        if clicked_at is not None and _day(clicked_at) == _day(shown_at):
            yield customer, _day(shown_at), artifact


def _preferences(test: Interleaving, clicks: Iterable[tuple[int, date, str]]) -> dict[int, int]:
    """The team that each customer preferred on the first day that says so."""
    from recommendations.ml.interleaving import preferred

    teams = {f"{NAME}#{pk}": team for team, pk in enumerate((test.first_id, test.second_id))}
    counts: dict[tuple[int, date], list[int]] = {}
    for customer, day, artifact in clicks:
        if artifact in teams:  # what sells stands in where nothing is known of somebody
            counts.setdefault((customer, day), [0, 0])[teams[artifact]] += 1
    found: dict[int, int] = {}
    for (customer, _), (first, second) in sorted(counts.items(), key=lambda one: one[0][1]):
        team = preferred(first, second)
        if team is not None:
            found.setdefault(customer, team)
    return found


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
