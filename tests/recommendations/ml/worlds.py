"""Small worlds of interactions with something planted in them."""

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import Interactions


def two_tastes(*, customers=40, products=20, seed=0, ratings=False):
    """Customers of even or odd products, each with one product of their taste held back.

    Returns the interactions and the (customers,) held back product.
    """
    rng = np.random.default_rng(seed)
    rows, columns, held = [], [], []
    for customer in range(customers):
        liked = rng.permutation(np.arange(customer % 2, products, 2))
        held.append(liked[0])
        rows += [customer] * (len(liked) - 1)
        columns += liked[1:].tolist()
    rows, columns = np.array(rows), np.array(columns)
    values = rng.integers(3, 6, len(rows)).astype(float) if ratings else np.ones(len(rows))
    features = sparse.csr_matrix(np.eye(2)[np.arange(products) % 2])
    data = Interactions.from_rows(
        (rows, columns),
        values,
        np.arange(len(rows), dtype=float) % 50,
        shape=(customers, products),
        features=features,
        explicit=ratings,
    )
    return data, np.array(held)


def chain(*, customers=30, products=10):
    """Everybody goes from product to product in a circle, one a day, from where they like."""
    rows = np.repeat(np.arange(customers), 5)
    columns = (np.tile(np.arange(5), customers) + rows * 3) % products
    days = np.tile(np.arange(5.0), customers)
    return Interactions.from_rows(
        (rows, columns), np.ones(len(rows)), days, shape=(customers, products)
    )
