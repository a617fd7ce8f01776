"""`manage.py analyse bandit`: choose round by round, and learn from rewards that come late.

JSON lines on stdin, one line a round on stdout, as INTERFACES says. Nothing else is written there.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from crm.analysis import Subject, UnusableInput

AUTOMATIC = "auto"
MOST_ACTIONS, MOST_FEATURES = 1_000, 1_000
LARGEST = 1e9  # context and reward; beyond, sums of squares lose their digits
MOST_NUMBERS = 20_000_000  # of the beliefs: actions x (features + 1) squared


def _arguments(parser: argparse.ArgumentParser) -> None:
    from campaigns.ml.policies import POLICIES

    parser.add_argument(
        "--policy",
        choices=[AUTOMATIC, *POLICIES],
        default=AUTOMATIC,
        help="auto: logistic-ucb while rewards lie in 0 to 1, linucb from the first that does not",
    )
    parser.add_argument(
        "--explore", type=float, default=0.004, help="share of rounds left to chance"
    )
    parser.add_argument("--weights", nargs="*", type=float, help="of weighted: one for each action")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> None:
    if not 0.0 < options.explore <= 1.0:
        raise UnusableInput("--explore: above 0, at most 1")
    if (options.weights is not None) != (options.policy == "weighted"):
        raise UnusableInput("--weights: go with --policy weighted, which needs them")
    game = None
    for number, line in _lines():
        try:
            told = _told(line)
            if told.get("end"):
                return
            if game is None:
                game = Game(told, options)
            else:
                _say(game.hear(told))
        except UnusableInput as reason:
            raise UnusableInput(f"stdin, line {number}: {reason}") from None
    if game is None:
        raise UnusableInput("stdin: it is empty")


def _say(answer: dict[str, Any] | None) -> None:
    if answer is not None:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _lines() -> Iterator[tuple[int, str]]:
    try:
        yield from ((number, line) for number, line in enumerate(sys.stdin, 1) if line.strip())
    except UnicodeDecodeError as error:
        raise UnusableInput(f"stdin: not UTF-8 (byte {error.start})") from None


class Game:
    """The rounds so far that wait for their reward, and what was learned from the others."""

    def __init__(self, start: Mapping[str, Any], options: argparse.Namespace) -> None:
        if start.get("start") is not True:
            raise UnusableInput('the first line is {"start": true, "actions": K, "dim": d}')
        self.actions = _whole(start, "actions", 1, MOST_ACTIONS)
        self.dim = _whole(start, "dim", 0, MOST_FEATURES)
        if self.actions * (self.dim + 1) ** 2 > MOST_NUMBERS:
            raise UnusableInput(f"{self.actions} actions x {self.dim} features are too many")
        self.learners = _learners(self.actions, self.dim, options)
        self.waiting: dict[Any, tuple[np.ndarray, int]] = {}
        self.rewarded: set[Any] = set()
        self.random = np.random.default_rng(options.seed)

    def hear(self, told: Mapping[str, Any]) -> dict[str, Any] | None:
        """Answer a round with an action; take in a reward without one."""
        if "context" in told:
            return self._choose(told)
        if "reward" in told:
            self._learn(told)
            return None
        raise UnusableInput("neither a context nor a reward nor the end")

    def _choose(self, told: Mapping[str, Any]) -> dict[str, Any]:
        from campaigns.ml.policies import drawn

        moment = _moment(told)
        if moment in self.waiting or moment in self.rewarded:
            raise UnusableInput(f"t {moment!r} was there before")
        context = _numbers(told["context"], "context")
        if len(context) != self.dim:
            raise UnusableInput(f"context has {len(context)} numbers; {self.dim} were announced")
        eligible = _eligible(told.get("eligible"), self.actions)
        chances = self.learners[0].chances(context[None], eligible[None])
        action = int(drawn(chances, self.random.random(1))[0])
        self.waiting[moment] = context, action
        return {"t": told["t"], "action": action, "propensity": float(chances[0, action])}

    def _learn(self, told: Mapping[str, Any]) -> None:
        moment = _moment(told)
        if moment in self.rewarded:
            raise UnusableInput(f"t {moment!r} had its reward before")
        if moment not in self.waiting:
            raise UnusableInput(f"t {moment!r} is no round so far")
        reward = _numbers([told["reward"]], "reward")
        if len(self.learners) > 1 and not 0.0 <= reward[0] <= 1.0:
            del self.learners[0]
        context, action = self.waiting.pop(moment)
        self.rewarded.add(moment)
        for learner in self.learners:
            try:
                learner.learn(context[None], np.array([action]), reward)
            except ValueError as reason:
                raise UnusableInput(str(reason)) from None


def _learners(actions: int, dim: int, options: argparse.Namespace) -> list[Any]:
    """The first one chooses. Left to itself it is the second's turn once rewards are no shares."""
    from campaigns.ml.policies import POLICIES

    names = ["logistic-ucb", "linucb"] if options.policy == AUTOMATIC else [options.policy]
    more = {} if options.weights is None else {"weights": options.weights}
    try:
        return [POLICIES[n](actions, dim, explore=options.explore, **more).begin() for n in names]
    except ValueError as reason:
        raise UnusableInput(f"--{reason}") from None


def _told(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnusableInput(f"not JSON ({error})") from None
    if not isinstance(told, dict):
        raise UnusableInput("not a JSON object")
    return told


def _whole(told: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = told.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UnusableInput(f"{name} is {value!r}; a whole number from {least} to {most} is needed")
    return value


def _moment(told: Mapping[str, Any]) -> Any:
    moment = told.get("t")
    if not isinstance(moment, (int, float, str)):
        raise UnusableInput(f"t is {moment!r}; a number or a text is needed")
    return moment


def _numbers(values: Any, name: str) -> np.ndarray:
    if not isinstance(values, list) or any(isinstance(one, (str, bool)) for one in values):
        raise UnusableInput(f"{name} is not made of numbers")
    try:
        numbers = np.array(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise UnusableInput(f"{name} is not made of numbers") from None
    if numbers.ndim != 1 or not np.all(np.abs(numbers) <= LARGEST):
        raise UnusableInput(f"{name} is not made of numbers from -{LARGEST:g} to {LARGEST:g}")
    return numbers


def _eligible(actions: Any, count: int) -> np.ndarray:
    """(count,) of bool; all where nothing is said."""
    if actions is None:
        return np.ones(count, dtype=bool)
    if not isinstance(actions, list) or not actions:
        raise UnusableInput("eligible: a list of at least one action is needed")
    eligible = np.zeros(count, dtype=bool)
    for action in actions:
        if not isinstance(action, int) or isinstance(action, bool) or not 0 <= action < count:
            raise UnusableInput(f"eligible: {action!r} is no action from 0 to {count - 1}")
        eligible[action] = True
    return eligible


BANDIT = Subject("choose round by round and learn from late rewards (stdin)", _arguments, _run)
