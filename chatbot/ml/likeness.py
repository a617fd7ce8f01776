"""How alike short texts are, in whatever language: by meaning where an encoder is installed,
else by the pieces of letters that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from crm.ml.text import CHINESE, normalise

WIDTH = 2_048  # of the vectors of pieces
PIECES = (2, 3)  # letters
ALIKE = {True: 0.55, False: 0.35}  # of meaning, of pieces: from here on two texts ask the same


@dataclass(frozen=True)
class Group:
    """Texts that ask the same, the most typical of them first."""

    members: tuple[int, ...]

    @property
    def centre(self) -> int:
        return self.members[0]


def by_pieces(texts: Sequence[str]) -> np.ndarray:
    """(texts, WIDTH) counts of the pieces of letters, each row of length one."""
    rows = np.zeros((len(texts), WIDTH), np.float32)
    for place, text in enumerate(texts):
        for piece in _pieces(normalise(text).lower()):
            rows[place, crc32(piece.encode()) % WIDTH] += 1
    return unit(np.sqrt(rows))


def unit(rows: np.ndarray) -> np.ndarray:
    """Each row divided by its length; what is empty stays so."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def groups(rows: np.ndarray, *, alike: float) -> list[Group]:
    """Texts gathered round the one with the most others near it, then round the next, and so on.

    rows: (texts, width) of length one. The largest group first; every text is in one.
    """
    near = (rows @ rows.T) >= alike
    free = np.ones(len(rows), bool)
    found = []
    while free.any():
        counts = np.where(free, (near & free).sum(axis=1), -1)
        centre = int(counts.argmax())
        members = np.flatnonzero(near[centre] & free)
        others = [int(m) for m in members if m != centre]
        found.append(Group((centre, *others)))
        free[[centre, *others]] = False
    return sorted(found, key=lambda group: -len(group.members))


def nearest(rows: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) the most alike of the known, and how alike it is; -1 and 0 where none are known."""
    if not len(known):
        return np.full(len(rows), -1), np.zeros(len(rows), np.float32)
    likeness = rows @ known.T
    return likeness.argmax(axis=1), likeness.max(axis=1)


def _pieces(text: str) -> list[str]:
    padded = text if CHINESE.search(text) else f" {text} "
    return [padded[i : i + n] for n in PIECES for i in range(len(padded) - n + 1)]
