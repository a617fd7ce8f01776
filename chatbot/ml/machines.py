"""What scores labels: a kernel machine on all examples, or a linear one where they are too many,
where there is no embedding, or where chances must be comparable between short clauses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from chatbot.ml import kernel


@dataclass(frozen=True)
class Material:
    """What is fitted on, a row each.

    lexical: (rows, terms); points: (rows, width) of unit length, or None; target: the label's
    number; worth: how much a row counts.
    """

    lexical: sparse.csr_matrix
    points: np.ndarray | None
    target: np.ndarray
    worth: np.ndarray
    labels: int
    dense_weight: float
    compares: bool = True

    @property
    def has_kernel(self) -> bool:
        return self.compares and self.points is not None and len(self.target) <= kernel.MOST


@dataclass(frozen=True)
class Machines:
    """weights: (labels, terms [and width]), bias: (labels,), meanings: (rows, labels) or None."""

    weights: np.ndarray
    bias: np.ndarray
    meanings: np.ndarray | None


def fit(
    material: Material, folds: Sequence[np.ndarray], *, cost: float, seed: int
) -> tuple[Machines, list[np.ndarray]]:
    """The machine of all rows, and the scores of each fold (a mask of the rows) by a machine
    that had not seen them."""
    if material.has_kernel:
        return _by_kernel(material, folds, seed)
    features = material.lexical
    if material.points is not None:
        dense = sparse.csr_matrix(material.points * material.dense_weight)
        features = sparse.csr_matrix(sparse.hstack([material.lexical, dense], format="csr"))
    scores = []
    for held_out in folds:
        used = ~held_out if not held_out.all() else held_out
        weights, bias = _linear(material, features, used, cost, seed)
        scores.append(np.asarray(features[np.flatnonzero(held_out)] @ weights.T + bias))
    weights, bias = _linear(material, features, np.ones(len(material.target), bool), cost, seed)
    return Machines(weights, bias, None), scores


def _linear(
    material: Material, features: sparse.csr_matrix, rows: np.ndarray, cost: float, seed: int
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


def _by_kernel(
    material: Material, folds: Sequence[np.ndarray], seed: int
) -> tuple[Machines, list[np.ndarray]]:
    """Each of the held-out rows is left out alone: no machine is fitted twice."""
    assert material.points is not None
    judged = np.any(folds, axis=0)
    order = np.concatenate([np.flatnonzero(~judged), np.flatnonzero(judged)])
    signs = np.where(material.target[:, None] == np.arange(material.labels), 1.0, -1.0)
    examples = kernel.Examples(material.lexical, material.points, signs, material.worth)
    share = kernel.best_share(examples, np.random.default_rng(seed))
    solution = kernel.solve(examples.some(order), share=share, judged=int(judged.sum()))
    meanings, scores = np.empty_like(solution.meanings), np.empty(signs.shape)
    meanings[order] = solution.meanings
    scores[judged] = solution.left_out
    bias = np.zeros(material.labels)
    machines = Machines(solution.words.T, bias, meanings.astype(np.float32))
    return machines, [scores[held_out] for held_out in folds]
