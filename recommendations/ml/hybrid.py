"""Several recommenders speak at once; how loud each may be is learned on later time.

Customers with a short history get weights of their own, learned on customers whom no voice was
taught and whose history is cut short: what is known of them is worth less than what sells.
"""

from typing import Any, ClassVar, Self

import numpy as np

from crm.ml.estimator import State
from recommendations.ml import listening
from recommendations.ml.interactions import Interactions
from recommendations.ml.listening import Question
from recommendations.ml.recommender import Recommender
from recommendations.ml.voices import VOICES
from recommendations.ml.window import (
    asked_of,
    first_steps,
    has_repeats,
    hides_repeats,
    newcomers,
    without,
)

Part = tuple[str, dict[str, Any]]

# ALS that believes little, and has to be told more often.
SURE: dict[str, Any] = {"factors": 64, "alpha": 5.0, "l2": 40.0, "iterations": 15}
RECENT: dict[str, Any] = {"l2": 60.0, "dropout": 0.5, "half_life": 60.0}  # EASE for a shop
DISCOVERY: tuple[Part, ...] = (
    ("popularity", {}),
    ("popularity", {"half_life": 30.0}),
    ("popularity", {"half_life": 14.0}),
    ("ease", {"l2": 200.0}),
    ("ease", {"l2": 200.0, "fading": 0.9}),
    ("ease", {"l2": 200.0, "likes": 0.0, "fading": 0.9}),
    ("ease", RECENT),
    ("ease", RECENT | {"rising": 0.8}),
    ("als", SURE),
    ("als", SURE | {"fading": 0.9}),
    ("als", {"fading": 0.9, "iterations": 15}),
    ("als", SURE | {"half_life": 60.0}),
    ("als", {"factors": 64, "half_life": 60.0, "iterations": 15}),
    ("user-knn", {}),
    ("user-knn", {"half_life": 120.0}),
    ("user-knn", {"half_life": 120.0, "rising": 0.4}),
    ("user-knn", {"half_life": 30.0}),
    ("item-knn", {}),
    ("item-knn", {"fading": 0.9}),
    ("item-knn", {"half_life": 60.0, "rising": 0.5}),
    ("truncated-svd", {"fading": 0.9}),
    ("truncated-svd", {"factors": 64, "fading": 0.9}),
    ("truncated-svd", {"factors": 64, "half_life": 60.0}),
    ("sequential", {}),
    ("linear-transitions", {}),
    ("session-knn", {}),
    ("session-knn", {"near": 0.95, "fading": 0.9}),
    ("content", {}),
    ("content", {"fading": 0.9}),
    ("rarity", {}),
)
REPEATS: tuple[Part, ...] = (*DISCOVERY, ("history", {}))
NETWORK: Part = ("gru", {})  # after all others, so that their numbers stay
# Learned on windows of a shop's full history, for repeats that a table of single cells cannot show.
UNSEEN_REPEATS = {2: 0.14, 8: 0.2, 9: 0.06, 12: 0.08, 15: 0.27, 16: 0.05, 27: 0.06, 30: 0.14}
# And what is new to customers of such a table: a window cut from it takes for new what was bought
# again, and takes it from the earlier part. Half of the weights come from here.
UNSEEN_NEW = {3: 0.06, 7: 0.42, 8: 0.04, 17: 0.08, 19: 0.4}
JUDGED = 800  # customers of the inner window that are looked at
FEWEST_JUDGED = 30  # in a group of histories, or it shares the weights of all
SHORT = (1, 3, 6)  # interactions from which a history belongs to the next group
STEPS = ((0,), (1, 2), (3, 5))  # lengths that newcomers are cut to, for each group but the last
AT_ONCE = 512  # rows scored together
IN_HAND = 25_000_000  # scores of all voices held in memory together while they are judged
DENSE = ("ease", "linear-transitions")  # hold a number for every pair of products
DENSE_UP_TO = 12_000  # products


class Hybrid(Recommender):
    """A weighted sum of the standardised scores of its voices.

    by_chance: weights are judged on cells held back by chance, not on the later ones: for filling
    gaps in a table, where the question is not what comes next.
    recurrent: the recurrent network is a voice, too; it is learned with torch, an extra.
    """

    name: ClassVar[str] = "hybrid"
    weights_: np.ndarray  # (4 groups of histories, voices) each row adds up to 1
    heard_: np.ndarray  # numbers of the voices with any weight
    voices_: list[Recommender | None]  # None for a voice that nobody listens to

    def __init__(
        self,
        *,
        parts: tuple[Part, ...] | None = None,
        repeats: bool = False,
        by_chance: bool = False,
        recurrent: bool = False,
        seed: int = 0,
    ) -> None:
        self.parts = parts
        self.repeats = repeats
        self.by_chance = by_chance
        self.recurrent = recurrent
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        if self.repeats and self.parts is None and not has_repeats(interactions):
            self.weights_ = np.zeros((len(SHORT) + 1, len(self._parts())))
            self.weights_[:, list(UNSEEN_REPEATS)] = list(UNSEEN_REPEATS.values())
            self.weights_ = self._only_possible(self.weights_, interactions)
        else:
            self.weights_ = self._listen(interactions)
            if self.parts is None and not self.by_chance and hides_repeats(interactions):
                told = np.zeros(self.weights_.shape[1])
                told[list(UNSEEN_NEW)] = list(UNSEEN_NEW.values())
                self.weights_[-1] = (self.weights_[-1] + told) / 2.0
                self.weights_ = self._only_possible(self.weights_, interactions)
                self.weights_[-1] = listening.without_whispers(self.weights_[-1])
        # A voice that nobody should listen to costs time at every request.
        self.heard_ = np.flatnonzero(self.weights_.any(axis=0))
        self.voices_ = self.refit(interactions).voices_
        return self

    def refit(self, interactions: Interactions) -> Self:
        """The same voices with the same weights, taught anew on other data."""
        again = type(self)(**self._settings())
        again.weights_, again.heard_ = self.weights_, self.heard_
        again.voices_ = _taught(self._parts(), interactions, heard=set(self.heard_.tolist()))
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
            "recurrent": self.recurrent,
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

    def _parts(self) -> tuple[Part, ...]:
        parts = self.parts or (REPEATS if self.repeats else DISCOVERY)
        return (*parts, NETWORK) if self.recurrent else parts

    def _possible(self, interactions: Interactions) -> list[int]:
        """Numbers of the voices that a catalogue of this size can have."""
        is_large = interactions.shape[1] > DENSE_UP_TO
        parts = enumerate(self._parts())
        return [number for number, (name, _) in parts if not (is_large and name in DENSE)]

    def _only_possible(self, weights: np.ndarray, interactions: Interactions) -> np.ndarray:
        left = np.zeros_like(weights)
        possible = self._possible(interactions)
        left[:, possible] = weights[:, possible]
        return np.asarray(left / left.sum(axis=1, keepdims=True))

    def _listen(self, interactions: Interactions) -> np.ndarray:
        """(4 groups, voices) weights by the length of a history."""
        rng = np.random.default_rng(self.seed)
        earlier, relevant = asked_of(
            interactions, repeats=self.repeats, by_chance=self.by_chance, seed=self.seed
        )
        new = newcomers(earlier, rng=rng)
        possible = self._possible(interactions)
        taught = _taught(self._parts(), without(earlier, new), heard=set(possible))
        voices = [voice for voice in taught if voice is not None]
        weights = np.zeros((len(SHORT) + 1, len(self._parts())))
        known = [self._known(voices, earlier, later, new, rng) for later in relevant]
        if not any(len(one) for one in known):  # nothing to judge by: everybody speaks alike
            weights[:, possible] = 1.0 / max(len(possible), 1)
            return weights
        weights[:, possible] = listening.weights([one for one in known if len(one)], rng=rng)
        everybody = [n for n, (name, _) in enumerate(self._parts()) if name == "popularity"]
        if everybody:  # of somebody unknown the others know nothing
            weights[0] = np.eye(weights.shape[1])[everybody[0]]
        if len(new) >= FEWEST_JUDGED:
            rows = interactions.take(new)
            for group, lengths in enumerate(STEPS):
                cut = [
                    self._question(voices, *first_steps(rows, length, rng=by))
                    for length in lengths
                    # What is known of a newcomer may be where they began, or anything.
                    for by in (None, rng)
                ]
                weights[group, possible] = listening.weights(cut, rng=rng)
        return weights

    def _known(
        self,
        voices: list[Recommender],
        earlier: Interactions,
        later: Any,
        new: np.ndarray,
        rng: np.random.Generator,
    ) -> Question:
        """What customers with a history chose in the window."""
        judged = np.setdiff1d(np.flatnonzero(np.diff(later.indptr) > 0), new)
        long = judged[np.diff(earlier.values.indptr)[judged] >= SHORT[-1]]
        judged = long if len(long) >= FEWEST_JUDGED else judged
        if len(judged) > JUDGED:
            judged = np.sort(rng.choice(judged, JUDGED, replace=False))
        return self._question(voices, earlier.take(judged), later[judged])

    def _question(self, voices: list[Recommender], rows: Interactions, later: Any) -> Question:
        """Asked of a few rows at once: a large catalogue times thirty voices fills any memory."""
        at_once = max(IN_HAND // max(len(voices) * rows.shape[1], 1), 1)
        asked = []
        for start in range(0, max(rows.shape[0], 1), at_once):
            part = rows.take(np.arange(start, min(start + at_once, rows.shape[0])))
            said = [standardised(voice.score(part)) for voice in voices]
            seen = None if self.repeats else part.touched()
            asked.append(Question.asked(said, seen, later[start : start + at_once]))
        return Question.joined(asked)


def _taught(
    parts: tuple[Part, ...], interactions: Interactions, heard: set[int] | None = None
) -> list[Recommender | None]:
    """Voices that are heard, fitted; those that differ only in how they score share the fit."""
    fitted: dict[str, Recommender] = {}
    voices: list[Recommender | None] = []
    for number, (name, settings) in enumerate(parts):
        if heard is not None and number not in heard:
            voices.append(None)
            continue
        at_scoring = {"fading"} if interactions.explicit else {"fading", "likes"}
        key = repr((name, sorted((k, v) for k, v in settings.items() if k not in at_scoring)))
        voice = VOICES[name](**settings)
        if key in fitted:
            learned = {k: v for k, v in vars(fitted[key]).items() if k.endswith("_")}
            vars(voice).update(learned)
        else:
            fitted[key] = voice.fit(interactions)
        voices.append(voice)
    return voices


def standardised(scores: np.ndarray) -> np.ndarray:
    """(rows, products) with mean 0 and deviation 1 in every row; a flat row is all zero."""
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray(
        (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
    )


def _group(rows: Interactions) -> np.ndarray:
    """(rows,) 0 for no history, up to 3 for a long one."""
    return np.digitize(np.diff(rows.values.indptr), SHORT)


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
