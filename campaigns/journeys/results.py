"""What a journey did: who is where, what became of its messages, and who reached the goal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count

from campaigns.ml import lift
from campaigns.models import Delivery, Journey, Passage, PassageStep

State = Passage.State
Status = Delivery.Status


@dataclass(frozen=True)
class Messages:
    """Of one node, or of all: `total` is the sum of the others, always."""

    statuses: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def sent(self) -> int:
        return sum(self.statuses.get(status, 0) for status in Delivery.WENT_OUT)

    @property
    def failed(self) -> int:
        return self.statuses.get(Status.FAILED, 0)

    @property
    def skipped(self) -> int:
        return self.statuses.get(Status.SKIPPED, 0)

    @property
    def uncertain(self) -> int:
        return self.statuses.get(Status.UNCERTAIN, 0)

    @property
    def waiting(self) -> int:
        return self.statuses.get(Status.QUEUED, 0) + self.statuses.get(Status.SENDING, 0)


@dataclass(frozen=True)
class Result:
    states: Mapping[str, int]
    goals: Mapping[str, int]  # by state
    here: Mapping[str, int]
    passed: Mapping[str, int]
    by_node: Mapping[str, Messages]
    skipped: Sequence[tuple[str, int]]

    @cached_property
    def messages(self) -> Messages:
        summed: dict[str, int] = {}
        for one in self.by_node.values():
            for status, number in one.statuses.items():
                summed[status] = summed.get(status, 0) + number
        return Messages(summed)

    @property
    def entered(self) -> int:
        return sum(number for state, number in self.states.items() if state != State.HELD_OUT)

    @property
    def walked(self) -> lift.Share:
        reached = sum(number for state, number in self.goals.items() if state != State.HELD_OUT)
        return lift.Share(reached, self.entered)

    @property
    def held_out(self) -> lift.Share:
        return lift.Share(self.goals.get(State.HELD_OUT, 0), self.states.get(State.HELD_OUT, 0))

    @property
    def difference(self) -> lift.Difference | None:
        """Shares who reached the goal, against the held out; None while there is too little."""
        if not self.held_out.size or not self.entered:
            return None
        return lift.difference_of_shares(self.walked, self.held_out)


def of(journey: Journey) -> Result:
    """Five queries, whatever the size."""
    ours = Passage.objects.filter(journey=journey)
    states = {
        state: (number, goals)
        for state, number, goals in ours.values_list("state")
        .annotate(Count("pk"), Count("goal_at"))
        .order_by()
    }
    by_node: dict[str, dict[str, int]] = {}
    sent = Delivery.objects.filter(campaign__journey=journey)
    for node, status, number in sent.values_list("step", "status").annotate(Count("pk")).order_by():
        by_node.setdefault(node, {})[status] = number
    skipped = sent.filter(status=Status.SKIPPED).values_list("reason").annotate(number=Count("pk"))
    came = PassageStep.objects.filter(passage__journey=journey).values_list("node")
    return Result(
        states={state: number for state, (number, _goals) in states.items()},
        goals={state: goals for state, (_number, goals) in states.items()},
        here=people_at(journey),
        passed=dict(came.annotate(Count("passage", distinct=True)).order_by()),
        by_node={node: Messages(statuses) for node, statuses in sorted(by_node.items())},
        skipped=list(skipped.order_by("-number", "reason")),
    )


def people_at(journey: Journey) -> dict[str, int]:
    walking = Passage.objects.walking().filter(journey=journey).values_list("node")
    return dict(walking.annotate(Count("pk")).order_by())


def states_of(journeys: Sequence[Journey]) -> dict[int, dict[str, int]]:
    """How many people of each journey are in each state, for the list; one query."""
    rows = Passage.objects.filter(journey__in=journeys).values_list("journey_id", "state")
    counted: dict[int, dict[str, int]] = {}
    for journey_id, state, number in rows.annotate(Count("pk")).order_by():
        counted.setdefault(journey_id, {})[state] = number
    return counted
