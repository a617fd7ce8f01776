"""Is it any of the known intents at all? Learned on intents left out, and on real strangers.

What tells a stranger: weak and close scores, far neighbours that disagree, words never seen,
and a meaning no nearer to any intent than to texts in general (relative Mahalanobis distance,
Ren et al. 2021).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import linalg, sparse
from scipy.special import expit

from crm.ml.text import normalise, tokens_of

NEIGHBOURS = 5
KEPT = 0.95  # the gate lets at least this share of what is in scope pass
STRANGERS = 1 / 6  # share of messages that are taken to be out of scope
SIGNS = 9
PARTS = 3  # the intents are hidden in so many turns


@dataclass(frozen=True)
class View:
    """What the gate sees of some texts: a row each.

    scores, chances: (rows, intents); words: (rows, vocabulary) each word's share of the text, or
    (rows, 1) the share of all that are known; embeddings: (rows, width) of unit length, or None.
    """

    scores: np.ndarray
    chances: np.ndarray
    words: sparse.csr_matrix | np.ndarray
    embeddings: np.ndarray | None


@dataclass(frozen=True)
class Fold:
    """Texts that nothing was fitted on, their intents, and what the others look like.

    spoken: (vocabulary, intents) which words the others have."""

    view: View
    truth: np.ndarray
    around: "Surroundings | None"
    spoken: np.ndarray


class Gate:
    """A logistic regression over a dozen signs, and the threshold below which we do not know."""

    def __init__(self, kept: float = KEPT) -> None:
        self.kept = kept

    def fit(self, folds: Sequence[Fold], strangers: View | None, rng: np.random.Generator) -> Self:
        """Learn from messages that nothing else was fitted on."""
        from sklearn.linear_model import LogisticRegression

        rows, known, real = self._lessons(folds, strangers, rng)
        if len(set(known.tolist())) < 2:
            return self._open()
        self.mean_, self.spread_ = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        model = LogisticRegression(max_iter=500, C=0.1).fit(
            (rows - self.mean_) / self.spread_, known, sample_weight=_worth(known, real)
        )
        self.weights_, self.bias_ = model.coef_[0], float(model.intercept_[0])
        self._set_threshold(folds, self._of_signs(rows[real]))
        return self

    def known(
        self, view: View, around: "Surroundings | None", near: np.ndarray | None = None
    ) -> np.ndarray:
        """(rows,) The chance that each has one of the intents. near: the rows' nearness to the
        examples, where it is known already."""
        everything = np.arange(view.scores.shape[1])
        return self._of_signs(_signs(view, everything, around, None, near))

    def arrays(self) -> dict[str, np.ndarray]:
        return {"gate": np.vstack([self.weights_, self.mean_, self.spread_])}

    def settings(self) -> dict[str, float]:
        return {"gate_bias": self.bias_, "threshold": self.threshold_}

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        gate = cls()
        gate.weights_, gate.mean_, gate.spread_ = arrays["gate"]
        gate.bias_, gate.threshold_ = float(settings["gate_bias"]), float(settings["threshold"])
        return gate

    weights_: np.ndarray
    mean_: np.ndarray
    spread_: np.ndarray
    bias_: float
    threshold_: float

    def _open(self) -> Self:
        """Too few intents to hide any: everything passes."""
        self.weights_, self.mean_, self.spread_ = np.zeros(SIGNS), np.zeros(SIGNS), np.ones(SIGNS)
        self.bias_, self.threshold_ = 3.0, 0.5
        return self

    def _of_signs(self, signs: np.ndarray) -> np.ndarray:
        return np.asarray(expit((signs - self.mean_) / self.spread_ @ self.weights_ + self.bias_))

    def _lessons(
        self, folds: Sequence[Fold], strangers: View | None, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(rows, signs), whether each is of a known intent, whether it is a real stranger."""
        everything = np.arange(folds[0].view.scores.shape[1])
        lessons = []
        for fold in folds:
            for hidden in np.array_split(rng.permutation(everything), PARTS):
                shown = np.setdiff1d(everything, hidden)
                if len(shown) > 1 and len(hidden):
                    signs = _signs(fold.view, shown, fold.around, fold.spoken)
                    lessons.append((signs, ~np.isin(fold.truth, hidden), False))
            if strangers is not None and len(everything) > 1:
                signs = _signs(strangers, everything, fold.around, fold.spoken)
                lessons.append((signs, np.zeros(len(signs), bool), True))
        if not lessons:
            return np.zeros((0, SIGNS)), np.zeros(0, bool), np.zeros(0, bool)
        real = np.concatenate([np.full(len(known), is_real) for _, known, is_real in lessons])
        rows, known = (np.concatenate([lesson[i] for lesson in lessons]) for i in (0, 1))
        return rows, known, real

    def _set_threshold(self, folds: Sequence[Fold], outside: np.ndarray) -> None:
        """Where most messages are answered rightly, if the usual share are strangers.

        Intents left out are nearer to the others than strangers are: by them alone the threshold
        would be too low, so without real strangers it lets the share through that it must.
        """
        everything = np.arange(folds[0].view.scores.shape[1])
        inside = np.concatenate(
            [self._of_signs(_signs(f.view, everything, f.around, f.spoken)) for f in folds]
        )
        self.threshold_ = float(np.quantile(inside, 1 - self.kept))
        if not len(outside):
            return
        right = np.concatenate([f.view.chances.argmax(axis=1) == f.truth for f in folds])
        cuts = np.quantile(inside, np.linspace(0, 1 - self.kept, 51))
        answered = np.array([(right & (inside >= cut)).mean() for cut in cuts])
        refused = np.array([(outside < cut).mean() for cut in cuts])
        best = (1 - STRANGERS) * answered + STRANGERS * refused
        self.threshold_ = float(cuts[best.argmax()])


class Surroundings:
    """The examples as points: whose neighbours a text has, and whose crowd it is in."""

    def __init__(self, points: np.ndarray, owners: np.ndarray, number: int) -> None:
        """points: (examples, width) of unit length; owners: (examples,) their intents."""
        self.points, self.owners = np.asarray(points, np.float32), owners
        self.centre = self.points.mean(axis=0)
        means = [self.points[owners == i] for i in range(number)]
        middles = np.array([m.mean(axis=0) if len(m) else self.centre for m in means])
        self.inner = _whitening(self.points - middles[owners])
        self.outer = _whitening(self.points - self.centre)
        self.middles = ((middles - self.centre) @ self.inner).astype(np.float32)

    def nearness(self, embeddings: np.ndarray) -> np.ndarray:
        """(rows, examples) cosines."""
        rows = embeddings.astype(np.float32)
        if len(rows) == 1:  # a product of matrices would first copy all examples
            return np.asarray(self.points @ rows[0])[None]
        return np.asarray(rows @ self.points.T)

    def crowd(self, embeddings: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """(rows,) How much nearer a text is to one intent than to texts in general."""
        moved = embeddings.astype(np.float32) - self.centre
        far = ((moved @ self.outer) ** 2).sum(axis=1)
        inner, middles = moved @ self.inner, self.middles[shown]
        near = (inner**2).sum(axis=1)[:, None] - 2 * inner @ middles.T + (middles**2).sum(axis=1)
        return np.asarray(far - near.min(axis=1)) / embeddings.shape[1]


def _whitening(rows: np.ndarray) -> np.ndarray:
    """(width, width) so that moved rows have unit variance; shrunk where there are few rows."""
    number, width = rows.shape
    shrink = width / (width + 5 * number)
    spread = rows.T.astype(float) @ rows / max(number, 1)
    level = max(np.trace(spread) / width, 1e-9)
    spread = (1 - shrink) * spread + shrink * level * np.eye(width)
    root = linalg.cholesky(spread, lower=True)
    return np.asarray(linalg.solve_triangular(root, np.eye(width), lower=True).T, np.float32)


def _worth(known: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Both sides alike; real strangers count as much as the pretended ones together."""
    worth = np.where(known, 0.5 / max(known.sum(), 1), 0.0)
    groups = [group for group in (~known & ~real, real) if group.any()]
    for group in groups:
        worth[group] = 0.5 / len(groups) / group.sum()
    return np.asarray(worth * len(known))


def _signs(
    view: View,
    shown: np.ndarray,
    around: Surroundings | None,
    spoken: np.ndarray | None,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """(rows, 9) as if only the intents shown existed."""
    if len(shown) < 2:
        return np.zeros((len(view.scores), SIGNS))
    scores, chances = view.scores[:, shown], view.chances[:, shown]
    chances = chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-12)
    ordered = -np.partition(-scores, 1, axis=1)[:, :2]
    unsure = -(chances * np.log(chances + 1e-12)).sum(axis=1)
    heard = None if spoken is None else spoken[:, shown].any(axis=1).astype(float)
    seen = view.words @ heard if heard is not None else np.asarray(view.words.sum(axis=1)).ravel()
    signs = [ordered[:, 0], ordered[:, 0] - ordered[:, 1], chances.max(axis=1), unsure, seen]
    if around is None or view.embeddings is None:
        return np.column_stack([*signs, *np.zeros((4, len(scores)))])
    near = around.nearness(view.embeddings) if near is None else near
    if len(shown) < view.scores.shape[1]:
        near = np.where(np.isin(around.owners, shown), near, -1.0)
    crowd = around.crowd(view.embeddings, shown)
    return np.column_stack([*signs, *_neighbours(near, around.owners).T, crowd])


def shares_of_words(texts: Sequence[str], places: Mapping[str, int]) -> sparse.csr_matrix:
    """(texts, vocabulary) The share that each known word has of the words of a text."""
    data, indices, starts = [], [], [0]
    for text in texts:
        words = tokens_of(normalise(text))
        known = [places[word] for word in words if word in places]
        indices += known
        data += [1 / max(len(words), 1)] * len(known)
        starts.append(len(indices))
    return sparse.csr_matrix((data, indices, starts), shape=(len(texts), max(len(places), 1)))


def known_shares(texts: Sequence[str], places: Mapping[str, int]) -> np.ndarray:
    """(texts, 1) The share of the words of a text that are known."""
    words = [tokens_of(normalise(text)) for text in texts]
    shares = [sum(word in places for word in said) / max(len(said), 1) for said in words]
    return np.array(shares)[:, None]


def spoken_by(words: sparse.csr_matrix, owners: np.ndarray, number: int) -> np.ndarray:
    """(vocabulary, intents) Whether an intent's texts have a word."""
    who = sparse.csr_matrix(
        (np.ones(len(owners)), (owners, np.arange(len(owners)))), (number, len(owners))
    )
    return np.asarray((who @ words).toarray().T > 0)


def _neighbours(near: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Best similarity, mean of the best five, and how far those five agree."""
    k = min(NEIGHBOURS, near.shape[1])
    top = np.argpartition(-near, k - 1, axis=1)[:, :k]
    best = np.take_along_axis(near, top, axis=1)
    named = owners[top]
    agree = (named[:, :, None] == named[:, None, :]).mean(axis=2).max(axis=1)
    return np.column_stack([best.max(axis=1), best.mean(axis=1), agree])
