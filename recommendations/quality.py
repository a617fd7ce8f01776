"""How good lists are on later time, and by how much one recommender is above another."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from crm.ml.evaluation import Gap
from crm.models import Product

if TYPE_CHECKING:
    import numpy as np
    from scipy import sparse

    from recommendations.ml.interactions import Interactions

METRIC = "ndcg@10"
JUDGED = 2_000  # customers of the later window that are scored
AT_ONCE = 512
HISTORIES = (1, 3, 6, 11)  # interactions from which on a history is in the next group


class Scores(Protocol):
    def score(self, rows: "Interactions") -> "np.ndarray": ...


@dataclass(frozen=True)
class Lists:
    """The lists of ten of one recommender for the judged customers, and how good they are."""

    figures: dict[str, float]
    gains: "np.ndarray"  # (customers,) NDCG@10 of each

    def is_below(self, other: "Lists") -> bool:
        return self.figures[METRIC] < other.figures[METRIC]


@dataclass(frozen=True)
class Window:
    """Earlier and later time, and whose lists are judged on it."""

    earlier: "Interactions"
    later: "sparse.csr_matrix"  # (customers, products)
    kinds: "sparse.csr_matrix"  # (products, categories)
    customers: "np.ndarray"  # (judged,) rows, ascending

    @classmethod
    def of(
        cls,
        earlier: "Interactions",
        later: "sparse.csr_matrix",
        *,
        products: "np.ndarray",
        rng: "np.random.Generator",
    ) -> "Window":
        import numpy as np

        judged = np.flatnonzero(np.diff(later.indptr) > 0)
        if len(judged) > JUDGED:
            judged = np.sort(rng.choice(judged, JUDGED, replace=False))
        return cls(earlier, later, _kinds(products), judged)

    def judge(self, recommender: Scores) -> Lists:
        """Lists of ten without what the customer has, as they would be shown."""
        import numpy as np

        from recommendations.ml.ranking import best_of_rows, ndcg

        lists = []
        for start in range(0, len(self.customers), AT_ONCE):
            rows = self.earlier.take(self.customers[start : start + AT_ONCE])
            lists.append(best_of_rows(recommender.score(rows), n=10, seen=rows.touched()))
        ranked = np.vstack(lists)
        gains = ndcg(ranked, self.later[self.customers])
        return Lists(self._figures(ranked, gains), gains)

    def _figures(self, ranked: "np.ndarray", gains: "np.ndarray") -> dict[str, float]:
        import numpy as np

        from recommendations.ml import metrics

        relevant, chosen = self.later[self.customers], self.earlier.touched()
        features = self.earlier.features
        alike = metrics.similarity(ranked, features) if features is not None else np.zeros(0)
        taste = metrics.calibration(ranked, chosen[self.customers], self.kinds)
        figures = {
            METRIC: gains.mean(),
            "recall@10": metrics.recall(ranked, relevant).mean(),
            "mrr": metrics.reciprocal_rank(ranked, relevant).mean(),
            "coverage": metrics.coverage(ranked, chosen.shape[1]),
            "gini": metrics.gini(ranked, chosen.shape[1]),
            "novelty": _mean(metrics.novelty(ranked, chosen)),
            "diversity": 1.0 - _mean(alike),
            "calibration": _mean(taste),
        }
        return {name: round(float(value), 5) for name, value in figures.items()}


def gaps(ours: Lists, rivals: Mapping[str, Lists], *, rng: "np.random.Generator") -> dict[str, Gap]:
    """How far our lists are above each rival's, resampled over customers, the same in both."""
    from recommendations.ml.metrics import difference

    return {
        name: Gap(**asdict(difference(ours.gains, rival.gains, rng=rng)))
        for name, rival in rivals.items()
    }


def backtest(
    window: Window, ours: Lists, rivals: Mapping[str, Lists], apart: Mapping[str, Gap]
) -> dict[str, Any]:
    """What the artifact's page draws: the gaps, and quality by length of the history."""
    import numpy as np

    length = np.diff(window.earlier.values.indptr)[window.customers]
    group = np.searchsorted(HISTORIES, length, side="right")
    histories = []
    for number, fewest in enumerate(HISTORIES, start=1):
        mine = group == number
        if mine.any():
            found = {"candidate": ours, **rivals}
            means = {name: round(float(one.gains[mine].mean()), 5) for name, one in found.items()}
            most = HISTORIES[number] - 1 if number < len(HISTORIES) else None
            people = int(mine.sum())
            histories.append({"fewest": fewest, "most": most, "customers": people, **means})
    return {
        "kind": "lists",
        "customers": len(window.customers),
        "gaps": {
            name: {end: round(value, 5) for end, value in asdict(gap).items()}
            for name, gap in apart.items()
        },
        "histories": histories,
    }


def _kinds(products: "np.ndarray") -> "sparse.csr_matrix":
    """(products, categories) ones; a product without a category is a kind of its own group."""
    import numpy as np
    from scipy import sparse

    told = dict(Product.objects.values_list("pk", "category_id"))
    _, kind = np.unique([told.get(int(pk)) or 0 for pk in products], return_inverse=True)
    places = np.arange(len(products))
    return sparse.csr_matrix((np.ones(len(products)), (places, kind)))


def _mean(values: "np.ndarray") -> float:
    import numpy as np

    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0
