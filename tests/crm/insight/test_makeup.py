import pytest

from crm.insight.makeup import MOST, makeup
from crm.models import Customer, Score, Segment
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


def ids(*customers):
    return Customer.objects.filter(pk__in=[one.pk for one in customers]).values("pk")


def of(title, found):
    return next(one for one in found if one.title == title)


def test_shares_stand_beside_those_of_everybody():
    chinese = [make_customer(language="zh-hans") for _ in range(2)]
    english = [make_customer(language="en") for _ in range(6)]
    part = of("Language", makeup(ids(*chinese, *english[:2]))).parts[1]
    assert (part.name, part.share, part.usual, part.times) == ("Chinese", 0.5, 0.25, 2.0)


def test_the_commonest_stands_first_and_only_some_are_shown():
    people = [make_customer(country=f"Land {n}") for n in range(MOST + 3)]
    people += [make_customer(country="France") for _ in range(3)]
    parts = of("Country", makeup(ids(*people))).parts
    assert parts[0].name == "France"
    assert len(parts) == MOST


def test_a_question_nobody_answers_is_left_out():
    assert [one.title for one in makeup(ids(make_customer()))] == ["Language"]


def test_an_empty_group_is_made_of_nothing():
    make_customer()
    assert makeup(Customer.objects.none().values("pk")) == []


def test_clusters_go_by_their_names():
    ada = make_customer()
    Segment.objects.create(slug="cluster-0", kind="cluster", name_en="Big spenders")
    Score.objects.create(
        customer=ada, name="cluster", value=0, label="cluster-0", version="t", at=NOON
    )
    assert of("Cluster", makeup(ids(ada))).parts[0].name == "Big spenders"


def test_the_number_of_queries_is_fixed(django_assert_max_num_queries):
    people = [make_customer(country=f"Land {n}") for n in range(5)]
    with django_assert_max_num_queries(5):
        makeup(ids(*people))
