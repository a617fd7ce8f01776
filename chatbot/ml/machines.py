"""The two machines that score labels, fitted together: a linear one, and one on examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from chatbot.ml import kernel


@dataclass(frozen=True)
class Material:
    """What is fitted on, a row each; mistyped copies come last.

    lexical: (rows, terms); points: (rows, width) of unit length, or None; target: the label's
    number; worth: how much a row counts; sources: the row it is a copy of, itself where none.
    """

    lexical: sparse.csr_matrix
    points: np.ndarray | None
    target: np.ndarray
    worth: np.ndarray
    sources: np.ndarray
    labels: int
    dense_weight: float
    compares: bool = True

    @property
    def originals(self) -> int:
        return int(np.count_nonzero(self.sources == np.arange(len(self.sources))))

    @property
    def has_kernel(self) -> bool:
        return self.compares and self.points is not None and self.originals <= kernel.MOST

    def features(self) -> sparse.csr_matrix:
        return joined(self.lexical, self.points, self.dense_weight)


@dataclass(frozen=True)
class Machines:
    """weights: (labels, features), bias: (labels,), meanings: (originals, labels) or None."""

    weights: np.ndarray
    bias: np.ndarray
    meanings: np.ndarray | None


def joined(
    lexical: sparse.csr_matrix, points: np.ndarray | None, dense_weight: float
) -> sparse.csr_matrix:
    if points is None:
        return lexical
    dense = sparse.csr_matrix(points * dense_weight)
    return sparse.csr_matrix(sparse.hstack([lexical, dense], format="csr"))


def fit(
    material: Material, folds: Sequence[np.ndarray], *, cost: float, seed: int
) -> tuple[Machines, list[np.ndarray]]:
    """The machines of all rows, and the scores of each fold (a mask of the originals) by
    machines that were fitted on the others."""
    features = material.features()
    linear, by_kernel = [], []
    whole: kernel.Solution | None = None
    for held_out in folds:
        used = ~held_out[material.sources] if not held_out.all() else slice(None)
        weights, bias = _linear(material, features, used, cost, seed)
        rows = np.flatnonzero(held_out)
        linear.append(np.asarray(features[rows] @ weights.T + bias))
        if material.has_kernel:
            scores, whole = _kernel(material, held_out)
            by_kernel.append(scores)
    weights, bias = _linear(material, features, slice(None), cost, seed)
    if whole is None:
        return Machines(weights, bias, None), linear
    # Both count alike: their scores have the same spread where neither was fitted.
    ratio = np.std(np.vstack(linear)) / max(np.std(np.vstack(by_kernel)), 1e-9)
    weights[:, : material.lexical.shape[1]] += ratio * whole.words.T
    meanings = (ratio * whole.meanings).astype(np.float32)
    sums = [a + ratio * b for a, b in zip(linear, by_kernel, strict=True)]
    return Machines(weights, bias, meanings), sums


def _linear(
    material: Material,
    features: sparse.csr_matrix,
    rows: np.ndarray | slice,
    cost: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.svm import LinearSVC  # slow to import, needed for fitting only

    svm = LinearSVC(C=cost, tol=1e-2, random_state=seed)
    svm.fit(features[rows], material.target[rows], sample_weight=material.worth[rows])
    weights = np.zeros((material.labels, features.shape[1]))
    bias = np.full(material.labels, -5.0)
    if len(svm.classes_) == 2:
        weights[svm.classes_] = np.vstack([-svm.coef_[0], svm.coef_[0]])
        bias[svm.classes_] = [-svm.intercept_[0], svm.intercept_[0]]
    else:
        weights[svm.classes_], bias[svm.classes_] = svm.coef_, svm.intercept_
    return weights, bias


def _kernel(material: Material, held_out: np.ndarray) -> tuple[np.ndarray, kernel.Solution]:
    """Scores of what is held out by the rest, and the solution by all originals."""
    assert material.points is not None
    rest = ~held_out if not held_out.all() else held_out
    order = np.concatenate([np.flatnonzero(rest), np.flatnonzero(held_out & ~rest)])
    lexical, points = material.lexical[order], material.points[order]
    signs = np.where(material.target[order][:, None] == np.arange(material.labels), 1.0, -1.0)
    fitted = int(rest.sum())
    part, whole = kernel.solve(lexical, points, signs, material.worth[order], fitted)
    rows = np.flatnonzero(held_out)
    cosines = material.points[rows] @ points[:fitted].T
    back = np.empty_like(whole.meanings)
    back[order] = whole.meanings
    return part.scores(material.lexical[rows], cosines), kernel.Solution(whole.words, back)
