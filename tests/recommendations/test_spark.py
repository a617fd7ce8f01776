"""Training on Spark gives factors that are served like any others."""

import shutil

import numpy as np
import pytest
from scipy import sparse

from recommendations import spark, sparkdriver
from recommendations.ml import factors
from recommendations.ml.factors import Als
from recommendations.ml.ranking import best
from tests.recommendations.ml.worlds import two_tastes


def test_without_the_package_it_says_so(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(spark.NoSpark, match="pyspark is not installed"):
        spark.SparkFactoriser("local[1]")


def test_a_driver_that_fails_is_told_with_its_words(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    factorise = spark.SparkFactoriser("nowhere")
    monkeypatch.setattr(spark, "ROOT", spark.ROOT / "docs")  # where no driver lies
    confidence = sparse.csr_matrix(np.eye(2))
    with pytest.raises(spark.SparkFailed, match="recommendations"):
        factorise(confidence, factors=2, l2=1.0, iterations=2, seed=0)


def test_the_shrinkage_is_shared_out_among_the_choices():
    confidence = sparse.csr_matrix(np.array([[2.0, 0.0, 3.0], [2.0, 0.0, 0.0]]))
    assert sparkdriver.strength(confidence, 30.0) == 20.0  # three choices of two products
    assert sparkdriver.strength(sparse.csr_matrix((2, 2)), 30.0) == 30.0


@pytest.mark.scale
class TestOnALocalSpark:
    @pytest.fixture(autouse=True, scope="class")
    def _spark(self):
        pytest.importorskip("pyspark", reason="Spark is an extra: requirements-scale.txt")
        if shutil.which("java") is None:
            pytest.skip("Spark needs Java")
        usual = factors.factoriser
        factors.factorise_with(spark.SparkFactoriser("local[2]", blocks=2, memory="1g"))
        yield
        factors.factorise_with(usual)

    def test_planted_tastes_are_recovered_and_served_like_any_others(self):
        data, held = two_tastes()
        learned = Als(factors=8, iterations=8).fit(data)
        scores = learned.score(data)
        found = [
            best(scores[customer], n=1, exclude=data.take([customer]).values.indices)[0]
            for customer in range(data.shape[0])
        ]
        assert np.mean(np.array(found) == held) > 0.95
        assert learned.products_.dtype == np.float32
        assert np.allclose(Als.from_state(learned.state()).score(data), scores)

    def test_a_product_that_nobody_chose_has_no_factors(self):
        confidence = sparse.csr_matrix(np.array([[2.0, 0.0, 3.0], [2.0, 0.0, 0.0]]))
        learned = factors.factoriser(confidence, factors=2, l2=1.0, iterations=2, seed=0)
        assert learned[1].tolist() == [0.0, 0.0]
        assert np.abs(learned[[0, 2]]).min() > 0
