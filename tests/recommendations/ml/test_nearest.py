"""The largest inner products, exact or by an index: the same products, nearly always."""

import numpy as np
import pytest

from recommendations.ml import nearest
from recommendations.ml.nearest import Nearest


def factors(products=3_000, kinds=12, dimensions=8, seed=0):
    """Products in groups, as factors lie."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(kinds, dimensions)) * 2
    noise = rng.normal(size=(products, dimensions))
    return (centres[np.arange(products) % kinds] + noise).astype(np.float32)


def tastes(products=3_000, kinds=12, seed=1):
    """Of customers who chose five products of a kind each."""
    rng = np.random.default_rng(seed)
    whole = factors(products, kinds)
    chosen = rng.integers(0, products // kinds, (50, 5)) * kinds + rng.integers(0, kinds, (50, 1))
    return whole[chosen].sum(axis=1)


class TestExact:
    def test_the_best_come_first(self):
        whole = factors()
        for taste in tastes():
            wanted = np.argsort(-(whole @ taste), kind="stable")[:10]
            assert Nearest().fit(whole).find(taste, 10).tolist() == wanted.tolist()

    @pytest.mark.parametrize(("n", "found"), [(-1, 0), (0, 0), (1, 1), (3, 3), (10_000, 3)])
    def test_as_many_as_there_are(self, n, found):
        assert len(Nearest().fit(factors(products=3)).find(tastes()[0], n)) == found

    def test_an_empty_catalogue_has_nothing(self):
        empty = np.zeros((0, 8), dtype=np.float32)
        assert Nearest().fit(empty).find(tastes()[0], 5).tolist() == []

    def test_a_small_catalogue_keeps_no_index(self):
        search = Nearest().fit(factors())
        assert search.is_exact
        assert search.index_.tolist() == []

    def test_without_the_library_it_stays_exact_and_says_so(self, monkeypatch):
        monkeypatch.setattr(nearest, "_faiss", lambda: None)
        with pytest.warns(UserWarning, match="faiss is not installed"):
            search = Nearest(exact_up_to=100).fit(factors())
        assert search.is_exact
        assert len(search.find(tastes()[0], 10)) == 10

    def test_an_index_that_nothing_can_read_is_left_alone(self, monkeypatch):
        monkeypatch.setattr(nearest, "_faiss", lambda: None)
        whole = factors()
        search = Nearest.opened(whole, np.ones(9, dtype=np.uint8))
        assert search.is_exact
        assert len(search.find(tastes()[0], 10)) == 10


@pytest.mark.scale
class TestIndexed:
    @pytest.fixture(autouse=True)
    def _faiss(self):
        pytest.importorskip("faiss", reason="the index is an extra: requirements-scale.txt")

    @pytest.fixture
    def search(self):
        return Nearest(exact_up_to=100).fit(factors())

    def test_nearly_all_of_the_best_are_found(self, search):
        assert not search.is_exact
        exact = Nearest().fit(factors())
        shared = [
            len(set(search.find(taste, 10)) & set(exact.find(taste, 10))) for taste in tastes()
        ]
        assert np.mean(shared) / 10 >= 0.98

    def test_it_is_kept_as_bytes_and_opened_again(self, search):
        assert search.index_.dtype == np.uint8
        again = Nearest.opened(factors(), search.index_.copy())
        assert not again.is_exact
        for taste in tastes():
            assert again.find(taste, 10).tolist() == search.find(taste, 10).tolist()

    def test_more_may_be_asked_for_than_is_usually_looked_at(self, search):
        assert len(search.find(tastes()[0], 1_000)) == 1_000

    def test_as_many_as_there_are(self, search):
        assert len(set(search.find(tastes()[0], 100_000))) <= 3_000
