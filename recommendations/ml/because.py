"""Why a product stands in a list: the earlier choices without which it would not.

A counterfactual in the manner of ACCENT (Tran, Ghazimatin, Saha Roy 2021): the fewest choices
whose removal lets so many others overtake that the product leaves the list. What each choice adds
to a score is known exactly for voices of items and for implicit factors. Once a choice is gone the
voices are standardised anew and the rest weighs more, so a product has to fall further than that.
"""

from dataclasses import dataclass, replace

import numpy as np

from recommendations.ml.compiled.blend import Said

STANDS_OUT = 1.0  # deviations above a voice's mean from which it speaks for a product
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
    every = np.concatenate([columns, following])
    spoken = np.array([weights[n] * said.standardised(n, every) for n in numbers])
    made = {n: _pieces(said, weights, n, every) for n in numbers}
    added = np.zeros((len(said.row.columns), len(every)))
    for pieces in made.values():
        added += 0.0 if pieces is None else pieces
    scores = spoken.sum(axis=0)
    found = []
    for place in range(len(columns)):
        choices, is_enough = _fewest(added, scores, place, len(columns))
        loud = dict(zip(numbers, (spoken[:, place] / weights[numbers]).tolist(), strict=True))
        one = _because(place, choices, is_enough, made, loud, weights)
        found.append(replace(one, shares=_shares(added[:, place], choices)))
    return found


def _fewest(
    added: np.ndarray, scores: np.ndarray, place: int, listed: int
) -> tuple[list[int], bool]:
    """The fewest choices without which as many others are ahead as the list has places.

    added: (cells, products) what each choice adds to each score. Where not even all that add
    something are enough, it is all of them.
    """
    own = added[:, place]
    over = own - added[:, listed:].mean(axis=1) if added.shape[1] > listed else own
    order = np.argsort(-over, kind="stable")
    order = order[own[order] > 0]
    if not len(order):
        return [], False
    without = scores - np.cumsum(added[order], axis=0)
    mine = scores[place] - FALLS * np.cumsum(own[order])
    ahead = (without > mine[:, None]).sum(axis=1) - (without[:, place] > mine)
    enough = np.flatnonzero(ahead >= listed)
    if not len(enough):
        return order.tolist(), False
    return order[: enough[0] + 1].tolist(), True


def _shares(own: np.ndarray, choices: list[int]) -> tuple[float, ...]:
    """What each of these choices adds, in parts of all that is added."""
    total = own[own > 0].sum()
    return tuple((own[choices] / total).tolist()) if choices else ()


def _because(
    place: int,
    choices: list[int],
    is_enough: bool,
    made: dict[int, np.ndarray | None],
    loud: dict[int, float],
    weights: np.ndarray,
) -> Because:
    """Put together what is known of one product."""
    pieces = {n: one[:, place] for n, one in made.items() if one is not None}
    heard = sorted(
        (n for n, z in loud.items() if z >= STANDS_OUT), key=lambda n: -weights[n] * loud[n]
    )
    if choices:
        said: int | None = max(pieces, key=lambda n: pieces[n][choices[0]])
    else:
        said = heard[0] if heard else None
    others = [(n, _strongest(pieces.get(n))) for n in heard if n != said]
    return Because(said, tuple(choices), is_enough, tuple(others))


def _strongest(pieces: np.ndarray | None) -> int | None:
    if pieces is None or not len(pieces) or pieces.max() <= 0:
        return None
    return int(np.argmax(pieces))


def _pieces(said: Said, weights: np.ndarray, number: int, columns: np.ndarray) -> np.ndarray | None:
    """(cells, columns) what each choice adds to the blended score through one voice."""
    pieces = said.voices[number].pieces(said.row, columns)
    if pieces is None:
        return None
    return np.asarray(pieces * (weights[number] / said.of(number).deviation))
