"""Two artifacts answer one request, and the test drafts one list of the two."""

from dataclasses import dataclass

import pytest

from crm.models import Artifact
from crm.training import Order
from recommendations import rivals, serving
from recommendations.training import train_recommender
from tests.factories import NOON, make_customer
from tests.recommendations.worlds import make_shop

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Alternate:
    """Takes turns, each side its best that is not yet taken."""

    artifacts: tuple

    def draft(self, lists, *, n):
        drafted, left = [], [list(one) for one in lists]
        while len(drafted) < n and any(left):
            side = left[len(drafted) % 2] or left[(len(drafted) + 1) % 2]
            line = side.pop(0)
            if line.product not in [one.product for one in drafted]:
                drafted.append(line)
        return drafted


@pytest.fixture
def contest():
    products, people = make_shop()
    order = Order(as_of=NOON, now=NOON)
    train_recommender(order)
    train_recommender(Order(as_of=NOON, now=NOON, seed=1))
    both = tuple(Artifact.objects.filter(name="recommender").order_by("pk"))
    assert len(both) == 2
    return both, people


@pytest.fixture
def running(contest):
    both, people = contest

    def finder(customer, placement, now):
        return Alternate(both) if placement == "home" else None

    rivals.register(finder)
    yield both, people[0][0]
    rivals.unregister(finder)


def test_every_line_says_which_artifact_it_came_from(running):
    both, ada = running
    listed = serving.recommend(ada, n=6, now=NOON, placement="home")
    assert {line.artifact for line in listed} == {f"recommender#{one.pk}" for one in both}
    assert [line.rank for line in listed] == [1, 2, 3, 4, 5, 6]
    assert len({line.product.pk for line in listed}) == 6


def test_elsewhere_the_champion_answers_alone(running):
    _, ada = running
    listed = serving.recommend(ada, n=6, now=NOON, placement="mail")
    assert len({line.artifact for line in listed}) == 1


def test_nobody_in_particular_takes_no_part(running):
    _, ada = running
    nobody = type(ada)(first_seen_at=NOON, last_seen_at=NOON)
    listed = serving.recommend(nobody, n=3, now=NOON, placement="home")
    assert {line.artifact for line in listed} == {"popularity"}


def test_a_list_by_one_artifact_is_that_artifacts(contest):
    both, people = contest
    for artifact in both:
        listed = serving.ranked_by(artifact, people[0][0], n=3, now=NOON)
        assert {line.artifact for line in listed} == {f"recommender#{artifact.pk}"}


def test_the_customer_is_read_once_for_both(running, django_assert_max_num_queries):
    _, ada = running
    with django_assert_max_num_queries(14):
        serving.recommend(ada, n=5, now=NOON, placement="home")


def test_a_stranger_is_served_what_sells_by_either(running):
    listed = serving.recommend(make_customer(), n=3, now=NOON, placement="home")
    assert {line.artifact for line in listed} == {"popularity"}
