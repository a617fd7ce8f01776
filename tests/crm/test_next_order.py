"""Next orders: trained on what came, written with dates and what they rest on."""

from datetime import date, timedelta

import numpy as np
import pytest

from crm import outlook, scores
from crm.models import Score
from crm.trainers import TRAINERS
from crm.trainers import next_order as trainer
from crm.training import Order as TrainingOrder
from crm.training import TooLittleData
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def regulars(monkeypatch):
    """Every third comes weekly, every third each fortnight, the rest each month."""
    monkeypatch.setattr(trainer, "FEWEST_BUYERS", 20)
    rng = np.random.default_rng(0)
    product, people = make_product(), []
    for number in range(60):
        customer, pause = make_customer(f"C{number}"), (7, 14, 30)[number % 3]
        people.append(customer)
        day = 280.0 - rng.integers(0, pause)
        while day > 0:
            make_order(customer, product, at=NOON - timedelta(days=int(280 - day)))
            day -= max(1.0, rng.normal(pause, pause / 5))
    return people


def trained(**fields):
    return TRAINERS["next_order"](TrainingOrder(as_of=NOON, now=NOON, **fields))


def test_it_beats_the_pauses_of_everybody_on_later_orders_and_serves(regulars):
    report = trained()
    assert report["promoted"]
    assert report["metrics"]["negative_mae"] > report["baseline_metrics"]["negative_mae"]


def test_the_same_data_again_is_promoted_again(regulars):
    trained()
    report = trained()
    assert report["promoted"]
    assert report["champion_metrics"] == report["metrics"]


def test_every_regular_gets_a_date_with_its_interval_and_its_reasons(regulars):
    trained()
    score = Score.objects.get(customer=regulars[0], name="next_order")
    detail = score.detail
    assert detail["lower"] <= detail["date"] <= detail["upper"]
    assert 4 < detail["usual_pause"] < 11
    assert detail["pauses"] > 20
    assert score.version == f"next_order#{score.artifact_id}"
    assert 0 <= score.value <= 30


def test_who_ordered_once_gets_none(regulars):
    once = make_customer("Once")
    make_order(once, make_product(), at=NOON)
    trained()
    assert not Score.objects.filter(customer=once, name="next_order").exists()


def test_too_few_buyers_are_told_what_is_missing(regulars, monkeypatch):
    monkeypatch.setattr(trainer, "FEWEST_BUYERS", 500)
    with pytest.raises(TooLittleData, match="at least 500 buyers over 180 days"):
        trained()


def test_customers_who_never_came_back_are_no_rhythm(monkeypatch):
    monkeypatch.setattr(trainer, "FEWEST_BUYERS", 5)
    product = make_product()
    for number in range(10):
        make_order(make_customer(f"C{number}"), product, at=NOON - timedelta(days=30 * number))
    with pytest.raises(TooLittleData, match="no rhythm"):
        trained()


def test_a_comparison_alone_writes_nothing(regulars):
    report = trained(keep=False)
    assert report["artifact"] is None
    assert not Score.objects.filter(name="next_order").exists()


def test_the_rhythm_is_read_with_few_queries(regulars, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        scores.rhythm(scores.purchases(as_of=NOON))


def test_staff_see_dates(regulars):
    trained()
    shown = outlook.panel(regulars[0])["next_order"]
    assert isinstance(shown["date"], date)
    assert shown["lower"] <= shown["date"] <= shown["upper"]
