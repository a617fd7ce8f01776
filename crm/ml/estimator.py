"""The one shape shared by everything in this project that learns."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """What a fitted estimator knows: arrays (no objects), and settings that fit in JSON."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


class Estimator(Protocol):
    """Settings in the constructor, `fit` returns self, learned names end in an underscore."""

    name: ClassVar[str]
    format: ClassVar[int]  # raised whenever the meaning of the state changes

    def state(self) -> State: ...

    @classmethod
    def from_state(cls, state: State) -> Self: ...


def restored(kind: type[T], state: State) -> T:
    """An estimator whose arrays are kept under the names that it learned them by."""
    made = kind(**state.settings)
    for name, array in state.arrays.items():
        setattr(made, name, array)
    return made
