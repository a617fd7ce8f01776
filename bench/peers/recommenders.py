"""Peers of the recommenders, bare: each library or paper as it comes, scored as one matrix.

A peer is a function from Interactions to (customers, products) scores. Settings other than a
library's own were chosen on inner windows of the training parts, as ours were.
"""

import numpy as np
from scipy import sparse

DECAY = 60.0  # days in which a choice is half forgotten


def popularity(data):
    return np.tile(np.asarray(data.touched().sum(axis=0)), (data.shape[0], 1))


def implicit_als(data, *, alpha=5.0, l2=40.0, factors=64):
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=factors, regularization=l2, alpha=alpha, random_state=0, num_threads=1
    )
    model.fit(sparse.csr_matrix(data.touched(), dtype="f4"), show_progress=False)
    return model.user_factors @ model.item_factors.T


def implicit_als_defaults(data):
    return implicit_als(data, alpha=1.0, l2=0.01)


def _ease(weights, diagonal):
    gram = (weights.T @ weights).toarray()
    own = np.arange(len(gram))
    gram[own, own] += diagonal(gram[own, own])
    inverse = np.linalg.inv(gram)
    taught = inverse / -np.diagonal(inverse)
    taught[own, own] = 0.0
    return weights @ taught


def ease(data):
    return _ease(data.touched(), lambda _: 200.0)


def edlae(data):
    return _ease(data.touched(), lambda counts: 100.0 + 0.3 / 0.7 * counts)


def ease_decayed(data):
    return _ease(data.weights(half_life=DECAY), lambda counts: 60.0 + counts)


def truncated_svd(data):
    from sklearn.decomposition import TruncatedSVD

    model = TruncatedSVD(32, random_state=0)
    return model.fit_transform(data.touched()) @ model.components_


def user_knn(data, *, half_life=None, k=150):
    weights = data.weights(half_life=half_life)
    length = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    unit = sparse.diags(1.0 / np.maximum(length, 1e-12)) @ weights
    likeness = (unit @ unit.T).toarray()
    if k < len(likeness):
        least = np.partition(likeness, -k, axis=1)[:, -k, None]
        likeness[likeness < least] = 0.0
    return np.asarray(sparse.csr_matrix(likeness) @ weights.toarray())


def user_knn_decayed(data):
    return user_knn(data, half_life=2 * DECAY)


def transitions(data, *, window=10, fading=0.8):
    cells = data.values.tocoo()
    order = np.lexsort((cells.col, data.days, cells.row))
    who, what = cells.row[order], cells.col[order]
    follows = sparse.csr_matrix((data.shape[1], data.shape[1]))
    for apart in range(1, window + 1):
        same = who[apart:] == who[:-apart]
        pair = what[:-apart][same], what[apart:][same]
        follows = follows + sparse.csr_matrix(
            (np.full(same.sum(), 1.0 / apart), pair), shape=follows.shape
        )
    total = np.asarray(follows.sum(axis=1)).ravel()
    follows = sparse.diags(1.0 / (np.sqrt(total) + 10.0)) @ follows
    back = np.searchsorted(who, who, side="right") - 1 - np.arange(len(who))
    last = sparse.csr_matrix((fading**back, (who, what)), shape=data.shape)
    return (last @ follows).toarray()


def _surprise(kind, **settings):
    def scores(data):
        """Of the factors as they are, unclipped: `predict` ties the best at the end of the scale."""
        import surprise

        from recommendations.ml.ratings import trainset

        model = getattr(surprise, kind)(random_state=0, **settings).fit(trainset(data))
        customers = model.pu
        if kind == "SVDpp":
            touched = data.touched()
            share = np.maximum(np.diff(touched.indptr), 1) ** -0.5
            customers = customers + sparse.diags(share) @ (touched @ model.yj)
        return model.bu[:, None] + model.bi + customers @ model.qi.T

    return scores


def knn_baseline(data):
    from recommendations.ml.ratings import KnnBaseline  # Surprise's likeness, scored as a matrix

    return KnnBaseline().fit(data).score(data)


PEERS = {
    "popularity": popularity,
    "implicit ALS k64": implicit_als,
    "implicit ALS k64, its defaults": implicit_als_defaults,
    "EASE": ease,
    "EDLAE": edlae,
    "EASE, decayed": ease_decayed,
    "sklearn TruncatedSVD": truncated_svd,
    "user-kNN": user_knn,
    "user-kNN, decayed": user_knn_decayed,
    "transitions": transitions,
    "Surprise SVD": _surprise("SVD"),
    "Surprise SVD++": _surprise("SVDpp", cache_ratings=True),
    "Surprise KNNBaseline": knn_baseline,
}
