"""Scores and their segments: set by set, as of a moment, only the difference."""

from datetime import timedelta

import pytest

from crm import scores
from crm.models import Artifact, Membership, Order, Score, Segment
from crm.trainers import train_clusters, train_lifetime, train_rfm
from crm.training import Order as TrainingOrder
from crm.training import TooLittleData
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=1)


def refund(customer, amount, *, at=NOON):
    return Order.objects.create(
        number=f"R{customer.pk}-{at.timestamp()}",
        customer=customer,
        is_refund=True,
        status="refunded",
        total=-amount,
        placed_at=at,
        source="test",
    )


@pytest.fixture
def buyers():
    """Ten customers; the higher the number, the later, oftener and dearer they buy."""
    product = make_product(price=100)
    people = [make_customer(f"B{number}") for number in range(10)]
    for number, person in enumerate(people):
        for order in range(number + 1):
            days = (10 - number) * 10 + order
            make_order(person, product, at=NOON - timedelta(days=days), quantity=number + 1)
    return people


def score_of(customer, name="rfm"):
    return Score.objects.get(customer=customer, name=name)


class TestRfm:
    def test_every_buyer_has_a_score_with_its_values(self, buyers):
        sizes = scores.refresh_rfm(as_of=NOON, now=NOON)
        best = score_of(buyers[-1])
        assert best.label == "champions"
        assert best.detail == {
            "recency": 10,
            "frequency": 10,
            "monetary": 10000.0,
            "r": 5,
            "f": 5,
            "m": 5,
        }
        assert best.value == 5.0
        assert score_of(buyers[0]).label == "lost"
        assert sum(sizes.values()) == 10

    def test_an_order_of_tomorrow_is_not_seen(self, buyers):
        make_order(buyers[0], make_product(price=9999), at=LATER)
        scores.refresh_rfm(as_of=NOON, now=NOON)
        assert score_of(buyers[0]).detail["frequency"] == 1

    def test_a_refund_takes_money_and_is_no_purchase(self, buyers):
        refund(buyers[0], 40)
        scores.refresh_rfm(as_of=NOON, now=NOON)
        assert score_of(buyers[0]).detail["monetary"] == 60.0
        assert score_of(buyers[0]).detail["frequency"] == 1

    def test_who_only_sent_something_back_has_no_score(self, buyers):
        returner = make_customer()
        refund(returner, 10)
        scores.refresh_rfm(as_of=NOON, now=NOON)
        assert not Score.objects.filter(customer=returner).exists()

    def test_cancelled_orders_do_not_count(self, buyers):
        nobody = make_customer()
        make_order(nobody, make_product(), status="cancelled")
        scores.refresh_rfm(as_of=NOON, now=NOON)
        assert not Score.objects.filter(customer=nobody).exists()

    def test_orders_in_another_currency_are_left_out_not_added(self, buyers):
        dollars = make_order(buyers[0], make_product(price=9999))
        Order.objects.filter(pk=dollars.pk).update(currency="USD")
        scores.refresh_rfm(as_of=NOON, now=NOON)
        assert score_of(buyers[0]).detail["monetary"] == 100.0

    def test_merged_customers_are_left_out(self, buyers):
        buyers[0].merged_into = buyers[1]
        buyers[0].save()
        scores.refresh_rfm(as_of=NOON, now=NOON)
        assert not Score.objects.filter(customer=buyers[0]).exists()

    def test_a_second_run_replaces_and_adds_nothing(self, buyers):
        scores.refresh_rfm(as_of=NOON, now=NOON)
        before = set(Membership.objects.values_list("pk", "entered_at"))
        scores.refresh_rfm(as_of=NOON, now=LATER)
        assert Score.objects.filter(name="rfm").count() == 10
        assert set(Membership.objects.values_list("pk", "entered_at")) == before

    def test_whose_orders_went_loses_the_score(self, buyers):
        scores.refresh_rfm(as_of=NOON, now=NOON)
        buyers[3].orders.all().delete()
        scores.refresh_rfm(as_of=NOON, now=LATER)
        assert not Score.objects.filter(customer=buyers[3]).exists()
        assert not Membership.objects.filter(customer=buyers[3]).exists()

    def test_other_scores_are_left_alone(self, buyers):
        Score.objects.create(customer=buyers[0], name="churn", value=0.5, version="x", at=NOON)
        scores.refresh_rfm(as_of=NOON, now=LATER)
        assert Score.objects.filter(name="churn").exists()

    def test_an_empty_shop_has_eleven_empty_segments(self):
        assert set(scores.refresh_rfm(as_of=NOON, now=NOON).values()) == {0}
        assert Segment.objects.filter(kind="label").count() == 11


class TestLabelSegments:
    def test_members_are_those_with_the_label_and_say_why(self, buyers):
        scores.refresh_rfm(as_of=NOON, now=NOON)
        champions = Segment.objects.get(slug="rfm-champions")
        membership = champions.memberships.get(customer=buyers[-1])
        assert membership.reason["because"][0]["detail"]["recency"] == 10
        assert champions.size == champions.memberships.count() > 0
        assert champions.refreshed_at == NOON
        assert champions.name_zh

    def test_a_customer_changes_the_segment_with_the_label(self, buyers):
        scores.refresh_rfm(as_of=NOON, now=NOON)
        dear = make_product(price=5000)
        for day in range(12):
            make_order(buyers[0], dear, at=NOON - timedelta(days=day, hours=1))
        scores.refresh_rfm(as_of=NOON, now=LATER)
        slugs = set(buyers[0].memberships.values_list("segment__slug", flat=True))
        assert slugs == {"rfm-champions"}

    def test_the_number_of_queries_does_not_grow_with_the_customers(
        self, buyers, django_assert_max_num_queries
    ):
        scores.refresh_rfm(as_of=NOON, now=NOON)
        with django_assert_max_num_queries(300):
            scores.refresh_rfm(as_of=NOON, now=LATER)
        product = make_product()
        for number in range(30):
            make_order(make_customer(f"N{number}"), product)
        with django_assert_max_num_queries(300):
            scores.refresh_rfm(as_of=NOON, now=LATER + timedelta(days=1))


def order(**fields):
    return TrainingOrder(as_of=NOON, now=NOON, **fields)


def many_buyers(count=60):
    """Three ways to spend about the same: often, once and long ago, once and lately."""
    small, large = make_product(price=100), make_product(price=600)
    for number in range(count):
        person = make_customer(f"M{number}")
        way, quantity = number % 3, 1 + number % 5
        if way == 0:
            for step in range(6):
                at = NOON - timedelta(days=1 + 12 * step + number % 7)
                make_order(person, small, at=at, quantity=quantity)
        else:
            days = 300 + number if way == 1 else number % 9
            make_order(person, large, at=NOON - timedelta(days=days), quantity=quantity)


class TestTrainers:
    def test_rfm_reports_sizes(self, buyers):
        report = train_rfm(order())
        assert report["promoted"]
        assert report["metrics"]["customers"] == 10

    def test_an_evaluation_of_rfm_writes_nothing(self, buyers):
        train_rfm(order(keep=False))
        assert not Score.objects.exists()

    def test_without_orders_nobody_can_be_scored(self):
        with pytest.raises(TooLittleData):
            train_rfm(order())

    def test_planted_groups_become_segments(self):
        many_buyers()
        report = train_clusters(order())
        assert report["promoted"], report["reason"]
        assert report["metrics"]["silhouette"] > report["baseline_metrics"]["silhouette"]
        segments = Segment.objects.filter(kind="cluster")
        assert sum(segment.size for segment in segments) == 60
        assert all(s.name_en and s.name_zh and s.description_zh and s.artifact_id for s in segments)
        assert Membership.objects.filter(segment__in=segments).count() == 60

    def test_clusters_keep_their_labels_from_run_to_run(self):
        many_buyers(150)
        train_clusters(order())
        before = dict(Score.objects.filter(name="cluster").values_list("customer", "label"))
        train_clusters(TrainingOrder(as_of=NOON, now=LATER, seed=1))
        after = dict(Score.objects.filter(name="cluster").values_list("customer", "label"))
        same = [before[pk] == label for pk, label in after.items()]
        assert sum(same) / len(same) > 0.9

    def test_a_handful_of_buyers_is_not_grouped(self, buyers):
        with pytest.raises(TooLittleData, match="10 buyers"):
            train_clusters(order())

    def test_a_handful_of_buyers_has_no_lifetime(self, buyers):
        with pytest.raises(TooLittleData, match="at least 500"):
            train_lifetime(order())

    def test_lifetime_value_is_judged_on_later_time_and_written(self, monkeypatch):
        monkeypatch.setattr("crm.trainers.lifetime.FEWEST_FOR_LIFETIME", 50)
        product = make_product()
        for number in range(80):
            person = make_customer(f"L{number}")
            for step in range(1 + number % 5):
                at = NOON - timedelta(days=300 - 60 * step - number % 30)
                make_order(person, product, at=at, quantity=1 + number % 3)
        report = train_lifetime(order())
        assert set(report["metrics"]) == {"spearman", "mae", "total_ratio"}
        if report["promoted"]:
            score = Score.objects.filter(name="clv").first()
            assert score.detail["lower"] <= score.detail["upper"]
            assert score.artifact == Artifact.objects.get(pk=report["artifact"])
        else:
            assert not Score.objects.filter(name="clv").exists()
