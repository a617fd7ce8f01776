"""Chances of customers: labels by time, floors in plain words, scores that say why."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import translation

from crm import artifacts, scores, trainers
from crm.ml.propensity import Churn30
from crm.models import Artifact, Customer, Order, Score
from crm.scores.propensity import GOALS
from crm.trainers import propensity as training
from crm.training import Order as TrainingOrder
from crm.training import TooLittleData
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


def days(number):
    return NOON - timedelta(days=number)


def order(**fields):
    return TrainingOrder(as_of=NOON, now=NOON, **fields)


@pytest.fixture(autouse=True, scope="module")
def _small():
    """A shop of a hundred is enough, and two kinds of model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "FEWEST_CUSTOMERS", 40)
        patch.setattr(training, "SERVED", ("logistic", "boosting"))
        yield


@pytest.fixture
def shop():
    return open_shop()


def open_shop():
    """Regulars who buy every week, and others who stopped some time ago."""
    rng = np.random.default_rng(0)
    people = Customer.objects.bulk_create(
        [
            Customer(name=f"P{n}", first_seen_at=days(320), last_seen_at=NOON, is_known=True)
            for n in range(120)
        ]
    )
    orders = []
    for number, person in enumerate(people):
        stopped = 0 if number % 2 else rng.integers(10, 300)
        at = 310.0
        while at > stopped:
            orders.append(
                Order(
                    number=f"S{number}-{at}",
                    customer=person,
                    status="delivered",
                    total=20,
                    placed_at=days(at),
                    source="test",
                )
            )
            at -= rng.uniform(5, 40)
    Order.objects.bulk_create(orders)
    return people


class TestGoals:
    def test_lost_is_who_bought_within_half_a_year_and_places_no_order_in_the_horizon(self):
        stays, leaves, gone = (make_customer(name) for name in ("Stays", "Leaves", "Gone"))
        product = make_product()
        make_order(stays, product, at=days(60))
        make_order(stays, product, at=days(10))
        make_order(leaves, product, at=days(60))
        make_order(gone, product, at=days(300))
        goal, moment = GOALS["churn_30"], days(30)
        people = goal.people(as_of=moment).order_by("pk")
        assert list(people) == [stays, leaves]
        ids = np.array([person.pk for person in people])
        assert goal.labels(ids, after=moment).tolist() == [0, 1]
        assert GOALS["purchase_30"].labels(ids, after=moment).tolist() == [1, 0]

    def test_cancelled_orders_and_refunds_are_no_purchases(self):
        ada = make_customer()
        make_order(ada, make_product(), at=days(5), status="cancelled")
        assert not GOALS["purchase_30"].people(as_of=NOON).exists()
        assert GOALS["purchase_30"].labels(np.array([ada.pk]), after=days(10)).tolist() == [0]


class TestTheFloor:
    def test_an_empty_shop_is_told_so(self):
        with pytest.raises(TooLittleData, match="no orders yet"):
            trainers.TRAINERS["churn_30"](order())

    def test_too_few_days_are_named_with_what_is_needed(self):
        ada = make_customer()
        for day in (100, 0):
            make_order(ada, make_product(), at=days(day))
        with pytest.raises(TooLittleData, match="100 days of orders; at least 240 needed"):
            trainers.TRAINERS["purchase_90"](order())

    def test_too_few_customers_are_named_with_what_is_needed(self, monkeypatch):
        monkeypatch.setattr(training, "FEWEST_CUSTOMERS", 500)
        ada = make_customer()
        for day in (300, 100, 50, 0):
            make_order(ada, make_product(), at=days(day))
        with pytest.raises(TooLittleData, match="1 customers .* at least 500 needed"):
            trainers.TRAINERS["churn_30"](order())

    def test_constant_labels_are_refused_in_words(self, shop, monkeypatch):
        def always(goal, ids, *, after):
            return np.ones(len(ids), dtype=int)

        monkeypatch.setattr("crm.scores.propensity.Goal.labels", always)
        with pytest.raises(TooLittleData, match="0 of .* rows are a no"):
            trainers.TRAINERS["churn_30"](order())


class TestWithoutKeeping:
    def test_moments_do_not_look_into_the_outcome_they_are_judged_on(self, shop):
        goal = GOALS["churn_30"]
        earlier, latest = training._moments(goal, NOON)
        assert all(moment + timedelta(days=goal.days) <= latest for moment in earlier)
        assert latest + timedelta(days=goal.days) <= NOON

    def test_with_keep_off_nothing_is_written(self, shop):
        trainers.TRAINERS["churn_30"](order(keep=False))
        assert not Artifact.objects.exists()
        assert not Score.objects.exists()


@dataclass(frozen=True)
class Trained:
    report: dict
    artifact: Artifact
    estimator: Churn30


@pytest.fixture(scope="class")
def trained(django_db_setup, django_db_blocker, tmp_path_factory, _small):
    """One shop, trained once for all that is asked of it; rolled back at the end."""
    files = override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media"))
    with django_db_blocker.unblock(), transaction.atomic(), files:
        open_shop()
        report = trainers.TRAINERS["churn_30"](order())
        artifact = Artifact.objects.get(pk=report["artifact"])
        estimator = artifacts.load(Churn30, artifact)
        if not report["promoted"]:
            scores.refresh_propensity(estimator, artifact, as_of=NOON, now=NOON)
        yield Trained(report, artifact, estimator)
        transaction.set_rollback(True)


class TestTrained:
    def test_it_learns_who_stopped_and_is_judged_on_later_time(self, trained):
        assert trained.report["metrics"]["auc"] > 0.7
        assert "auc" in trained.report["baseline_metrics"]

    def test_the_back_test_shows_both_splits_tenths_and_every_kind_of_model(self, trained):
        backtest = trained.artifact.backtest
        assert set(backtest["members"]) == {"logistic", "forest", "svm", "boosting"}
        assert {"auc", "ece"} <= set(backtest["random_split"]) & set(backtest["time_split"])
        assert sum(tenth["rows"] for tenth in backtest["tenths"]) > 40

    def test_everybody_it_is_asked_of_has_a_chance_with_interval_and_maker(self, trained):
        asked = GOALS["churn_30"].people(as_of=NOON).count()
        found = Score.objects.filter(name="churn_30")
        assert found.count() == asked > 0
        for score in found:
            assert 0 <= score.detail["lower"] <= score.value + 1e-4
            assert score.value - 1e-4 <= score.detail["upper"] <= 1
            assert score.artifact == trained.artifact

    def test_reasons_add_up_to_the_log_odds(self, trained):
        for score in Score.objects.filter(name="churn_30")[:20]:
            told = score.detail
            odds = told["base"] + told["others"] + sum(share for _, _, share in told["reasons"])
            assert 1 / (1 + np.exp(-odds)) == pytest.approx(score.value, abs=1e-6)

    def test_reasons_are_sentences_in_the_language_of_the_reader(self, trained):
        score = Score.objects.filter(name="churn_30").first()
        english = scores.sentences(score)
        assert len(english) == 5
        assert english[0].startswith(("likelier: ", "less likely: "))
        with translation.override("zh-hans"):
            assert len(scores.sentences(score)) == 5

    def test_scores_of_other_names_are_left_alone(self, trained):
        Score.objects.create(customer=make_customer(), name="clv", value=1, version="x", at=NOON)
        later = NOON + timedelta(days=1)
        scores.refresh_propensity(trained.estimator, trained.artifact, as_of=NOON, now=later)
        assert Score.objects.filter(name="clv").exists()
