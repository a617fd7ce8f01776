"""A policy for the actions of one placement, which come and go while it serves."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from campaigns.ml.policies import POLICIES, Policy
from campaigns.ml.policies.contextual import Contextual
from crm.ml.estimator import State

NEWCOMERS = 0.5  # of an even share, for actions that the policy has never seen


class PlacedPolicy:
    """A policy by the names of actions instead of their numbers.

    An eligible action that it was not taught gets half of an even share, exactly, so that
    something is learned of it; where it knows none of the eligible, all of them are alike.
    """

    name: ClassVar[str] = "policy"
    format: ClassVar[int] = 1

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        actions: Sequence[str],
        features: Sequence[str],
        settings: dict[str, Any] | None = None,
    ) -> None:
        vars(self)["name"] = name  # each placement has its own line of artifacts
        self.kind = kind
        self.actions = list(actions)
        self.features = list(features)
        self.settings = settings or {}
        self.policy_ = self._made()

    @property
    def label(self) -> str:
        """What it is called: hope of no width is greed."""
        return "greedy" if self.settings.get("width") == 0 else self.kind

    def fit(self, contexts: np.ndarray, actions: np.ndarray, rewards: np.ndarray) -> Self:
        """contexts (n, features); actions (n,) numbers of `actions`; rewards (n,)."""
        self.policy_ = self._made().fit(contexts, actions, rewards)
        return self

    def chances(
        self, contexts: np.ndarray, eligible: np.ndarray, actions: Sequence[str]
    ) -> np.ndarray:
        """(n, len(actions)), rows adding up to one. eligible: the same shape, of bool.

        Raises ValueError for a row without an eligible action.
        """
        counts = eligible.sum(axis=1)
        if not counts.all():
            raise ValueError(f"round {int(np.argmin(counts))} has no eligible action")
        ours, theirs = self._places(actions)
        taught = np.zeros((len(eligible), len(self.actions)), dtype=bool)
        taught[:, ours] = eligible[:, theirs]
        is_new = np.ones(len(actions), dtype=bool)
        is_new[theirs] = False
        newcomers = eligible & is_new
        share = newcomers.sum(axis=1) / counts
        knows = taught.any(axis=1)
        each = np.where(knows, NEWCOMERS, 1.0) / counts
        chances = newcomers * each[:, None]
        if knows.any():
            inner = self.policy_.chances(contexts[knows], taught[knows])
            left = 1.0 - NEWCOMERS * share[knows]
            known = np.zeros((int(knows.sum()), len(actions)))
            known[:, theirs] = inner[:, ours] * left[:, None]
            chances[knows] += known
        return np.asarray(chances)

    def drivers(
        self, contexts: np.ndarray, eligible: np.ndarray, chosen: Sequence[str], actions: Any
    ) -> np.ndarray:
        """(n, features): by how much each feature speaks for what was chosen.

        Beside the other eligible actions, and a customer who is like the mean of all learned from.
        Zeros where the policy does not look at features, or was never taught what was chosen.
        """
        policy = self.policy_
        if not isinstance(policy, Contextual) or not policy.taught_[0]:
            return np.zeros(contexts.shape)
        ours, theirs = self._places(actions)
        weights = np.zeros((len(actions), len(self.features)))
        weights[theirs] = policy.means_[ours, 1:]
        known = eligible.copy()
        known[:, [place for place in range(len(actions)) if place not in set(theirs)]] = False
        number = {slug: place for place, slug in enumerate(actions)}
        at = np.array([number[slug] for slug in chosen], dtype=int)
        is_known = known[np.arange(len(at)), at]
        count = np.maximum(known.sum(axis=1), 1)[:, None]
        usual = (known[:, :, None] * weights[None]).sum(axis=1) / count
        middle = policy.features_[0] / policy.taught_[0]
        found = (weights[at] - usual) * (contexts - middle)
        return np.where(is_known[:, None], found, 0.0)

    def state(self) -> State:
        inner = self.policy_.state()
        return State(
            arrays=inner.arrays,
            settings={
                "name": self.name,
                "kind": self.kind,
                "actions": self.actions,
                "features": self.features,
                "settings": self.settings,
            },
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        made = cls(**state.settings)
        for name, array in state.arrays.items():
            setattr(made.policy_, name, array)
        return made

    def _made(self) -> Policy:
        kind = POLICIES[self.kind]
        return kind(len(self.actions), len(self.features), **self.settings).begin()

    def _places(self, actions: Sequence[str]) -> tuple[list[int], list[int]]:
        """Numbers of the actions that both know: in the policy, and in the order given."""
        number = {slug: place for place, slug in enumerate(self.actions)}
        both = [(number[slug], place) for place, slug in enumerate(actions) if slug in number]
        return [one for one, _ in both], [other for _, other in both]
