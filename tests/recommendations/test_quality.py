"""What an artifact's page says of its lists is what was measured on later time."""

from datetime import timedelta

import numpy as np
import pytest

from crm import artifacts
from crm.models import Artifact, Customer, Product
from crm.training import Order
from recommendations import quality
from recommendations.ml.interactions import Interactions
from recommendations.ml.shop import ShopRecommender
from recommendations.training import train_recommender
from tests.factories import NOON, make_category, make_order, make_product
from tests.recommendations.worlds import make_shop

pytestmark = pytest.mark.django_db
ORDER = Order(as_of=NOON, now=NOON)


class Always:
    """Ranks products as it is told, for everybody."""

    def __init__(self, *order):
        self.order = order

    def score(self, rows):
        scores = np.zeros(rows.shape)
        for place, column in enumerate(self.order):
            scores[:, column] = len(self.order) - place
        return scores


@pytest.fixture
def window():
    """Thirty people have product 0 or 1; all of them come to want product 3."""
    products = [make_product(category=make_category(f"k{n % 2}")) for n in range(14)]
    people = np.arange(30)
    earlier = Interactions.from_rows(
        (people, people % 2), np.ones(30), np.arange(30.0), shape=(30, 14), explicit=False
    )
    later = Interactions.from_rows(
        (people, np.full(30, 3)), np.ones(30), np.arange(30.0), shape=(30, 14), explicit=False
    )
    ids = np.array([product.pk for product in products])
    rng = np.random.default_rng(0)
    return quality.Window.of(earlier, later.touched(), products=ids, rng=rng)


class TestJudged:
    def test_the_right_product_first_is_perfect(self, window):
        figures = window.judge(Always(3, 4, 5)).figures
        assert figures["ndcg@10"] == figures["recall@10"] == figures["mrr"] == 1.0

    def test_second_is_worth_what_the_discount_says(self, window):
        figures = window.judge(Always(4, 3)).figures
        assert figures["ndcg@10"] == pytest.approx(1 / np.log2(3), abs=1e-4)
        assert figures["mrr"] == 0.5

    def test_what_the_customer_has_is_never_in_a_list(self, window):
        with_owned, without = window.judge(Always(0, 1, 3)), window.judge(Always(3))
        assert with_owned.figures["mrr"] == 0.5
        assert without.figures["mrr"] == 1.0

    def test_the_same_list_for_everybody_shows_little_of_the_catalogue(self, window):
        figures = window.judge(Always(3)).figures
        assert figures["coverage"] < 1.0
        assert figures["gini"] > 0.1

    def test_no_more_customers_are_judged_than_needed_and_not_always_the_oldest(self, monkeypatch):
        monkeypatch.setattr(quality, "JUDGED", 10)
        make_product()
        one = Interactions.from_rows(
            (np.arange(40), np.zeros(40, int)), np.ones(40), None, shape=(40, 1)
        )
        seen = set()
        for seed in range(10):
            rng = np.random.default_rng(seed)
            made = quality.Window.of(one, one.touched(), products=np.array([1]), rng=rng)
            assert len(made.customers) == 10
            seen |= set(made.customers.tolist())
        assert len(seen) > 25


class TestCompared:
    def test_the_same_lists_are_no_gap_at_all(self, window):
        one = window.judge(Always(3))
        gap = quality.gaps(one, {"champion": one}, rng=np.random.default_rng(0))["champion"]
        assert (gap.mean, gap.low, gap.high) == (0.0, 0.0, 0.0)

    def test_a_better_list_is_surely_better(self, window):
        better, worse = window.judge(Always(3)), window.judge(Always(5, 6, 3))
        gap = quality.gaps(better, {"baseline": worse}, rng=np.random.default_rng(0))["baseline"]
        assert 0 < gap.low <= gap.mean <= gap.high

    def test_quality_is_told_by_length_of_history(self, window):
        ours, theirs = window.judge(Always(3)), window.judge(Always(4, 3))
        told = quality.backtest(window, ours, {"baseline": theirs}, {})
        assert told["customers"] == 30
        assert told["histories"] == [
            {"fewest": 1, "most": 2, "customers": 30, "candidate": 1.0, "baseline": 0.63093}
        ]


class TestKept:
    def test_figures_gaps_and_voices_are_kept_with_the_artifact(self):
        make_shop()
        train_recommender(ORDER)
        artifact = Artifact.objects.get(name="recommender")
        told = artifact.backtest
        assert set(artifact.metrics) == set(artifact.baseline_metrics)
        gap = told["gaps"]["baseline"]
        apart = artifact.metrics["ndcg@10"] - artifact.baseline_metrics["ndcg@10"]
        assert gap["mean"] == pytest.approx(apart, abs=1e-4)
        assert gap["low"] <= gap["mean"] <= gap["high"]
        assert sum(voice["weights"][1] for voice in told["voices"]) == pytest.approx(1.0, abs=0.01)
        people = sum(group["customers"] for group in told["histories"])
        assert people == told["customers"] > 0

    def test_a_champion_with_better_weights_is_taught_what_is_new(self, monkeypatch):
        """Weights of before that do better are kept; what they weigh is learned anew."""
        make_shop()
        train_recommender(ORDER)
        champion = artifacts.load_serving(ShopRecommender)
        monkeypatch.setattr(quality.Lists, "is_below", lambda *_: True)
        for person in Customer.objects.all()[:20]:
            make_order(person, Product.objects.first(), at=NOON)
        later = NOON + timedelta(days=1)
        report = train_recommender(Order(as_of=later, now=later, seed=7))
        assert report["promoted"]
        assert report["metrics"] == report["champion_metrics"]
        assert Artifact.objects.latest("pk").backtest["is_kept"]
        again = artifacts.load_serving(ShopRecommender)
        assert np.array_equal(again.blend_.weights_, champion.blend_.weights_)
        row = again.row(np.array([0]), np.ones(1), np.zeros(1), today=1.0)
        assert not np.allclose(again.score(row), champion.score(row))

    def test_a_second_training_on_the_same_days_is_as_good_and_serves(self):
        make_shop()
        train_recommender(ORDER)
        report = train_recommender(ORDER)
        gap = Artifact.objects.latest("pk").backtest["gaps"]["champion"]
        assert report["promoted"]
        assert gap == {"mean": 0.0, "low": 0.0, "high": 0.0}
