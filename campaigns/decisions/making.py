"""A decision as a function of a snapshot, a policy and a number: no table, clock or coin.

`deciding` makes decisions with it, `replaying` makes them again from the log.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from campaigns.decisions import catalogues, explaining, rules
from campaigns.decisions.policies import Serving
from campaigns.decisions.rules import Standing
from campaigns.ml.choosing import Chosen, choose

DIGITS = 12  # of a chance in the log


class Case(NamedTuple):
    features: Sequence[float]
    standing: Standing
    number: float  # in [0, 1), which the choice is drawn with


class Made(NamedTuple):
    """A choice with everything that led to it."""

    choice: str
    propensity: float
    candidates: dict[str, float]
    refused: dict[str, list[str]]
    reasons: list[list[Any]]
    due_at: datetime
    standing: Standing  # with what had run out by then
    is_exploration: bool


def make(
    content: Mapping[str, Any],
    serving: Serving,
    cases: Sequence[Case],
    *,
    at: datetime,
    left: Mapping[str, int] | None = None,
) -> list[Made]:
    """Decide for one after the other. left: how often actions may still be chosen, by slug."""
    if not cases:
        return []
    maker = _Maker(content, serving, at)
    contexts = np.array([case.features for case in cases], dtype=float)
    chosen = maker.choose(contexts, cases, left or {})
    return maker.told(contexts, cases, chosen, left or {})


class _Maker:
    def __init__(self, content: Mapping[str, Any], serving: Serving, at: datetime) -> None:
        self.content, self.serving, self.at = content, serving, at
        self.order = catalogues.order_of(dict(content))
        self.actions = {action["slug"]: action for action in content["actions"]}
        self.is_silent = content["placement"]["may_stay_silent"]
        self.known: dict[Standing, tuple[dict[str, list[str]], np.ndarray]] = {}

    def judged(self, one: Standing) -> tuple[dict[str, list[str]], np.ndarray]:
        """Broken rules, and what is eligible in the order of the choices."""
        found = self.known.get(one)
        if found is None:
            refused = rules.broken(self.content, one, at=self.at)
            eligible = np.array([False, *(slug not in refused for slug in self.order[1:])])
            eligible[0] = self.is_silent or not eligible.any()
            found = self.known[one] = refused, eligible
        return found

    def choose(
        self, contexts: np.ndarray, cases: Sequence[Case], left: Mapping[str, int]
    ) -> Chosen:
        return choose(
            contexts,
            np.array([self.judged(case.standing)[1] for case in cases]),
            np.array([case.number for case in cases]),
            lambda rows, eligible: self.serving.chooser.chances(rows, eligible, self.order),
            left=np.array([left.get(slug, np.inf) for slug in self.order]),
        )

    def told(
        self,
        contexts: np.ndarray,
        cases: Sequence[Case],
        chosen: Chosen,
        left: Mapping[str, int],
    ) -> list[Made]:
        eligible = chosen.chances > 0
        choices = [self.order[number] for number in chosen.actions.tolist()]
        drivers = self.serving.chooser.drivers(contexts, eligible, choices, self.order)
        chances = np.round(chosen.chances, DIGITS).tolist()
        drivers = np.round(drivers, 6).tolist()  # so that the last bits of a sum order nothing
        short = set(np.flatnonzero(chosen.gone.any(axis=1)).tolist())
        found = []
        for place, case in enumerate(cases):
            standing = case.standing
            if place in short:
                standing = self._without(standing, chosen.gone[place])
            candidates = {
                slug: chance
                for slug, chance in zip(self.order, chances[place], strict=True)
                if chance > 0
            }
            found.append(
                self._made(choices[place], standing, candidates, drivers[place], case.features)
            )
        return found

    def _without(self, standing: Standing, gone: np.ndarray) -> Standing:
        known = dict(standing.gone)
        more = [(self.order[n], "no_stock") for n in np.flatnonzero(gone)]
        return standing._replace(
            gone=(*standing.gone, *(one for one in more if one[0] not in known))
        )

    def _made(
        self,
        choice: str,
        standing: Standing,
        candidates: dict[str, float],
        drivers: Sequence[float],
        values: Sequence[float],
    ) -> Made:
        refused = self.judged(standing)[0]
        why = explaining.reasons(choice, candidates, refused, drivers, values)
        action = self.actions.get(choice)
        is_late = action is not None and action["slot"] != "now"
        return Made(
            choice=choice,
            propensity=candidates[choice],
            candidates=candidates,
            refused=refused,
            reasons=why,
            due_at=rules.due(action["slot"], standing.zone, at=self.at)
            if is_late and action
            else self.at,
            standing=standing,
            is_exploration=why[0][0] == "explored",
        )
