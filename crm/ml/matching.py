"""Are these two records one person? Fellegi and Sunter's weights, learned by EM.

Each field of a pair agrees, nearly agrees, disagrees or is missing. `m` is how often a field does
so for two records of one person, `u` for two strangers; the weight of what is seen is
log(m / u), missing fields say nothing, and the weights add up to log-odds.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crm.ml.estimator import State

FIELDS = ("email", "phone", "name", "address", "place")
MISSING, DIFFERS, NEAR, AGREES = range(4)
LEVELS = 4
# (differs, near, agrees), for when there is too little to learn from. u: chance agreement within
# a shop of some ten thousand; m: typing errors, moves and second addresses are common.
M = {
    "email": (0.45, 0.10, 0.45),
    "phone": (0.20, 0.05, 0.75),
    "name": (0.08, 0.22, 0.70),
    "address": (0.30, 0.30, 0.40),
    "place": (0.15, 0.15, 0.70),
}
U = {
    "email": (0.9988, 0.001, 0.0002),
    "phone": (0.9993, 0.0005, 0.0002),
    "name": (0.988, 0.01, 0.002),
    "address": (0.9945, 0.005, 0.0005),
    "place": (0.89, 0.10, 0.01),
}
TWICE = 0.2  # of all pairs of n customers, this / n are one person, before anything is learned
ENOUGH = 500  # candidate pairs to learn from
LARGEST_BLOCK = 40  # a key of more people than this tells nobody apart
WORDS = re.compile(r"\w+")
Pairs = NDArray[np.int64]
Seen = NDArray[np.int8]  # pairs x fields: levels


@dataclass(frozen=True, slots=True)
class Record:
    """What is compared, in one spelling: lower case, narrow, blanks folded."""

    email: str = ""
    phone: str = ""
    name: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""


def keys(record: Record) -> Iterator[str]:
    """What two records must share to be compared at all."""
    if record.email:
        yield "e" + mailbox(record.email)
    if len(record.phone) >= 7:
        yield "p" + record.phone[-8:]
    if record.name:
        words = "".join(sorted(WORDS.findall(record.name)))
        if record.postcode or record.city:
            yield f"n{words}|{record.postcode or record.city}"
        if record.address:
            yield f"a{words[:1]}|{_bare(record.address)}"


def mailbox(address: str) -> str:
    """The mailbox that an address reaches: Google's ignores dots, and plus signs are tags."""
    local, _, host = address.partition("@")
    local = local.partition("+")[0]
    if host in ("gmail.com", "googlemail.com"):
        local, host = local.replace(".", ""), "gmail.com"
    return f"{local}@{host}"


def blocked(hashes: Pairs, owners: Pairs) -> Pairs:
    """Pairs of owners that have a hash in common, each once, the smaller first.

    Sorting does it: a million owners with three keys each take a second or two.
    """
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    found = []
    for step in range(1, LARGEST_BLOCK):
        same = hashes[step:] == hashes[:-step]
        if not same.any():
            break
        found.append(np.column_stack((owners[:-step][same], owners[step:][same])))
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    pairs = np.sort(np.concatenate(found), axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return np.unique(pairs, axis=0)


def small_blocks(hashes: Pairs) -> NDArray[np.bool_]:
    """Which hashes are shared by two or more, and by few enough to tell people apart."""
    _, place, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    shared = counts[place]
    keep: NDArray[np.bool_] = (shared > 1) & (shared <= LARGEST_BLOCK)
    return keep


def compare(one: Record, other: Record) -> tuple[int, ...]:
    """The level of each field, in the order of FIELDS."""
    return (
        _email(one.email, other.email),
        _phone(one.phone, other.phone),
        _name(one.name, other.name),
        _text(_bare(one.address), _bare(other.address), near=0.75),
        _place(one, other),
    )


class Matcher:
    """Log-odds that two records are one person, and what each field adds to them.

    `u` is counted over all pairs, `m` and the prior are learned by EM: pairs that share a key one
    by one, the others by a sample.
    """

    name = "matching"
    format = 1

    def __init__(self, *, rounds: int = 50, smoothing: float = 5.0) -> None:
        self.rounds, self.smoothing = rounds, smoothing

    def fit(self, candidates: Seen, strangers: Seen, everybody: int) -> Self:
        """Learn from what was seen of pairs that share a key, and of random pairs.

        Candidates are all pairs that could be one person; the random ones stand for the rest of
        all pairs of `everybody`. Without the rest, what the keys select would look like proof.
        With too few of either the documented `M` and `U` stand.
        """
        self.m_ = np.array([(1.0, *M[field]) for field in FIELDS])
        self.u_ = np.array([(1.0, *U[field]) for field in FIELDS])
        self.prior_ = TWICE / max(everybody, 10)
        strangers = strangers[~_share_a_key(strangers)]  # those are among the candidates
        if len(strangers) < ENOUGH:
            return self
        rest = max(0, everybody * (everybody - 1) // 2 - len(candidates))
        patterns, counts = _patterns(candidates, strangers, rest / len(strangers))
        self.u_ = self._shares(patterns, counts, self.u_)  # nearly all pairs are strangers
        if len(candidates) < ENOUGH:
            return self
        start = self.m_
        for _ in range(self.rounds):
            weight = _sigmoid(self._log_odds(patterns)) * counts
            self.m_ = self._shares(patterns, weight, start)
            self.prior_ = float((weight.sum() + 1e-3) / (counts.sum() + 1.0))
        return self

    def probability(self, seen: Seen) -> NDArray[np.float64]:
        """The chance that each pair is one person."""
        return _sigmoid(self._log_odds(seen))

    def reasons(self, levels: Sequence[int]) -> list[dict[str, Any]]:
        """What each field that says anything adds to the log-odds, the strongest first."""
        weights = self._weights()
        told = [
            {"field": field, "how": HOW[level], "weight": round(float(weights[place, level]), 2)}
            for place, (field, level) in enumerate(zip(FIELDS, levels, strict=True))
            if level != MISSING
        ]
        return sorted(told, key=lambda reason: -abs(reason["weight"]))

    def state(self) -> State:
        return State(
            arrays={"m": self.m_, "u": self.u_, "prior": np.array([self.prior_])},
            settings={"rounds": self.rounds, "smoothing": self.smoothing},
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        made = cls(**state.settings)
        made.m_, made.u_ = state.arrays["m"], state.arrays["u"]
        made.prior_ = float(state.arrays["prior"][0])
        return made

    def _log_odds(self, seen: Seen) -> NDArray[np.float64]:
        prior = math.log(self.prior_ / (1 - self.prior_))
        weights = self._weights()
        total = np.full(len(seen), prior)
        for place in range(len(FIELDS)):
            total += weights[place, seen[:, place]]
        return total

    def _weights(self) -> NDArray[np.float64]:
        weights: NDArray[np.float64] = np.log(self.m_ / self.u_)
        weights[:, MISSING] = 0.0
        # More agreement never speaks against: few pairs must not turn the order round.
        weights[:, DIFFERS:] = np.maximum.accumulate(weights[:, DIFFERS:], axis=1)
        return weights

    def _shares(
        self, seen: Seen, weight: NDArray[np.float64], before: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """How often each level is seen, among fields that are there, drawn to what was thought."""
        shares = np.ones_like(before)
        for place in range(len(FIELDS)):
            seen_so = np.bincount(seen[:, place], weights=weight, minlength=LEVELS)
            count = seen_so[DIFFERS:] + self.smoothing * before[place, DIFFERS:]
            shares[place, DIFFERS:] = count / count.sum()
        return shares


HOW = ("missing", "differs", "near", "agrees")


def _share_a_key(seen: Seen) -> NDArray[np.bool_]:
    """Pairs that `keys` would have brought together."""
    email, phone, name, address, place = (seen[:, number] for number in range(len(FIELDS)))
    by_name = (name >= NEAR) & ((place >= NEAR) | (address == AGREES))
    together: NDArray[np.bool_] = (email >= NEAR) | (phone >= NEAR) | by_name
    return together


def _patterns(candidates: Seen, strangers: Seen, weight: float) -> tuple[Seen, NDArray[np.float64]]:
    """What is seen, each once, and of how many pairs."""
    seen = np.concatenate((candidates, strangers))
    weights = np.concatenate((np.ones(len(candidates)), np.full(len(strangers), weight)))
    patterns, place = np.unique(seen, axis=0, return_inverse=True)
    counts: NDArray[np.float64] = np.bincount(place.ravel(), weights=weights).astype(np.float64)
    return patterns, counts


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(x, -500, 500)))
    return result


def _email(one: str, other: str) -> int:
    if not one or not other:
        return MISSING
    if one == other:
        return AGREES
    return NEAR if mailbox(one) == mailbox(other) or _mistyped(one, other) else DIFFERS


def _mistyped(one: str, other: str) -> bool:
    """The same name at a host that is spelt nearly the same: gmial.com for gmail.com."""
    name, _, host = one.partition("@")
    same, _, place = other.partition("@")
    return name == same and _ratio(host, place) >= 0.8


def _phone(one: str, other: str) -> int:
    if not one or not other:
        return MISSING
    if one == other:
        return AGREES
    return NEAR if len(one) >= 8 and one[-8:] == other[-8:] else DIFFERS


def _name(one: str, other: str) -> int:
    if not one or not other:
        return MISSING
    if one == other:
        return AGREES
    if sorted(WORDS.findall(one)) == sorted(WORDS.findall(other)):
        return NEAR  # family name first or last
    return NEAR if _ratio(one, other) >= 0.8 else DIFFERS


def _text(one: str, other: str, *, near: float) -> int:
    if not one or not other:
        return MISSING
    if one == other:
        return AGREES
    return NEAR if _ratio(one, other) >= near else DIFFERS


def _place(one: Record, other: Record) -> int:
    if one.postcode and one.postcode == other.postcode:
        return AGREES
    if one.city and one.city == other.city:
        return NEAR
    there = (one.postcode and other.postcode) or (one.city and other.city)
    return DIFFERS if there else MISSING


def _bare(text: str) -> str:
    return "".join(WORDS.findall(text))


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
