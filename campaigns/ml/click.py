"""The chance of a click from categories alone: crosses and a factorisation machine, mixed."""

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit

from campaigns.ml.crosses import Crosses
from campaigns.ml.factorisation import Factorisation
from crm.ml.estimator import State

FEWEST = 10  # rows of a level before it counts for itself; others share one
HELD_BACK = 20  # one row in so many decides how the two are mixed


class Levels:
    """The levels of each column that were seen often enough, numbered from 1; all others are 0."""

    def __init__(self, known: Mapping[str, list[str]] | None = None) -> None:
        self.known = dict(known or {})

    def fit(self, table: Mapping[str, np.ndarray]) -> Self:
        """table: (rows,) of text by column. A blank is a level like any other."""
        for name, values in table.items():
            codes, levels = pd.factorize(np.asarray(values, dtype=object))
            counts = np.bincount(codes, minlength=len(levels))
            self.known[name] = levels[counts >= FEWEST].tolist()
        return self

    @property
    def sizes(self) -> list[int]:
        return [len(levels) + 1 for levels in self.known.values()]

    def codes(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        """(columns, rows) of int32."""
        return np.stack(
            [
                (pd.Index(levels, dtype=object).get_indexer(np.asarray(table[name], object)) + 1)
                for name, levels in self.known.items()
            ]
        ).astype(np.int32)


class Click:
    """Fitted on all rows but every twentieth, which say how far each of the two is to be trusted.

    Crosses know what each pair of levels does; factors know what pairs like it do, with crosses
    for what they leave.
    """

    name: ClassVar[str] = "click"
    format: ClassVar[int] = 1

    def __init__(self, *, rank: int = 4, seed: int = 0) -> None:
        self.rank = rank
        self.seed = seed

    def fit(self, table: Mapping[str, np.ndarray], clicks: np.ndarray) -> Self:
        """table: (rows,) of text by column; clicks (rows,) of 0 and 1, both there."""
        self.levels_ = Levels().fit(table)
        codes = self.levels_.codes(table)
        held = np.arange(len(clicks)) % HELD_BACK == HELD_BACK - 1
        kept, told = np.ascontiguousarray(codes[:, ~held]), clicks[~held].astype(float)
        rate = (told.sum() + 0.5) / (len(told) + 1.0)
        self.base_ = np.array(np.log(rate / (1.0 - rate)))
        start = np.full(len(told), float(self.base_))
        sizes = self.levels_.sizes
        self.crosses_ = Crosses(sizes).fit(kept, told, start)
        self.factors_ = Factorisation(sizes, rank=self.rank, seed=self.seed).fit(kept, told, start)
        likes = start + self.factors_.margin(kept)
        self.rest_ = Crosses(sizes, sweeps=2).fit(kept, told, likes)
        truth = clicks[held].astype(float)
        one, other = self._margins(codes[:, held])
        self.mix_ = np.array(_best_mix(one, other, truth) if held.any() else 0.5)
        mixed = self.mix_ * (start + self.crosses_.margin(kept))
        mixed += (1.0 - self.mix_) * (likes + self.rest_.margin(kept))
        # A mean of log odds is not one of chances: as many clicks are foretold as there were.
        self.base_ += _shift(mixed, told)
        return self

    def predict(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        """(rows,): the chance of a click."""
        one, other = self._margins(self.levels_.codes(table))
        return np.asarray(expit(self.mix_ * one + (1.0 - self.mix_) * other))

    def _margins(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        base = float(self.base_)
        return (
            base + self.crosses_.margin(codes),
            base + self.factors_.margin(codes) + self.rest_.margin(codes),
        )

    def state(self) -> State:
        inner: dict[str, Crosses | Factorisation] = {
            "crosses": self.crosses_,
            "factors": self.factors_,
            "rest": self.rest_,
        }
        states = {name: part.state() for name, part in inner.items()}
        arrays = {f"{name}.{k}": a for name, one in states.items() for k, a in one.arrays.items()}
        return State(
            arrays=arrays | {"base_": self.base_, "mix_": self.mix_},
            settings={
                "rank": self.rank,
                "seed": self.seed,
                "levels": self.levels_.known,
                **{name: one.settings for name, one in states.items()},
            },
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        settings = dict(state.settings)
        kinds: dict[str, type[Crosses] | type[Factorisation]] = {
            "crosses": Crosses,
            "factors": Factorisation,
            "rest": Crosses,
        }
        inner = {name: settings.pop(name) for name in kinds}
        levels = Levels(settings.pop("levels"))
        made = cls(**settings)
        made.levels_ = levels
        for name, kind in kinds.items():
            begin = f"{name}."
            arrays = {k[len(begin) :]: a for k, a in state.arrays.items() if k.startswith(begin)}
            setattr(made, f"{name}_", kind.from_state(State(arrays, inner[name])))
        made.base_, made.mix_ = state.arrays["base_"], state.arrays["mix_"]
        return made


def _shift(margin: np.ndarray, clicks: np.ndarray) -> float:
    """What has to be added to all log odds for the expected clicks to be those that came."""
    shift = 0.0
    for _ in range(3):
        chance = expit(margin + shift)
        shift += float((clicks - chance).sum() / (chance * (1.0 - chance)).sum())
    return shift


def _best_mix(one: np.ndarray, other: np.ndarray, truth: np.ndarray) -> float:
    """The share of the first in the log odds that loses least."""

    def loss(share: float) -> float:
        margin = share * one + (1.0 - share) * other
        return float((np.logaddexp(0.0, margin) - truth * margin).mean())

    return float(minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded").x)
