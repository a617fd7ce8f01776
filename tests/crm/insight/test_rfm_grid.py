import pytest

from crm.insight.rfm_grid import grid
from crm.models import Customer, Score
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


def scored(recency, frequency, *, label="loyal", money=100.0):
    detail = {"r": recency, "f": frequency, "m": 3, "monetary": money}
    return Score.objects.create(
        customer=make_customer(),
        name="rfm",
        value=3,
        label=label,
        detail=detail,
        version="t",
        at=NOON,
    )


def test_without_scores_there_is_no_grid():
    assert grid() == []


def test_it_has_five_rows_with_the_most_recent_first_and_the_rarest_buyers_first():
    scored(5, 1)
    found = grid()
    assert [[(c.recency, c.frequency) for c in row] for row in found] == [
        [(r, f) for f in (1, 2, 3, 4, 5)] for r in (5, 4, 3, 2, 1)
    ]


def test_a_cell_counts_its_customers_their_share_and_their_mean_money():
    scored(4, 2, money=10.0)
    scored(4, 2, money=40.0)
    scored(4, 2, money=40.0)
    scored(1, 1)
    cell = grid()[1][1]
    assert (cell.customers, cell.share, cell.money) == (3, 0.75, 30.0)


def test_a_cell_is_called_what_most_of_its_customers_are():
    for label in ("at_risk", "loyal", "loyal"):
        scored(3, 3, label=label)
    assert grid()[2][2].label == "loyal"


def test_an_empty_cell_has_nobody_and_no_name():
    scored(5, 5)
    cell = grid()[4][0]
    assert (cell.customers, cell.share, cell.money, cell.label) == (0, 0.0, 0.0, "")


def test_it_can_look_at_some_customers_only():
    mine, _ = scored(5, 5), scored(1, 1)
    found = grid(Customer.objects.filter(pk=mine.customer_id).values("pk"))
    assert sum(cell.customers for row in found for cell in row) == 1


def test_it_takes_one_query(django_assert_num_queries):
    for r in (1, 2, 3):
        scored(r, r)
    with django_assert_num_queries(1):
        grid()
