"""What customers want when they write: advice, a price, a delivery, help, praise …

Three kinds of machine are compared by cross-validation on the same texts and folds: naive Bayes,
a linear SVM and a random forest; the best by macro-F1 is kept. Labels come from the examples.
"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from crm.ml.bags import Bag
from crm.ml.estimator import State
from crm.ml.evaluation import f1_by_label
from crm.ml.text import normalise

KINDS = ("naive_bayes", "svm", "forest")
TREES = 50
FOREST_TERMS = 1_500  # a tree asks for one term at a time: the commonest say enough
FOLDS = 5
WIDTH = 512  # of the sentence embedding
STEEPNESS = 2.5  # turns distances from the SVM's planes into chances

# The shop's default names for needs, telling words for each, and what the chat calls them.
WORDS: Mapping[str, str] = {
    "advice": r"推荐|想买|想要|哪款|哪个好|适合|有没有|比较|recommend|looking for|which one|suggest|i need a|compare|in stock",
    "price": r"优惠|便宜|折扣|多少钱|价格|券|降价|coupon|discount|cheaper|price|how much|promo|deal|voucher",
    "delivery": r"物流|快递|发货|到货|送到|运费|配送|地址|deliver|shipping|parcel|arrive|courier|track|where is my",
    "after_sales": r"退货|退款|换货|维修|坏了|破了|投诉|质量|保修|售后|refund|return|exchange|broke|damaged|warranty|complain|repair|faulty",
    "account": r"密码|账号|账户|登录|注册|退订|隐私|会员|password|account|log ?in|sign ?up|unsubscribe|privacy|member",
    "praise": r"谢谢|感谢|满意|喜欢|很好|不错|棒|赞|thank|love|great|happy|excellent|perfect",
}  # fmt: skip
OTHER = "other"  # greetings and the like: they say something, and need nothing
OF_INTENT: Mapping[str, str] = {
    "recommend": "advice", "refine": "advice", "select": "advice", "product_info": "advice", "compare": "advice", "add_to_cart": "advice",
    "coupon": "price", "order_status": "delivery", "change_order": "delivery",
    "cancel_order": "after_sales", "return_request": "after_sales", "complaint": "after_sales", "feedback_neg": "after_sales",
    "subscribe": "account", "unsubscribe": "account", "privacy_request": "account", "thanks": "praise", "feedback_pos": "praise",
    "greet": OTHER, "goodbye": OTHER, "chitchat": OTHER, "affirm": OTHER, "deny": OTHER,
}  # fmt: skip
_PATTERNS = {need: re.compile(words) for need, words in WORDS.items()}


def by_words(text: str) -> tuple[str, float]:
    """The baseline: the need with most telling words; ("", 0) where none stands."""
    clean = normalise(text).lower()
    hits = {need: len(pattern.findall(clean)) for need, pattern in _PATTERNS.items()}
    best = max(hits, key=lambda need: hits[need])
    return (best, hits[best] / sum(hits.values())) if hits[best] else ("", 0.0)


class NeedsClassifier:
    """Settings: which machine (None: compare and keep the best), and the random seed."""

    name: ClassVar[str] = "needs"
    format: ClassVar[int] = 1

    def __init__(self, kind: str | None = None, seed: int = 0) -> None:
        self.kind = kind
        self.seed = seed

    def fit(
        self, texts: Sequence[str], labels: Sequence[str], embeddings: np.ndarray | None = None
    ) -> Self:
        """Learn from texts and what each needed; `embeddings` has one row a text, or is None."""
        self.labels_ = sorted(set(labels))
        target = np.searchsorted(np.array(self.labels_), np.array(labels))
        self.bags_ = {view: Bag(view) for view in ("words", "characters")}
        rows = sparse.hstack([b.fit_transform(texts) for b in self.bags_.values()], format="csr")
        self.uses_embeddings_ = embeddings is not None
        dense = self._dense(embeddings, len(texts))
        self.rarity_ = _rarity(rows)
        users = np.bincount(rows.indices, minlength=rows.shape[1])
        self.asked_ = np.sort(np.argsort(-users, kind="stable")[:FOREST_TERMS])
        self.comparison_ = {} if self.kind else self._compare(rows, dense, target)
        self.kept_ = self.kind or max(KINDS, key=lambda kind: self.comparison_[kind])
        self.learned_ = self._fit(self.kept_, rows, dense, target)
        return self

    def predict(
        self, texts: Sequence[str], embeddings: np.ndarray | None = None
    ) -> list[tuple[str, float]]:
        """For each text the likeliest need and its chance."""
        chances = self.chances(texts, embeddings)
        best = chances.argmax(axis=1)
        sure = chances[np.arange(len(best)), best]
        return [(self.labels_[i], float(p)) for i, p in zip(best, sure, strict=True)]

    def chances(self, texts: Sequence[str], embeddings: np.ndarray | None = None) -> np.ndarray:
        """(texts, labels)"""
        rows = sparse.hstack([b.transform(texts) for b in self.bags_.values()], format="csr")
        return self._chances(self.kept_, rows, self._dense(embeddings, len(texts)), self.learned_)

    def state(self) -> State:
        arrays = {f"terms {view}": bag.array() for view, bag in self.bags_.items()}
        arrays |= {"rarity": self.rarity_, "asked": self.asked_}
        arrays |= {f"learned {name}": array for name, array in self.learned_.items()}
        settings: dict[str, Any] = {
            "kind": self.kind,
            "seed": self.seed,
            "labels": self.labels_,
            "kept": self.kept_,
            "comparison": self.comparison_,
            "uses_embeddings": self.uses_embeddings_,
        }
        return State(arrays, settings)

    @classmethod
    def from_state(cls, state: State) -> Self:
        settings, arrays = state.settings, state.arrays
        classifier = cls(settings["kind"], settings["seed"])
        classifier.labels_ = list(settings["labels"])
        classifier.kept_ = settings["kept"]
        classifier.comparison_ = dict(settings["comparison"])
        classifier.uses_embeddings_ = settings["uses_embeddings"]
        classifier.rarity_, classifier.asked_ = arrays["rarity"], arrays["asked"]
        classifier.bags_ = {
            view: Bag.from_array(view, arrays[f"terms {view}"]) for view in ("words", "characters")
        }
        classifier.learned_ = {
            name.removeprefix("learned "): array
            for name, array in arrays.items()
            if name.startswith("learned ")
        }
        return classifier

    labels_: list[str]
    bags_: dict[str, Bag]
    rarity_: np.ndarray
    asked_: np.ndarray  # the terms a forest asks for
    comparison_: dict[str, float]  # macro-F1 of each machine
    kept_: str
    uses_embeddings_: bool
    learned_: dict[str, np.ndarray]

    def _dense(self, embeddings: np.ndarray | None, texts: int) -> np.ndarray:
        """Rows of length one; nought where there is no embedding, so that shapes agree."""
        if not self.uses_embeddings_:
            return np.zeros((texts, 0))
        if embeddings is None:
            return np.zeros((texts, WIDTH))
        length = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return np.asarray(embeddings / np.maximum(length, 1e-9), dtype=float)

    def _compare(
        self, rows: sparse.csr_matrix, dense: np.ndarray, target: np.ndarray
    ) -> dict[str, float]:
        """Macro-F1 of each machine on texts it was not fitted on, the same folds for all."""
        fold = _folds(target, np.random.default_rng(self.seed))
        found = {}
        for kind in KINDS:
            said = np.zeros(len(target), int)
            for part in np.unique(fold):
                out = fold == part
                learned = self._fit(kind, rows[~out], dense[~out], target[~out])
                said[out] = self._chances(kind, rows[out], dense[out], learned).argmax(axis=1)
            each = f1_by_label([str(t) for t in target], [str(s) for s in said])
            found[kind] = float(np.mean(list(each.values())))
        return found

    def _fit(
        self, kind: str, rows: sparse.csr_matrix, dense: np.ndarray, target: np.ndarray
    ) -> dict[str, np.ndarray]:
        if kind == "naive_bayes":
            return _fit_bayes(rows, target, len(self.labels_))
        if kind == "svm":
            return _fit_svm(self._joined(rows, dense), target, len(self.labels_), self.seed)
        return _fit_forest(self._asked(rows, dense), target, len(self.labels_), self.seed)

    def _chances(
        self,
        kind: str,
        rows: sparse.csr_matrix,
        dense: np.ndarray,
        learned: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        from scipy.special import softmax

        if kind == "naive_bayes":
            once = _once(rows)
            # Runs overlap, so one word speaks many times; the length of the text takes that back.
            said = np.maximum(np.asarray(once.sum(axis=1)), 1.0) ** 0.5
            scores = learned["prior"] + (once @ learned["terms"].T) / said
            return np.asarray(softmax(scores, axis=1))
        if kind == "svm":
            scores = self._joined(rows, dense) @ learned["weights"].T + learned["bias"]
            return np.asarray(softmax(STEEPNESS * scores, axis=1))
        return _walk(self._asked(rows, dense), learned)

    def _joined(self, rows: sparse.csr_matrix, dense: np.ndarray) -> sparse.csr_matrix:
        return sparse.hstack([_unit(rows, self.rarity_), sparse.csr_matrix(dense)], format="csr")

    def _asked(self, rows: sparse.csr_matrix, dense: np.ndarray) -> np.ndarray:
        """Single precision, as trees compare."""
        return np.hstack([rows[:, self.asked_].toarray(), dense]).astype(np.float32)


def _rarity(rows: sparse.csr_matrix) -> np.ndarray:
    users = np.bincount(rows.indices, minlength=rows.shape[1])
    return np.log((1 + rows.shape[0]) / (1 + users)) + 1


def _unit(rows: sparse.csr_matrix, rarity: np.ndarray) -> sparse.csr_matrix:
    data = (1 + np.log(rows.data)) * rarity[rows.indices]
    row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    length = np.sqrt(np.bincount(row_of, data * data, minlength=rows.shape[0]))
    data = data / np.maximum(length, 1e-12)[row_of]
    return sparse.csr_matrix((data, rows.indices, rows.indptr), rows.shape)


def _once(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones_like(rows.data), rows.indices, rows.indptr), rows.shape)


def _fit_bayes(rows: sparse.csr_matrix, target: np.ndarray, labels: int) -> dict[str, np.ndarray]:
    once = _once(rows)
    sums = np.vstack(
        [np.asarray(once[target == label].sum(axis=0)).ravel() for label in range(labels)]
    )
    terms = np.log((sums + 0.1) / (sums + 0.1).sum(axis=1, keepdims=True))
    prior = np.log((np.bincount(target, minlength=labels) + 1) / (len(target) + labels))
    return {"terms": terms, "prior": prior}


def _fit_svm(
    rows: sparse.csr_matrix, target: np.ndarray, labels: int, seed: int
) -> dict[str, np.ndarray]:
    from sklearn.svm import LinearSVC  # slow to import, needed for fitting only

    weights, bias = np.zeros((labels, rows.shape[1])), np.full(labels, -2.0)
    for label in np.unique(target):
        side = target == label
        if side.all():
            bias[label] = 2.0
            continue
        svm = LinearSVC(C=0.5, class_weight="balanced", tol=1e-3, random_state=seed).fit(rows, side)
        weights[label], bias[label] = svm.coef_[0], svm.intercept_[0]
    return {"weights": weights, "bias": bias}


def _fit_forest(
    rows: np.ndarray, target: np.ndarray, labels: int, seed: int
) -> dict[str, np.ndarray]:
    """Trees as arrays: which term is asked, where each answer leads, and what the leaves say."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        TREES, min_samples_leaf=1, class_weight="balanced_subsample", random_state=seed
    ).fit(rows, target)
    starts, parts = [], []
    nodes = 0
    for one in forest.estimators_:
        tree = one.tree_
        leaves = np.zeros((tree.node_count, labels), np.float32)
        leaves[:, forest.classes_] = tree.value[:, 0] / tree.value[:, 0].sum(axis=1, keepdims=True)
        inner = tree.children_left >= 0
        left = np.where(inner, tree.children_left + nodes, -1)
        right = np.where(inner, tree.children_right + nodes, -1)
        parts.append((tree.feature, tree.threshold, left, right, leaves))
        starts.append(nodes)
        nodes += tree.node_count
    names = ("asks", "above", "left", "right", "says")
    stacked = {name: np.concatenate(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}  # fmt: skip
    return stacked | {"starts": np.array(starts)}


def _walk(rows: np.ndarray, trees: Mapping[str, np.ndarray]) -> np.ndarray:
    """Let every row go down every tree at once; the mean of the leaves they end in."""
    place = np.tile(trees["starts"], (len(rows), 1))
    each = np.arange(len(rows))[:, None]
    while True:
        inner = trees["left"][place] >= 0
        if not inner.any():
            return np.asarray(trees["says"][place].mean(axis=1), dtype=float)
        asked = np.where(inner, trees["asks"][place], 0)
        goes_left = rows[each, asked] <= trees["above"][place]
        further = np.where(goes_left, trees["left"][place], trees["right"][place])
        place = np.where(inner, further, place)


def _folds(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    fold = np.zeros(len(target), int)
    for label in np.unique(target):
        rows = rng.permutation(np.flatnonzero(target == label))
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold
