"""Many features on a plane, for people to look at: principal components (Pearson 1901)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plane:
    """coordinates: (rows, 2); directions: (2, features), of unit length; shown: of the variance."""

    coordinates: np.ndarray
    directions: np.ndarray
    shown: float


def plane(points: np.ndarray) -> Plane:
    """The two directions along which (rows, features) differ most.

    The sign of a direction is free; its heaviest feature points right or up, so that the same
    data give the same picture.
    """
    centred = points - points.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    kept = np.zeros((2, points.shape[1]))
    kept[: min(2, len(directions))] = directions[:2]
    heaviest = np.abs(kept).argmax(axis=1)
    signs = np.sign(kept[np.arange(2), heaviest])
    kept = kept * np.where(signs == 0, 1.0, signs)[:, None]
    variance = float((sizes**2).sum())
    shown = float((sizes[:2] ** 2).sum()) / variance if variance > 0 else 0.0
    return Plane(centred @ kept.T, kept, shown)
