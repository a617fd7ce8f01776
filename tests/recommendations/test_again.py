"""Buy again: only what was bought, the most due first, with the interval as the reason."""

from datetime import timedelta

import pytest

from recommendations import serving
from recommendations.again import again
from recommendations.interactions import Touch
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


def buy(customer, product, *days_ago):
    for days in days_ago:
        make_order(customer, product, at=NOON - timedelta(days=days))


def listed(customer, *, now=NOON, n=10):
    return serving.recommend(customer, n=n, now=now, mode="again")


def skus(lines):
    return [line.product.sku for line in lines]


@pytest.fixture
def pantry():
    """Coffee is bought every ten days, a lamp once in a life; many customers show it."""
    coffee, lamp, tea = (make_product(sku, title_en=sku) for sku in ("COFFEE", "LAMP", "TEA"))
    for _ in range(6):
        other = make_customer("Other")
        buy(other, coffee, 50, 40, 30)
        buy(other, lamp, 200)
    return coffee, lamp, tea


def test_only_what_they_bought_is_offered_again(pantry):
    ada = make_customer()
    buy(ada, pantry[1], 30)
    assert skus(listed(ada)) == ["LAMP"]


def test_who_bought_nothing_has_nothing_to_buy_again(pantry):
    assert listed(make_customer()) == []


def test_what_everybody_buys_again_comes_before_what_nobody_does(pantry):
    coffee, lamp, _ = pantry
    ada = make_customer()
    buy(ada, coffee, 11)
    buy(ada, lamp, 11)
    lines = listed(ada)
    assert skus(lines) == ["COFFEE", "LAMP"]
    assert lines[0].reason_code == "due_for_most"
    assert lines[0].evidence["every"] == 10
    assert lines[1].reason_code == "bought_before"
    assert lines[1].reason("en") == "you bought it 11 days ago"


def test_a_product_comes_up_when_its_interval_has_passed(pantry):
    coffee, _, tea = pantry
    ada = make_customer()
    buy(ada, tea, 66, 36, 6)  # every thirty days
    buy(ada, coffee, 21, 11, 1)  # every ten
    assert skus(listed(ada))[0] == "TEA"
    later = NOON + timedelta(days=9)
    assert skus(listed(ada, now=later))[0] == "COFFEE"
    muchlater = NOON + timedelta(days=26)
    assert skus(listed(ada, now=muchlater))[0] == "TEA"


def test_a_habit_of_their_own_is_said_with_its_days_in_both_languages(pantry):
    ada = make_customer()
    buy(ada, pantry[2], *range(20, 400, 20))
    line = listed(ada)[0]
    assert line.reason_code == "due"
    assert line.evidence["times"] == 19
    assert line.reason("en").startswith("you buy it about every 2")
    assert line.reason("zh-hans").startswith("您大约每2")


def test_two_orders_of_one_day_are_no_interval(pantry):
    ada = make_customer()
    buy(ada, pantry[2], 10, 10)
    assert listed(ada)[0].reason_code == "bought_before"


def test_what_is_sold_out_is_not_offered_again(pantry):
    ada = make_customer()
    buy(ada, pantry[0], 11)
    pantry[0].stock = 0
    pantry[0].save()
    assert listed(ada) == []


def test_discovery_stays_free_of_what_was_bought(pantry):
    ada = make_customer()
    buy(ada, pantry[0], 11)
    assert "COFFEE" not in skus(serving.recommend(ada, now=NOON))


def test_orders_of_later_are_not_known_yet():
    touches = [Touch(1, 7, "bought", NOON - timedelta(days=3))]
    tea = make_product()
    buy(make_customer(), tea, -5, -15)
    ranked = again([Touch(1, tea.pk, "bought", NOON - timedelta(days=3))], now=NOON)
    assert ranked.why[tea.pk].code == "bought_before"
    assert again(touches, now=NOON).ids.tolist() == [7]


def test_it_asks_few_queries(pantry, django_assert_num_queries):
    ada = make_customer()
    buy(ada, pantry[0], 11)
    with django_assert_num_queries(7):
        listed(ada)
