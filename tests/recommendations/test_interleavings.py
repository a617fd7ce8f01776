"""An online test: drafted for each request, counted by customer, stopped and won by staff."""

from datetime import timedelta

import numpy as np
import pytest
from django.urls import reverse

from crm import artifacts
from crm.models import Artifact
from crm.training import Order
from recommendations import interleavings, serving
from recommendations.models import Impression, Interleaving
from recommendations.training import train_recommender
from tests.factories import NOON, make_customer, make_product
from tests.recommendations.worlds import make_shop

pytestmark = pytest.mark.django_db
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def shop():
    """Two artifacts: of all that happened, and of what happened a month before."""
    shop = make_shop(customers=60)
    month_ago = NOON - timedelta(days=60)
    assert train_recommender(Order(as_of=month_ago, now=month_ago))["promoted"]
    train_recommender(Order(as_of=NOON, now=NOON, seed=1))
    return shop


@pytest.fixture
def pair(shop):
    return tuple(Artifact.objects.filter(name="recommender").order_by("pk"))


@pytest.fixture
def test(pair):
    return interleavings.start(*pair, by="staff", now=NOON)


@pytest.fixture
def counted():
    """A test whose lists nobody asks for: what is clicked is written down by the tests."""
    pair = [
        Artifact.objects.create(
            name="recommender", sha256=str(number) * 64, format=1, as_of=NOON, trained_at=NOON
        )
        for number in range(2)
    ]
    return Interleaving.objects.create(
        name="recommender", first=pair[0], second=pair[1], started_by="staff", started_at=NOON
    )


def customers(shop):
    return [person for group in shop[1] for person in group]


def listed(customer, *, at=NOON, placement="home", n=8):
    return serving.recommend(customer, n=n, now=at, placement=placement)


def prefer(test, team, *, times=1, at=NOON, customer=None):
    """So many new customers click what the one team put into their list."""
    artifact = (test.first, test.second)[team]
    product = make_product()
    for _ in range(times):
        Impression.objects.create(
            customer=customer or make_customer(), product=product, placement="home", position=1,
            artifact=f"recommender#{artifact.pk}", reason_code="tastes", score=1.0,
            interleaving=test, shown_at=at, clicked_at=at + timedelta(minutes=1),
        )  # fmt: skip


class TestLists:
    def test_without_a_test_the_champion_alone_makes_the_list(self, shop, pair):
        labels = {line.artifact for line in listed(customers(shop)[0])}
        assert labels == {f"recommender#{artifacts.champion_of('recommender').pk}"}

    def test_both_artifacts_are_in_the_lists_that_differ(self, shop, test):
        labels = {
            line.artifact
            for person in customers(shop)
            for line in listed(person)
            if line.interleaving
        }
        assert labels == {f"recommender#{test.first_id}", f"recommender#{test.second_id}"}

    def test_a_page_loaded_twice_on_one_day_shows_the_same(self, shop, test):
        for person in customers(shop)[:6]:
            first = [line.product.pk for line in listed(person)]
            again = [line.product.pk for line in listed(person, at=NOON + timedelta(minutes=5))]
            assert first == again

    def test_no_product_twice_and_ranks_from_one(self, shop, test):
        for person in customers(shop)[:6]:
            lines = listed(person)
            assert len({line.product.pk for line in lines}) == len(lines)
            assert [line.rank for line in lines] == list(range(1, len(lines) + 1))

    def test_every_line_is_one_that_its_artifact_would_show(self, shop, test):
        sides = {f"recommender#{one.pk}": one for one in (test.first, test.second)}
        for person in customers(shop)[:4]:
            own = {
                label: {line.product.pk for line in serving.ranked_by(one, person, n=8, now=NOON)}
                for label, one in sides.items()
            }
            for line in listed(person):
                assert line.product.pk in own[line.artifact]

    def test_the_chance_of_a_place_is_written_down(self, shop, test):
        lines = [line for person in customers(shop) for line in listed(person) if line.interleaving]
        assert all(0 < line.propensity <= 1 for line in lines)
        assert any(line.propensity < 1 for line in lines)

    def test_impressions_remember_the_test(self, shop, test):
        person = next(one for one in customers(shop) if listed(one)[0].interleaving)
        serving.record_impressions(person, listed(person), placement="home", now=NOON)
        assert set(person.impressions.values_list("interleaving", flat=True)) == {test.pk}

    def test_two_artifacts_of_one_opinion_are_not_compared(self, shop, pair):
        first = pair[0]
        twin = Artifact.objects.get(pk=first.pk)
        twin.pk, twin.status = None, "candidate"
        twin.save()
        interleavings.start(first, twin, by="staff", now=NOON)
        assert not any(line.interleaving for line in listed(customers(shop)[0]))

    def test_a_stranger_sees_what_sells(self, shop, test):
        assert {line.artifact for line in listed(make_customer())} == {"popularity"}

    def test_that_none_runs_is_asked_once_a_second(self, shop, django_assert_num_queries):
        ada = customers(shop)[0]
        interleavings.forget()
        with django_assert_num_queries(1):
            for _ in range(5):
                assert interleavings.running(ada, "home", NOON) is None
        with django_assert_num_queries(1):
            interleavings.running(ada, "home", NOON + timedelta(seconds=1))

    def test_it_costs_one_more_query_and_one_more_list(
        self, shop, test, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(16):
            listed(customers(shop)[0])


class TestStart:
    def test_one_test_at_a_time(self, pair, test):
        with pytest.raises(interleavings.AlreadyRunning):
            interleavings.start(*pair, by="staff", now=NOON)

    def test_another_after_the_first_is_stopped(self, pair, test):
        assert interleavings.stop(test, now=NOON)
        assert not interleavings.stop(test, now=TOMORROW)
        assert interleavings.start(*pair, by="staff", now=TOMORROW).pk != test.pk
        assert Interleaving.objects.get(pk=test.pk).stopped_at == NOON

    def test_an_artifact_is_not_tested_against_itself(self, pair):
        with pytest.raises(interleavings.NotComparable, match="itself"):
            interleavings.start(pair[0], pair[0], by="staff", now=NOON)

    def test_what_cannot_be_read_cannot_be_tested(self, pair):
        Artifact.objects.filter(pk=pair[1].pk).update(sha256="0" * 64)
        pair[1].refresh_from_db()
        with pytest.raises(interleavings.NotComparable, match="digest"):
            interleavings.start(*pair, by="staff", now=NOON)

    def test_from_the_next_request_on_and_no_longer_after_the_stop(self, shop, pair):
        people = customers(shop)
        before = [line for person in people for line in listed(person)]
        assert not any(line.interleaving for line in before)
        test = interleavings.start(*pair, by="staff", now=NOON)
        assert any(line.interleaving for person in people for line in listed(person))
        interleavings.stop(test, now=NOON)
        assert not any(line.interleaving for person in people for line in listed(person))


class TestResult:
    def test_nobody_clicked_is_no_winner_yet(self, counted):
        found = interleavings.result(counted, now=TOMORROW)
        assert (found.first, found.second, found.winner) == (0, 0, None)
        assert (found.interval.low, found.interval.high) == (0.0, 1.0)

    def test_a_handful_is_no_winner_yet(self, counted):
        prefer(counted, 1, times=5)
        found = interleavings.result(counted, now=TOMORROW)
        assert (found.second, found.winner) == (5, None)

    @pytest.mark.parametrize("team", [0, 1])
    def test_what_almost_everybody_prefers_wins(self, counted, team):
        prefer(counted, team, times=40)
        prefer(counted, 1 - team, times=6)
        found = interleavings.result(counted, now=TOMORROW)
        assert found.winner == team
        assert found.p_value < 0.05
        assert found.customers == 46

    def test_a_day_counts_when_it_is_over(self, counted):
        prefer(counted, 1, times=3)
        assert interleavings.result(counted, now=NOON + timedelta(hours=11)).second == 0
        assert interleavings.result(counted, now=NOON + timedelta(hours=13)).second == 3

    def test_a_test_that_was_stopped_counts_to_its_end(self, counted):
        prefer(counted, 1, times=3)
        interleavings.stop(counted, now=NOON + timedelta(hours=1))
        counted.refresh_from_db()
        assert interleavings.result(counted, now=NOON + timedelta(hours=2)).second == 3

    def test_a_customer_counts_once_however_much_they_click(self, counted):
        ada = make_customer()
        for day in range(3):
            prefer(counted, 1, times=4, customer=ada, at=NOON + timedelta(days=day))
        assert interleavings.result(counted, now=NOON + timedelta(days=4)).second == 1

    def test_with_the_first_day_that_says_something(self, counted):
        ada = make_customer()
        prefer(counted, 0, customer=ada)
        prefer(counted, 1, customer=ada)
        prefer(counted, 1, customer=ada, at=NOON + timedelta(days=1))
        prefer(counted, 0, times=5, customer=ada, at=NOON + timedelta(days=2))
        found = interleavings.result(counted, now=NOON + timedelta(days=4))
        assert (found.first, found.second) == (0, 1)

    def test_what_sells_is_of_neither_team(self, counted):
        prefer(counted, 0)
        Impression.objects.update(artifact="popularity")
        assert interleavings.result(counted, now=TOMORROW).first == 0

    def test_it_is_read_in_two_queries(self, counted, django_assert_num_queries):
        prefer(counted, 1, times=5)
        with django_assert_num_queries(2):
            interleavings.result(counted, now=TOMORROW)


class TestSimulated:
    """People whose taste is known click lists of two artifacts, through the one serving door."""

    def visit(self, shop, liked, *, rng, at):
        for group in shop[1]:
            for person in group:
                lines = serving.recommend(person, n=6, now=at, placement="home")
                lines = serving.record_impressions(person, lines, placement="home", now=at)
                for line in lines:
                    seen = 1 / np.log2(1 + line.rank)
                    if rng.random() < seen * liked(line):
                        serving.click(line.impression, at + timedelta(minutes=1))

    def test_clicks_for_the_one_make_it_the_winner(self, shop, test):
        better = f"recommender#{test.second_id}"

        def liked(line):
            return 1.0 if line.artifact == better else 0.02

        self.visit(shop, liked, rng=np.random.default_rng(0), at=NOON)
        found = interleavings.result(test, now=TOMORROW)
        assert found.winner == 1
        promoted = interleavings.promote_winner(test, now=TOMORROW)
        assert artifacts.champion_of("recommender") == promoted == test.second
        assert {line.artifact for line in listed(customers(shop)[0], at=TOMORROW)} == {better}

    def test_clicks_for_neither_make_no_winner(self, shop, test):
        self.visit(shop, lambda _: 0.4, rng=np.random.default_rng(0), at=NOON)
        found = interleavings.result(test, now=TOMORROW)
        assert found.first + found.second > 5
        assert found.winner is None


class TestPromotion:
    def test_without_a_winner_nothing_is_promoted_and_the_test_goes_on(self, counted):
        with pytest.raises(interleavings.NoWinner):
            interleavings.promote_winner(counted, now=TOMORROW)
        assert Interleaving.objects.running().exists()

    def test_twice_is_once(self, counted):
        prefer(counted, 1, times=40)
        interleavings.promote_winner(counted, now=TOMORROW)
        counted.refresh_from_db()
        with pytest.raises(interleavings.NoWinner, match="already"):
            interleavings.promote_winner(counted, now=TOMORROW)

    def test_the_artifact_says_how_it_came_to_serve(self, counted):
        prefer(counted, 1, times=40)
        interleavings.promote_winner(counted, now=TOMORROW)
        champion = artifacts.champion_of("recommender")
        assert champion.reason == f"won test #{counted.pk}: preferred by 40 of 40 customers"


class TestRollBack:
    def test_serving_follows_at_the_next_request(self, shop, pair):
        person = customers(shop)[0]
        artifacts.promote(pair[1], now=NOON)
        assert listed(person)[0].artifact == f"recommender#{pair[1].pk}"
        artifacts.roll_back("recommender", now=NOON)
        assert listed(person)[0].artifact == f"recommender#{pair[0].pk}"

    def test_in_one_click_of_staff(self, admin_client, shop, pair):
        artifacts.promote(pair[1], now=NOON)
        page = reverse("admin:crm_artifact_roll_back", args=[pair[1].pk])
        assert admin_client.post(page).status_code == 302
        assert listed(customers(shop)[0])[0].artifact == f"recommender#{pair[0].pk}"
