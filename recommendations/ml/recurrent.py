"""A recurrent network that reads choices step by step: GRU4Rec (Hidasi et al. 2016, 2018).

It is learned with torch, an extra that is imported when it is needed; what is learned are plain
arrays, and scoring is numpy's, so nobody who serves needs torch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from recommendations.ml.interactions import Interactions
from recommendations.ml.recommender import Recommender

AT_ONCE = 32  # windows in a batch
EVERYTHING = 10_000  # products up to which a choice is compared with all, not with a sample
STEEPEST = 1.0  # length that a gradient is cut to


class NoTorch(Exception):
    """The network is to be learned, but torch is not installed."""


@dataclass(frozen=True)
class Windows:
    """Parts of histories: (windows, length) columns of products, and what was chosen after each.

    After the end of a history stand the number of products (inputs) and -1 (targets).
    """

    inputs: np.ndarray
    targets: np.ndarray


class Gru(Recommender):
    """Every choice moves a state of `size` numbers; products score by how they point its way.

    Products are read and answered with by the same numbers. A state is asked for what comes next,
    and with the chance `ahead` for what comes one later, and so on; the loss is the cross-entropy
    among all products, of a large catalogue among a sample. decay: of the weights, as in AdamW.
    rate: of learning, in the beginning; it falls to nothing.
    """

    name: ClassVar[str] = "gru"
    products_: np.ndarray  # (products, size)
    popular_: np.ndarray  # (products,)
    inward_: np.ndarray  # (3 size, size) what a choice says to reset, keep and new
    onward_: np.ndarray  # (3 size, size) what the state says to them
    inward_bias_: np.ndarray  # (3 size,)
    onward_bias_: np.ndarray  # (3 size,)

    def __init__(  # noqa: PLR0913  (the network, and how it is taught)
        self,
        *,
        size: int = 100,
        length: int = 50,
        ahead: float = 0.4,
        dropout: float = 0.5,
        decay: float = 0.01,
        rate: float = 0.005,
        epochs: int = 20,
        seed: int = 0,
    ) -> None:
        self.size = size
        self.length = length
        self.ahead = ahead
        self.dropout = dropout
        self.decay = decay
        self.rate = rate
        self.epochs = epochs
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        """Raises NoTorch where torch is not installed."""
        try:
            import torch  # an extra, and slow to import
        except ImportError:
            raise NoTorch(
                "a recurrent network is learned with torch, which is not installed: "
                "pip install -r requirements-neural.txt"
            ) from None
        with _repeatable(torch, self.seed):
            learned = _learned(torch, self, interactions)
        for name, array in learned.items():
            setattr(self, name, array)
        return self

    def score(self, rows: Interactions) -> np.ndarray:
        return np.asarray(self._states(rows) @ self.products_.T + self.popular_, dtype=float)

    def _states(self, rows: Interactions) -> np.ndarray:
        """(rows, size) where the last choices of every row lead."""
        customers, products = _steps(rows, np.arange(rows.values.nnz))
        ago = np.searchsorted(customers, customers, side="right") - 1 - np.arange(len(customers))
        states = np.zeros((rows.shape[0], self.size))
        for back in range(min(int(ago.max(initial=-1)) + 1, self.length))[::-1]:
            now = np.flatnonzero(ago == back)
            states[customers[now]] = self._moved(states[customers[now]], products[now])
        return states

    def _moved(self, states: np.ndarray, products: np.ndarray) -> np.ndarray:
        """(rows, size) states after one more choice each (Cho et al. 2014)."""
        heard = self.products_[products] @ self.inward_.T + self.inward_bias_
        known = states @ self.onward_.T + self.onward_bias_
        gates = _sigmoid(heard[:, : 2 * self.size] + known[:, : 2 * self.size])
        reset, kept = gates[:, : self.size], gates[:, self.size :]
        new = np.tanh(heard[:, 2 * self.size :] + reset * known[:, 2 * self.size :])
        return np.asarray(kept * states + (1.0 - kept) * new)


def windows(
    interactions: Interactions, *, length: int, ahead: float, rng: np.random.Generator
) -> Windows:
    """Histories in parts of at most `length` steps, cut at other places at every turn.

    What was chosen at the same moment comes in another order at every turn, too.
    """
    customers, products = _steps(interactions, rng.random(interactions.values.nnz))
    first = np.searchsorted(customers, customers, side="left")
    shift = rng.integers(length, size=interactions.shape[0])[customers]
    part = (np.arange(len(customers)) - first + shift) // length
    told = np.flatnonzero(customers[1:] == customers[:-1])
    is_start = np.ones(len(told), dtype=bool)
    is_start[1:] = (np.diff(customers[told]) != 0) | (np.diff(part[told]) != 0)
    window = np.cumsum(is_start) - 1
    place = np.arange(len(told)) - np.flatnonzero(is_start)[window]
    last = np.searchsorted(customers, customers[told], side="right") - 1
    coming = np.minimum(told + rng.geometric(1.0 - ahead, len(told)), last)
    shape = (int(is_start.sum()), length)
    inputs, targets = np.full(shape, interactions.shape[1]), np.full(shape, -1)
    inputs[window, place], targets[window, place] = products[told], products[coming]
    return Windows(inputs, targets)


def candidates(
    targets: np.ndarray, products: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(candidates,) products that are compared, and where among them each target stands."""
    if products <= EVERYTHING:
        return np.arange(products), targets
    among = np.union1d(targets, rng.integers(products, size=EVERYTHING))
    return among, np.searchsorted(among, targets)


@contextmanager
def _repeatable(torch: Any, seed: int) -> Iterator[None]:
    """One thread and chance by the seed, so that a seed is a result; both as before afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _learned(torch: Any, network: Gru, interactions: Interactions) -> dict[str, np.ndarray]:
    """The arrays of the network by their names; chance is numpy's by its seed, and torch's."""
    products, rng = interactions.shape[1], np.random.default_rng(network.seed)
    items = torch.nn.Embedding(products + 1, network.size, padding_idx=products)
    torch.nn.init.normal_(items.weight, std=network.size**-0.5)
    popular = torch.nn.Parameter(torch.zeros(products))
    cell = torch.nn.GRU(network.size, network.size, batch_first=True)
    drop = torch.nn.Dropout(network.dropout)
    weights = [items.weight, popular, *cell.parameters()]
    descent = torch.optim.AdamW(weights, lr=network.rate, weight_decay=network.decay)
    for epoch in range(network.epochs):
        descent.param_groups[0]["lr"] = network.rate * (1.0 - epoch / network.epochs)
        cut = windows(interactions, length=network.length, ahead=network.ahead, rng=rng)
        order = rng.permutation(len(cut.inputs))
        for start in range(0, len(order), AT_ONCE):
            batch = order[start : start + AT_ONCE]
            targets = cut.targets[batch]
            states, _ = cell(drop(items(torch.from_numpy(cut.inputs[batch]))))
            said = drop(states[torch.from_numpy(targets >= 0)])
            among, right = map(torch.from_numpy, candidates(targets[targets >= 0], products, rng))
            answers = said @ items.weight[among].T + popular[among]
            loss = torch.nn.functional.cross_entropy(answers, right)
            descent.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, STEEPEST)
            descent.step()
    names = ("products_", "popular_", "inward_", "onward_", "inward_bias_", "onward_bias_")
    learned = {name: one.detach().numpy() for name, one in zip(names, weights, strict=True)}
    return learned | {"products_": learned["products_"][:-1].copy()}


def _steps(interactions: Interactions, ties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(customers, products) of every cell, by customer, time and, within a moment, `ties`."""
    customers = np.repeat(np.arange(interactions.shape[0]), np.diff(interactions.values.indptr))
    order = np.lexsort((ties, interactions.days, customers))
    return customers[order], interactions.values.indices[order].astype(np.int64)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
