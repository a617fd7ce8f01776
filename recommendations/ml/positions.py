"""How likely a position of a list is looked at, learned from what was shown and clicked.

The position-based click model: a product at position k is clicked with the chance that the
position is looked at, theta(k), times the appeal of the product to whoever sees it, gamma(g).
A click far down counts for more than one at the top, as few came that far (Joachims, Swaminathan
and Schnabel 2017; Wang et al. 2018).

What comes to the top is what was thought to please, so positions may only be compared for the
same appeal: a group g is one customer and one product (shown at one position today and at another
tomorrow, as in Agarwal et al. 2019), or whatever else is thought equally liked. Groups are small
and many. Expectation maximisation of chances of single clicks goes wrong then, as each group has
an appeal of its own to overfit; the balance used here (clicks of a position = what its groups
would bring if looked at) stays unbiased however small the groups are, since a group's appeal is
replaced by its own clicks.
"""

from typing import ClassVar, Self

import numpy as np

from crm.ml.estimator import State

DEEPEST = 50  # positions beyond are taken together
ROUNDS = 500
CLOSE = 1e-7
STEEPEST = 5.0  # power of `assumed`


def assumed(depth: int) -> np.ndarray:
    """(depth,) how likely each position is looked at while nothing is known: 1 / log2(1 + k)."""
    looked_at: np.ndarray = 1.0 / np.log2(np.arange(2, depth + 2))
    return looked_at


class Positions:
    """theta relative to the top position, drawn to a smooth curve by `caution` expected clicks.

    The curve is `assumed` to a power that is learned, too: how fast looking fades on this page.
    """

    name: ClassVar[str] = "positions"
    format: ClassVar[int] = 1

    def __init__(self, *, caution: float = 20.0) -> None:
        self.caution = caution

    def fit(self, positions: np.ndarray, groups: np.ndarray, clicked: np.ndarray) -> Self:
        """Learn from impressions, all (impressions,): positions from 1, group numbers, bool."""
        places = np.minimum(np.asarray(positions, int), DEEPEST) - 1
        if len(places) and places.min() < 0:
            raise ValueError("positions begin at 1")
        self.looked_at_ = assumed(DEEPEST)
        cells = _told(places, np.asarray(groups), np.asarray(clicked, bool))
        self.informative_ = int(cells[3].sum()) if cells else 0
        if cells:
            self.looked_at_ = self._balanced(*cells)
        return self

    def looked_at(self, positions: np.ndarray) -> np.ndarray:
        """(positions,) chance of being looked at, relative to the first position."""
        return np.asarray(self.looked_at_[np.clip(np.asarray(positions, int), 1, DEEPEST) - 1])

    def weights(self, positions: np.ndarray, *, clip: float = 10.0) -> np.ndarray:
        """(clicks,) inverse propensities of clicks at these positions, clipped, of mean one.

        Of mean one (self-normalised, Swaminathan and Joachims 2015): positions move weight from
        click to click, and make clicks as a whole neither louder nor quieter.
        """
        if not len(positions):
            return np.zeros(0)
        raw = np.minimum(1.0 / self.looked_at(positions), clip)
        return np.asarray(raw / raw.mean())

    def state(self) -> State:
        arrays = {"looked_at_": self.looked_at_, "informative_": np.array(self.informative_)}
        return State(arrays, {"caution": self.caution})

    @classmethod
    def from_state(cls, state: State) -> Self:
        self = cls(**state.settings)
        self.looked_at_ = state.arrays["looked_at_"]
        self.informative_ = int(state.arrays["informative_"])
        return self

    def _balanced(
        self, place: np.ndarray, group: np.ndarray, shown: np.ndarray, clicks: np.ndarray
    ) -> np.ndarray:
        """Balance clicks of positions and of groups in turn, until nothing moves."""
        of_place = np.bincount(place, clicks, DEEPEST)
        of_group = np.bincount(group, clicks)
        theta, fading = assumed(DEEPEST), 1.0
        for _ in range(ROUNDS):
            appeal = of_group / np.bincount(group, shown * theta[place])
            expected = np.bincount(place, shown * appeal[group], DEEPEST)
            fading = _faded(fading, of_place, expected)
            curve = assumed(DEEPEST) ** fading
            found = (of_place + self.caution * curve) / (expected + self.caution)
            found /= found[0]
            moved = float(np.abs(found - theta).max())
            theta = found
            if moved < CLOSE:
                break
        return theta


def _faded(power: float, clicks: np.ndarray, expected: np.ndarray) -> float:
    """One step (Newton) towards the power of `assumed` that the clicks speak for.

    clicks, expected: (DEEPEST,) as they were, and as they would be if all were looked at. One
    click a position speaks for `assumed` as it is.
    """
    usual = assumed(DEEPEST)
    steep = np.log(usual)
    likely = (expected + 1.0) * usual**power
    step = ((clicks + usual - likely) @ steep) / (likely @ steep**2)
    return float(np.clip(power + np.clip(step, -0.5, 0.5), 0.0, STEEPEST))


def _told(
    places: np.ndarray, groups: np.ndarray, clicked: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
    """(cells,) place, group from 0, times shown and clicks, of groups that compare positions.

    A group without a click, or at one position only, says nothing of positions.
    """
    if not clicked.any():
        return None
    _, group = np.unique(groups, return_inverse=True)
    cell, cell_of = np.unique(group * DEEPEST + places, return_inverse=True)
    place, group = cell % DEEPEST, cell // DEEPEST
    clicks = np.bincount(cell_of, clicked)
    says = (np.bincount(group) > 1) & (np.bincount(group, clicks) > 0)
    kept = says[group]
    if not kept.any():
        return None
    _, renumbered = np.unique(group[kept], return_inverse=True)
    return place[kept], renumbered, np.bincount(cell_of)[kept].astype(float), clicks[kept]
