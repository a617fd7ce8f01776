"""Learned anew after enough has happened: once, by one worker, and never for nothing."""

from datetime import timedelta

import pytest

from crm.models import Artifact, Feedback, OrderLine
from crm.training import AlreadyTraining, Order, TooLittleData
from marketing.schedule import LONG, TAKES_LONG
from recommendations import retraining, tasks, training
from recommendations.models import Retraining
from recommendations.training import train_recommender
from tests.factories import NOON, make_customer, make_order, make_product
from tests.recommendations.worlds import make_shop, rate, view

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=2)


@pytest.fixture
def soon(monkeypatch):
    """A few interactions are enough."""
    monkeypatch.setattr(retraining, "ENOUGH", 10)


@pytest.fixture
def trained(soon):
    shop = make_shop()
    assert train_recommender(Order(as_of=NOON, now=NOON))["promoted"]
    return shop


def happen(times, *, at=NOON):
    ada, product = make_customer(), make_product()
    for number in range(times):
        view(ada, product, at=at + timedelta(seconds=number))


class TestNews:
    def test_everything_is_news_where_nothing_was_ever_trained(self, soon):
        happen(12)
        found = retraining.news(now=LATER)
        assert (found.count, found.enough, found.last) == (10, 10, None)
        assert found.is_due(LATER)

    def test_a_training_reads_all_the_news_there_is(self, trained):
        assert retraining.news(now=LATER).count == 0

    def test_orders_views_and_ratings_are_news_and_other_events_are_not(self, trained):
        products, people = trained
        view(people[0][0], products[0][0])
        view(people[0][0], products[0][0], kind="crm.page_viewed")
        rate(people[0][0], products[0][0], 5)
        make_order(people[0][0], products[0][0], products[0][1])
        assert retraining.news(now=LATER).count == 4

    def test_old_orders_that_are_imported_are_news(self, trained):
        make_order(make_customer(), trained[0][0][0], at=NOON - timedelta(days=800))
        assert retraining.news(now=LATER).count == 1

    def test_a_large_shop_waits_for_its_share(self, trained):
        Artifact.objects.filter(name="recommender").update(rows=1_000_000)
        assert retraining.news(now=LATER).enough == 20_000

    def test_no_more_is_counted_than_is_enough(self, trained, django_assert_num_queries):
        happen(30)
        with django_assert_num_queries(5):  # its row, artifacts, lines, views: ratings no more
            assert retraining.news(now=LATER).count == 10


class TestUpgrade:
    def test_a_champion_that_this_version_cannot_read_is_reason_enough(self, trained):
        Artifact.objects.update(format=0)
        assert retraining.news(now=LATER).is_due(LATER)
        assert retraining.after_news(now=LATER)["promoted"]
        assert not retraining.news(now=LATER).is_outdated

    def test_the_pause_is_kept_where_even_that_does_not_help(self, trained):
        Artifact.objects.update(format=0)
        soon = NOON + timedelta(minutes=30)
        assert not retraining.news(now=soon).is_due(soon)


class TestDebounce:
    def test_too_few_are_waited_for(self, trained):
        happen(9)
        assert retraining.after_news(now=LATER) is None

    def test_enough_is_learned_from(self, trained):
        happen(10)
        report = retraining.after_news(now=LATER)
        assert report["artifact"]
        assert Artifact.objects.filter(name="recommender").count() == 2

    def test_no_two_trainings_within_the_pause(self, trained):
        happen(10)
        assert retraining.after_news(now=NOON + timedelta(minutes=59)) is None
        assert retraining.after_news(now=NOON + timedelta(minutes=60)) is not None

    def test_the_same_task_twice_trains_once(self, trained):
        happen(10)
        assert retraining.after_news(now=LATER) is not None
        assert retraining.after_news(now=LATER + timedelta(hours=2)) is None

    def test_too_little_to_learn_from_is_said_and_not_tried_again_for_nothing(self, soon):
        happen(12)
        assert retraining.after_news(now=NOON) is None
        row = Retraining.objects.get()
        assert "needed" in row.said
        assert not retraining.news(now=LATER).is_enough
        happen(12)
        assert retraining.news(now=LATER).is_due(LATER)


class TestOneAtATime:
    def order(self, now=LATER, **more):
        return Order(as_of=now, now=now, **more)

    def test_whoever_comes_second_is_told(self, trained):
        with (
            retraining.turn(self.order()),
            pytest.raises(AlreadyTraining),
            retraining.turn(self.order(LATER + timedelta(seconds=1))),
        ):
            pass

    def test_the_second_worker_leaves_without_a_training(self, trained):
        happen(10)
        with retraining.turn(self.order()):
            assert retraining.after_news(now=LATER + timedelta(minutes=5)) is None

    def test_it_is_free_again_afterwards_with_the_result(self, trained):
        with retraining.turn(self.order()) as outcome:
            outcome["said"] = "better"
        row = Retraining.objects.get()
        assert (row.claimed_at, row.finished_at, row.said) == (None, LATER, "better")

    def test_a_failure_frees_it_and_leaves_the_news_for_the_next(self, trained):
        happen(10)
        with pytest.raises(ZeroDivisionError), retraining.turn(self.order()):
            raise ZeroDivisionError
        assert Retraining.objects.get().said == "failed"
        found = retraining.news(now=LATER)
        assert found.is_enough
        assert not found.is_due(LATER + timedelta(minutes=5))
        assert found.is_due(LATER + retraining.PAUSE)

    def test_a_turn_nobody_ended_is_taken_over_and_its_late_end_changes_nothing(self, trained):
        first = retraining.turn(self.order())
        first.__enter__()
        much_later = LATER + retraining.LEASE
        with retraining.turn(self.order(much_later)):
            first.__exit__(None, None, None)
            assert Retraining.objects.get().claimed_at == much_later

    def test_an_evaluation_takes_no_turn(self, trained):
        with retraining.turn(self.order()), retraining.turn(self.order(keep=False)):
            pass
        assert train_recommender(self.order(keep=False))["artifact"] is None

    def test_a_training_as_of_earlier_leaves_what_came_since_as_news(self, trained):
        happen(10)
        with retraining.turn(Order(as_of=NOON, now=LATER)):
            pass
        assert retraining.news(now=LATER).is_enough

    def test_two_workers_of_one_moment_train_once(self, trained, monkeypatch):
        """Both look before either claims; the claim decides."""
        happen(10)
        ran, real = [], training._train_recommender

        def train(order):
            ran.append(order)
            other = Order(as_of=order.as_of, now=order.now + timedelta(microseconds=1))
            with pytest.raises(AlreadyTraining):
                train_recommender(other)
            return real(order)

        monkeypatch.setattr(training, "_train_recommender", train)
        retraining.after_news(now=LATER)
        assert len(ran) == 1


def test_the_task_waits_on_the_queue_of_long_ones():
    assert tasks.retrain_after_news.name in TAKES_LONG
    assert LONG == "long"


def test_the_task_trains_and_says_why_it_serves(trained):
    happen(10, at=NOON)
    Retraining.objects.update(finished_at=NOON - timedelta(days=1))
    assert "ndcg@10" in tasks.retrain_after_news()
    assert tasks.retrain_after_news() == ""


def test_the_next_training_by_the_clock_is_within_a_day():
    coming = retraining.next_by_clock(NOON)
    assert NOON < coming <= NOON + timedelta(days=1)
    assert (coming.hour, coming.minute) == (3, 10)


def test_nothing_is_lost_when_a_table_is_empty(soon):
    Feedback.objects.all().delete()
    OrderLine.objects.all().delete()
    with pytest.raises(TooLittleData):
        train_recommender(Order(as_of=NOON, now=NOON))
    assert Retraining.objects.get().read_lines == 0
