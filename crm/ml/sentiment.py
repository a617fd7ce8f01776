"""How a text feels: a label of the shop's choosing, with a calibrated chance. Chinese and English.

Two linear machines see every text. One weighs each word and each run of characters by how much
oftener it stands under one label than under the others (log-count ratios; Wang and Manning 2012);
the other reads TF-IDF of the same terms joined to a frozen sentence embedding, where there is
one. A small logistic regression on scores of texts that neither was fitted on mixes the two and
makes them into chances. Where the embedding is missing, the first answers alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from crm.ml.bags import Bag
from crm.ml.estimator import State

VIEWS = ("words", "characters")
FOLDS = 3


@dataclass(frozen=True)
class Judgement:
    """The likeliest label, and the chance of each."""

    label: str
    chances: Mapping[str, float]

    @property
    def confidence(self) -> float:
        return self.chances[self.label]


class SentimentClassifier:
    """Settings: how strongly each machine fits, how much the embedding counts, the seed."""

    name: ClassVar[str] = "sentiment"
    format: ClassVar[int] = 1

    def __init__(
        self,
        ratio_cost: float = 0.3,
        joint_cost: float = 0.1,
        dense_weight: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.ratio_cost = ratio_cost
        self.joint_cost = joint_cost
        self.dense_weight = dense_weight
        self.seed = seed

    def fit(
        self, texts: Sequence[str], labels: Sequence[str], embeddings: np.ndarray | None = None
    ) -> Self:
        """Learn from texts and their labels; `embeddings` has one row a text, or is None."""
        self.labels_ = sorted(set(labels))
        if len(self.labels_) < 2:
            raise ValueError("at least two labels are needed to tell one from another")
        target = np.searchsorted(np.array(self.labels_), np.array(labels))
        self.bags_ = {view: Bag(view) for view in VIEWS}
        counts = {view: bag.fit_transform(texts) for view, bag in self.bags_.items()}
        self._learn_rarity(counts, len(texts))
        dense = None if embeddings is None else _unit_rows(embeddings)
        honest = self._held_out_scores(counts, dense, target)
        self.mixtures_ = {
            name: _logistic(np.hstack([honest[member] for member in members]), target)
            for name, members in self._mixed(dense).items()
        }
        self.members_ = self._fit_members(counts, dense, target)
        return self

    def predict(
        self, texts: Sequence[str], embeddings: np.ndarray | None = None
    ) -> list[Judgement]:
        """A judgement of each text; the chances of one text sum to one."""
        chances = self.chances(texts, embeddings)
        return [
            Judgement(
                self.labels_[int(row.argmax())],
                dict(zip(self.labels_, row.tolist(), strict=True)),
            )
            for row in chances
        ]

    def chances(self, texts: Sequence[str], embeddings: np.ndarray | None = None) -> np.ndarray:
        """(texts, labels), in the order of `labels_`."""
        counts = {view: bag.transform(texts) for view, bag in self.bags_.items()}
        dense = None if embeddings is None or not self.uses_embeddings else _unit_rows(embeddings)
        name = "with embedding" if dense is not None else "words alone"
        scores = [
            self._member_scores(member, counts, dense, self.members_[member])
            for member in self._mixed(dense)[name]
        ]
        return _chances(np.hstack(scores), self.mixtures_[name])

    @property
    def uses_embeddings(self) -> bool:
        return "with embedding" in self.mixtures_

    def state(self) -> State:
        arrays = {f"terms {view}": bag.array() for view, bag in self.bags_.items()}
        arrays |= {f"rarity {view}": rarity for view, rarity in self.rarity_.items()}
        for member, learned in self.members_.items():
            arrays |= {f"{member}/{name}": array for name, array in learned.items()}
        arrays |= {f"mixture {name}": mixture for name, mixture in self.mixtures_.items()}
        settings: dict[str, Any] = {
            "ratio_cost": self.ratio_cost,
            "joint_cost": self.joint_cost,
            "dense_weight": self.dense_weight,
            "seed": self.seed,
            "labels": self.labels_,
        }
        return State(arrays, settings)

    @classmethod
    def from_state(cls, state: State) -> Self:
        settings = dict(state.settings)
        labels = list(settings.pop("labels"))
        classifier = cls(**settings)
        classifier.labels_ = labels
        arrays = state.arrays
        classifier.bags_ = {view: Bag.from_array(view, arrays[f"terms {view}"]) for view in VIEWS}
        classifier.rarity_ = {view: arrays[f"rarity {view}"] for view in VIEWS}
        classifier.mixtures_ = {
            name.removeprefix("mixture "): array
            for name, array in arrays.items()
            if name.startswith("mixture ")
        }
        classifier.members_ = {"ratios": {}, "joint": {}}
        for name, array in arrays.items():
            member, slash, part = name.partition("/")
            if slash:
                classifier.members_[member][part] = array
        return classifier

    labels_: list[str]
    bags_: dict[str, Bag]
    rarity_: dict[str, np.ndarray]  # by view, one number a term
    members_: dict[str, dict[str, np.ndarray]]
    mixtures_: dict[str, np.ndarray]  # (scores and one, labels)

    def _mixed(self, dense: np.ndarray | None) -> dict[str, tuple[str, ...]]:
        """Which machines each mixture asks. `joint` needs the embedding in training and in use."""
        mixed: dict[str, tuple[str, ...]] = {"words alone": ("ratios",)}
        return mixed if dense is None else mixed | {"with embedding": ("ratios", "joint")}

    def _learn_rarity(self, counts: Mapping[str, sparse.csr_matrix], texts: int) -> None:
        self.rarity_ = {}
        for view, rows in counts.items():
            users = np.bincount(rows.indices, minlength=rows.shape[1])
            self.rarity_[view] = (np.log((1 + texts) / (1 + users)) + 1).astype(np.float32)

    def _held_out_scores(
        self,
        counts: Mapping[str, sparse.csr_matrix],
        dense: np.ndarray | None,
        target: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Scores of each machine for each text, by machines that did not see it."""
        fold = _folds(target, np.random.default_rng(self.seed))
        width = 1 if len(self.labels_) == 2 else len(self.labels_)
        members = ("ratios",) if dense is None else ("ratios", "joint")
        scores = {member: np.zeros((len(target), width)) for member in members}
        for part in range(FOLDS):
            out = fold == part
            if not out.any() or len(set(target[~out].tolist())) < len(self.labels_):
                out = np.ones(len(target), bool)  # too few to leave any out
            seen = ~out if not out.all() else out
            fitted = self._fit_members(_rows(counts, seen), _taken(dense, seen), target[seen])
            for member in members:
                scores[member][out] = self._member_scores(
                    member, _rows(counts, out), _taken(dense, out), fitted[member]
                )
        return scores

    def _fit_members(
        self,
        counts: Mapping[str, sparse.csr_matrix],
        dense: np.ndarray | None,
        target: np.ndarray,
    ) -> dict[str, dict[str, np.ndarray]]:
        sides = [1] if len(self.labels_) == 2 else list(range(len(self.labels_)))
        ratios = {
            view: np.vstack([_ratio(rows, target == side) for side in sides])
            for view, rows in counts.items()
        }
        learned = {
            "ratios": self._weigh(
                [self._ratio_rows(counts, ratios, place) for place in range(len(sides))],
                [target == side for side in sides],
                self.ratio_cost,
            )
            | {f"ratio {view}": array.astype(np.float32) for view, array in ratios.items()}
        }
        if dense is not None:
            rows = self._joint_rows(counts, dense)
            wanted = [target == side for side in sides]
            learned["joint"] = self._weigh([rows] * len(sides), wanted, self.joint_cost)
        return learned

    def _weigh(
        self, rows: Sequence[sparse.csr_matrix], wanted: Sequence[np.ndarray], cost: float
    ) -> dict[str, np.ndarray]:
        """One linear machine a label against the rest; a single one where there are two labels."""
        from sklearn.svm import LinearSVC  # slow to import, needed for fitting only

        fitted = [
            LinearSVC(C=cost, tol=1e-3, random_state=self.seed).fit(seen, side)
            for seen, side in zip(rows, wanted, strict=True)
        ]
        return {
            "weights": np.vstack([svm.coef_[0] for svm in fitted]).astype(np.float32),
            "bias": np.array([float(svm.intercept_[0]) for svm in fitted]),
        }

    def _member_scores(
        self,
        member: str,
        counts: Mapping[str, sparse.csr_matrix],
        dense: np.ndarray | None,
        learned: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        weights, bias = learned["weights"], learned["bias"]
        if member == "joint":
            assert dense is not None
            return np.asarray(self._joint_rows(counts, dense) @ weights.T + bias)
        ratios = {view: learned[f"ratio {view}"] for view in VIEWS}
        columns = [
            self._ratio_rows(counts, ratios, place) @ weights[place] for place in range(len(bias))
        ]
        return np.column_stack(columns) + bias

    def _ratio_rows(
        self, counts: Mapping[str, sparse.csr_matrix], ratios: Mapping[str, np.ndarray], place: int
    ) -> sparse.csr_matrix:
        return _side_by_side(
            [_weighted(_once(counts[view]), ratios[view][place]) for view in VIEWS]
        )

    def _joint_rows(
        self, counts: Mapping[str, sparse.csr_matrix], dense: np.ndarray
    ) -> sparse.csr_matrix:
        parts = [_weighted(_damped(counts[view]), self.rarity_[view]) for view in VIEWS]
        return _side_by_side([*parts, sparse.csr_matrix(dense * self.dense_weight)])


def _side_by_side(parts: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
    return sparse.csr_matrix(sparse.hstack(parts, format="csr"))


def _once(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """A term that is said twice is said."""
    return _with(rows, np.ones_like(rows.data))


def _damped(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    return _with(rows, 1 + np.log(rows.data))


def _weighted(rows: sparse.csr_matrix, weights: np.ndarray) -> sparse.csr_matrix:
    """Each term times its weight, each row then of length one."""
    data = rows.data * weights[rows.indices]
    row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    length = np.sqrt(np.bincount(row_of, data * data, minlength=rows.shape[0]))
    return _with(rows, data / np.maximum(length, 1e-12)[row_of])


def _with(rows: sparse.csr_matrix, data: np.ndarray) -> sparse.csr_matrix:
    return sparse.csr_matrix((data, rows.indices, rows.indptr), shape=rows.shape)


def _ratio(rows: sparse.csr_matrix, side: np.ndarray) -> np.ndarray:
    """How much oftener each term stands on this side than on the other, as a logarithm."""
    once = _once(rows)
    here = np.asarray(once[side].sum(axis=0)).ravel() + 1
    there = np.asarray(once[~side].sum(axis=0)).ravel() + 1
    return np.log(here / here.sum()) - np.log(there / there.sum())


def _rows(
    counts: Mapping[str, sparse.csr_matrix], chosen: np.ndarray
) -> dict[str, sparse.csr_matrix]:
    return {view: sparse.csr_matrix(rows[chosen]) for view, rows in counts.items()}


def _taken(dense: np.ndarray | None, chosen: np.ndarray) -> np.ndarray | None:
    return None if dense is None else dense[chosen]


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _folds(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A fold for each text, each label spread evenly."""
    fold = np.zeros(len(target), int)
    for label in np.unique(target):
        rows = rng.permutation(np.flatnonzero(target == label))
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def _logistic(scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(scores and one, labels) weights that make scores into chances."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=10.0, max_iter=500).fit(scores, target)
    weights = np.hstack([fitted.coef_, fitted.intercept_[:, None]])
    if len(weights) == 1:
        weights = np.vstack([-weights / 2, weights / 2])  # as two that differ by the one
    return np.asarray(weights.T)


def _chances(scores: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    from scipy.special import softmax

    rows = scores @ mixture[:-1] + mixture[-1]
    return np.asarray(softmax(rows, axis=1))
