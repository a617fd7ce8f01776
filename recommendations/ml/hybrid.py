"""Several recommenders speak at once; how loud each may be is learned on later time.

Greedy ensemble selection (Caruana et al. 2004): starting from nothing, add the voice that lifts
NDCG@10 on a held-back later window the most, again and again, with repetition. Customers with a
short history get weights of their own: what is known of them is worth less than what sells.
"""

from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from crm.ml.estimator import State
from recommendations.ml.interactions import Interactions
from recommendations.ml.ranking import best_of_rows, ndcg
from recommendations.ml.recommender import Recommender
from recommendations.ml.voices import VOICES
from recommendations.ml.window import has_repeats, hold_back

Part = tuple[str, dict[str, Any]]

DISCOVERY: tuple[Part, ...] = (
    ("popularity", {"half_life": 30.0}),
    ("ease", {}),
    ("ease", {"half_life": 60.0, "l2": 20.0}),
    ("als", {}),
    ("als", {"half_life": 60.0}),
    ("user-knn", {}),
    ("user-knn", {"half_life": 60.0}),
    ("item-knn", {}),
    ("truncated-svd", {}),
    ("sequential", {}),
    ("sequential", {"window": 30, "last": 20, "fading": 0.9}),
    ("content", {}),
)
REPEATS: tuple[Part, ...] = (*DISCOVERY, ("history", {"half_life": 120.0}))
# Learned once on a shop's full history, for repeats that a table of single cells cannot show.
UNSEEN_REPEATS = {4: 0.5, 6: 0.5}  # als and user-knn, both with decay
JUDGED = 800  # customers of the inner window that are looked at
FEWEST_JUDGED = 30  # in a group of histories, or it shares the weights of all
ROUNDS = 8
SAMPLES = 5
QUIETEST = 0.05  # share of the weights below which a voice is not heard at all
SHORT = 6  # interactions below which a history is short
AT_ONCE = 512  # rows scored together


class Hybrid(Recommender):
    """A weighted sum of the standardised scores of its voices.

    by_chance: weights are judged on cells held back by chance, not on the later ones: for filling
    gaps in a table, where the question is not what comes next.
    """

    name: ClassVar[str] = "hybrid"
    weights_: np.ndarray  # (2 groups, voices) each row adds up to 1
    heard_: np.ndarray  # numbers of the voices with any weight
    voices_: list[Recommender | None]  # None for a voice that nobody listens to

    def __init__(
        self,
        *,
        parts: tuple[Part, ...] | None = None,
        repeats: bool = False,
        by_chance: bool = False,
        seed: int = 0,
    ) -> None:
        self.parts = parts
        self.repeats = repeats
        self.by_chance = by_chance
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        if self.repeats and self.parts is None and not has_repeats(interactions):
            self.weights_ = np.zeros((2, len(REPEATS)))
            self.weights_[:, list(UNSEEN_REPEATS)] = list(UNSEEN_REPEATS.values())
        else:
            earlier, later = hold_back(
                interactions, repeats=self.repeats, by_chance=self.by_chance, seed=self.seed
            )
            voices = [voice.fit(earlier) for voice in self._voices()]
            self.weights_ = self._listen(voices, earlier, later)
        # A voice that nobody should listen to costs time at every request.
        self.heard_ = np.flatnonzero(self.weights_.any(axis=0))
        self.voices_ = self.refit(interactions).voices_
        return self

    def refit(self, interactions: Interactions) -> Self:
        """The same voices with the same weights, taught anew on other data."""
        again = type(self)(**self._settings())
        again.weights_, again.heard_ = self.weights_, self.heard_
        again.voices_ = [
            voice.fit(interactions) if number in self.heard_ else None
            for number, voice in enumerate(self._voices())
        ]
        return again

    def score(self, rows: Interactions) -> np.ndarray:
        scores = np.zeros(rows.shape)
        for start in range(0, rows.shape[0], AT_ONCE):
            numbers = np.arange(start, min(start + AT_ONCE, rows.shape[0]))
            part = rows.take(numbers)
            scores[numbers] = self.blended(part, self.said(part))
        return scores

    def state(self) -> State:
        arrays = {"weights_": self.weights_, "heard_": self.heard_}
        inner: list[dict[str, Any] | None] = []
        for number, voice in enumerate(self.voices_):
            state = voice.state() if voice else None
            inner.append({"name": voice.name, **state.settings} if voice and state else None)
            arrays |= {f"{number}:{key}": a for key, a in (state.arrays if state else {}).items()}
        return State(arrays, {**self._settings(), "voices": inner})

    @classmethod
    def from_state(cls, state: State) -> Self:
        settings = dict(state.settings)
        inner = settings.pop("voices")
        self = cls(**settings)
        self.weights_, self.heard_ = state.arrays["weights_"], state.arrays["heard_"]
        self.voices_ = [_voice(state, number, one) for number, one in enumerate(inner)]
        return self

    def voices(self) -> dict[int, Recommender]:
        """Those that are heard, by their number."""
        return {number: voice for number, voice in enumerate(self.voices_) if voice is not None}

    def weights_of(self, rows: Interactions) -> np.ndarray:
        """(rows, voices) how loud each voice is for each row."""
        return np.asarray(self.weights_[_group(rows)])

    def _settings(self) -> dict[str, Any]:
        return {
            "parts": self.parts,
            "repeats": self.repeats,
            "by_chance": self.by_chance,
            "seed": self.seed,
        }

    def said(self, rows: Interactions) -> dict[int, np.ndarray]:
        """What every voice says of every product, (rows, products) standardised, by its number."""
        return {n: standardised(voice.score(rows)) for n, voice in self.voices().items()}

    def blended(self, rows: Interactions, said: dict[int, np.ndarray]) -> np.ndarray:
        """(rows, products) scores from what was said of these rows."""
        weights = self.weights_of(rows)
        scores = np.zeros(rows.shape)
        for number, one in said.items():
            scores += weights[:, number, None] * one
        return scores

    def _voices(self) -> list[Recommender]:
        parts = self.parts or (REPEATS if self.repeats else DISCOVERY)
        return [VOICES[name](**settings) for name, settings in parts]

    def _listen(
        self, voices: list[Recommender], earlier: Interactions, later: sparse.csr_matrix
    ) -> np.ndarray:
        """(2 groups, voices) weights for short and for longer histories."""
        judged = np.flatnonzero(np.diff(later.indptr) > 0)
        if len(judged) > JUDGED:
            chosen = np.random.default_rng(self.seed).choice(judged, JUDGED, replace=False)
            judged = np.sort(chosen)
        if not len(judged):  # nothing to judge by: everybody speaks alike
            return np.full((2, len(voices)), 1.0 / max(len(voices), 1))
        rows = earlier.take(judged)
        said = [standardised(voice.score(rows)) for voice in voices]
        group = _group(rows)
        overall = self._select(said, rows, later[judged], np.arange(len(judged)))
        weights = np.tile(overall, (2, 1))
        for number in (0, 1):
            mine = np.flatnonzero(group == number)
            if len(mine) >= FEWEST_JUDGED:
                weights[number] = self._select(said, rows, later[judged], mine)
        return weights

    def _select(
        self, said: list[np.ndarray], rows: Interactions, later: sparse.csr_matrix, mine: np.ndarray
    ) -> np.ndarray:
        """Weights averaged over samples of half of the customers: one window is one opinion."""
        rng = np.random.default_rng(self.seed)
        weights = np.zeros(len(said))
        for _ in range(SAMPLES):
            half = np.sort(rng.choice(mine, (len(mine) + 1) // 2, replace=False))
            seen = None if self.repeats else rows.touched()[half]
            weights += _greedy([one[half] for one in said], seen, later[half])
        # A whisper costs as much time at every request as a voice.
        weights[weights < QUIETEST * weights.sum()] = 0.0
        return weights / weights.sum()


def _greedy(
    said: list[np.ndarray], seen: sparse.csr_matrix | None, later: sparse.csr_matrix
) -> np.ndarray:
    """(voices,) share of the rounds in which adding the voice helped the most."""
    counts, total, reached = np.zeros(len(said)), np.zeros(said[0].shape), -1.0
    for _ in range(ROUNDS):
        tried = [ndcg(best_of_rows(total + one, n=10, seen=seen), later).mean() for one in said]
        best = int(np.argmax(tried))
        if tried[best] <= reached:
            break
        reached = float(tried[best])
        counts[best] += 1
        total += said[best]
    return counts / counts.sum()


def standardised(scores: np.ndarray) -> np.ndarray:
    """(rows, products) with mean 0 and deviation 1 in every row; a flat row is all zero."""
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray(
        (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
    )


def _group(rows: Interactions) -> np.ndarray:
    """(rows,) 0 for a short history, 1 for a longer one."""
    return (np.diff(rows.values.indptr) >= SHORT).astype(int)


def _voice(state: State, number: int, inner: dict[str, Any] | None) -> Recommender | None:
    if inner is None:
        return None
    prefix = f"{number}:"
    arrays = {
        key.removeprefix(prefix): array
        for key, array in state.arrays.items()
        if key.startswith(prefix)
    }
    settings = {key: value for key, value in inner.items() if key != "name"}
    return VOICES[inner["name"]].from_state(State(arrays, settings))
