"""Why a product stands in a list: the earlier choices without which it would not.

A counterfactual in the manner of ACCENT (Tran, Ghazimatin, Saha Roy 2021): the fewest choices
whose removal lets so many others overtake that the product leaves the list. What each choice adds
to a score is known exactly for voices of items and for implicit factors. Once a choice is gone the
voices are standardised anew and the rest weighs more, so a product has to fall further than that.
"""

from dataclasses import dataclass

import numpy as np

from recommendations.ml.compiled.blend import Said

STANDS_OUT = 1.0  # deviations above a voice's mean from which it speaks for a product
SOME = 8  # choices that are looked at first
FALLS = 0.85  # of what the choices add to a product, that it is sure to lose with them


@dataclass(frozen=True)
class Because:
    """What speaks for one product, strongest first.

    choices: cells of the row, by what they add over the next in line; without them the product
    would be overtaken (`is_enough`), or would fall furthest. shares: of each choice, of all that
    earlier choices add to the product. said: number of the voice that makes
    most of the first choice, or that is loudest where no choice adds anything; None where no voice
    sets the product apart. supporting: numbers of other voices that speak for it, each with the
    cell it speaks from (None where it speaks from no single choice).
    """

    said: int | None
    choices: tuple[int, ...]
    is_enough: bool
    supporting: tuple[tuple[int, int | None], ...]
    shares: tuple[float, ...] = ()


def because(
    said: Said, weights: np.ndarray, columns: np.ndarray, following: np.ndarray
) -> list[Because]:
    """Why each of these columns has its place; following: columns next in line, best first."""
    numbers = [n for n in said.voices if weights[n] > 0 and said.of(n).deviation > 0]
    if not numbers:
        return [Because(None, (), False, ()) for _ in columns]
    every, listed = np.concatenate([columns, following]), len(columns)
    spoken = np.array([weights[n] * said.standardised(n, every) for n in numbers])
    pieces = {n: _pieces(said, weights, n, every) for n in numbers}
    made = {n: one for n, one in pieces.items() if one is not None}
    added = np.zeros((len(said.row.columns), len(every)))
    for one in made.values():
        added += one
    chosen = _fewest(added, spoken.sum(axis=0), listed)
    strongest = {n: _strongest(one[:, :listed]) for n, one in made.items()}
    # Numbers of the voices that stand out for each product, the loudest first.
    order = np.argsort(-spoken[:, :listed], axis=0, kind="stable").T.tolist()
    stands_out = (spoken[:, :listed] >= STANDS_OUT * weights[numbers][:, None]).T.tolist()
    found = []
    for place, (choices, is_enough) in enumerate(chosen):
        heard = [numbers[n] for n in order[place] if stands_out[place][n]]
        main: int | None = heard[0] if heard else None
        if choices:
            main = max(made, key=lambda n: made[n][choices[0], place])
        others = [(n, strongest[n][place] if n in strongest else None) for n in heard if n != main]
        shares = _shares(added[:, place], choices)
        found.append(Because(main, tuple(choices), is_enough, tuple(others), shares))
    return found


def _fewest(added: np.ndarray, scores: np.ndarray, listed: int) -> list[tuple[list[int], bool]]:
    """The fewest choices without which as many others are ahead as the list has places.

    added: (cells, products) what each choice adds to each score, those of the list first. Where
    not even all that add something to a product are enough, it is all of them.
    """
    own = added[:, :listed]
    over = own - added[:, listed:].mean(axis=1, keepdims=True) if len(scores) > listed else own
    order = np.argsort(np.where(own > 0, -over, np.inf), axis=0, kind="stable")
    adding = (own > 0).sum(axis=0)
    needed = np.zeros(listed, dtype=int)
    # Hardly ever are many needed: all are gone through only for those that are left.
    for most in (SOME, len(own)):
        left = np.flatnonzero((needed == 0) & (adding > 0))
        if len(left):
            needed[left] = _needed(added, scores, order[:most, left], left, listed, adding[left])
    return [(order[: needed[n] or adding[n], n].tolist(), bool(needed[n])) for n in range(listed)]


def _shares(own: np.ndarray, choices: list[int]) -> tuple[float, ...]:
    """What each of these choices adds, in parts of all that is added."""
    total = own[own > 0].sum()
    return tuple((own[choices] / total).tolist()) if choices else ()


def _needed(
    added: np.ndarray,
    scores: np.ndarray,
    order: np.ndarray,
    places: np.ndarray,
    listed: int,
    adding: np.ndarray,
) -> np.ndarray:
    """(places,) how many choices, in this (choices, places) order, are enough; 0 where none are."""
    without = scores - np.cumsum(added[order], axis=0)  # (choices, places, products)
    own = np.arange(len(places))
    mine = scores[places] - FALLS * np.cumsum(added[order, places], axis=0)
    ahead = (without > mine[:, :, None]).sum(axis=2) - (without[:, own, places] > mine)
    enough = (ahead >= listed) & (np.arange(len(order))[:, None] < adding)
    return np.where(enough.any(axis=0), enough.argmax(axis=0) + 1, 0)


def _strongest(pieces: np.ndarray) -> list[int | None]:
    """Of every column the cell with the largest piece; None where no piece is above zero."""
    if not len(pieces):
        return [None] * pieces.shape[1]
    cells, most = pieces.argmax(axis=0).tolist(), pieces.max(axis=0).tolist()
    return [cell if top > 0 else None for cell, top in zip(cells, most, strict=True)]


def _pieces(said: Said, weights: np.ndarray, number: int, columns: np.ndarray) -> np.ndarray | None:
    """(cells, columns) what each choice adds to the blended score through one voice."""
    pieces = said.voices[number].pieces(said.row, columns)
    if pieces is None:
        return None
    return np.asarray(pieces * (weights[number] / said.of(number).deviation))
