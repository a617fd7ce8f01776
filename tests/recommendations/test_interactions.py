"""Nothing later than its moment is seen; every kind of touch is weighed."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from recommendations import interactions
from tests.factories import NOON, make_customer, make_order, make_product
from tests.recommendations.worlds import make_shop, rate, view

pytestmark = pytest.mark.django_db
BEFORE, AFTER = NOON - timedelta(hours=1), NOON + timedelta(seconds=1)


@pytest.fixture
def ada():
    return make_customer()


def test_nothing_after_the_moment_is_seen(ada):
    for at in (BEFORE, AFTER):
        product = make_product()
        make_order(ada, product, at=at)
        view(ada, product, at=at)
        rate(ada, product, 5, at=at)
    assert {touch.at for touch in interactions.of_customer(ada, now=NOON)} == {BEFORE}
    assert {touch.at for touch in interactions.of_everybody(as_of=NOON)} == {BEFORE}
    assert interactions.table(as_of=NOON).interactions.days.max() <= NOON.timestamp() / 86400
    assert interactions.ratings(as_of=NOON).interactions.values.nnz == 1


def test_a_training_as_of_a_moment_is_the_same_whatever_happened_later():
    products, people = make_shop(customers=12)
    before = interactions.table(as_of=NOON)
    make_order(people[0][0], products[2][0], at=AFTER)
    view(people[0][0], products[1][0], at=AFTER)
    after = interactions.table(as_of=NOON)
    assert (before.interactions.values != after.interactions.values).nnz == 0
    assert np.array_equal(before.interactions.days, after.interactions.days)


def test_serving_and_training_see_the_same_of_a_customer(ada):
    product = make_product()
    make_order(ada, product, at=BEFORE)
    view(ada, product, at=BEFORE)
    rate(ada, product, 5, at=BEFORE)
    mine = {(t.product_id, t.kind, t.at) for t in interactions.of_customer(ada, now=NOON)}
    all_ = {(t.product_id, t.kind, t.at) for t in interactions.of_everybody(as_of=NOON)}
    assert mine == all_
    assert {kind for _, kind, _ in mine} == {"bought", "viewed", "rated"}


def test_cancelled_and_unpaid_orders_are_not_bought(ada):
    for status in ("cancelled", "pending_payment"):
        make_order(ada, make_product(), at=BEFORE, status=status)
    assert interactions.of_customer(ada, now=NOON) == []


def test_a_bad_rating_is_a_dislike_and_no_reason_to_recommend(ada):
    product = make_product()
    rate(ada, product, 1, at=BEFORE)
    assert [touch.kind for touch in interactions.of_customer(ada, now=NOON)] == ["disliked"]
    assert interactions.table(as_of=NOON).interactions.values.nnz == 0


def test_events_of_products_that_we_do_not_know_are_passed_over(ada):
    product = make_product()
    view(ada, product, at=BEFORE)
    product.delete()
    assert interactions.of_customer(ada, now=NOON) == []


def test_touches_of_one_product_add_up(ada):
    product = make_product()
    make_order(ada, product, at=BEFORE)
    view(ada, product, at=BEFORE)
    values = interactions.table(as_of=NOON).interactions.values
    assert np.isclose(values.data[0], 1.2)


def test_the_number_of_queries_does_not_grow_with_the_history(ada, django_assert_num_queries):
    for number in range(20):
        product = make_product()
        make_order(ada, product, at=BEFORE)
        view(ada, product, at=BEFORE - timedelta(minutes=number))
    with django_assert_num_queries(3):
        interactions.of_customer(ada, now=NOON)


def test_an_empty_shop_is_an_empty_table():
    table = interactions.table(as_of=NOON)
    assert table.interactions.shape == (0, 0)
    assert interactions.ratings(as_of=NOON).interactions.values.nnz == 0


class TestSignals:
    def kinds(self, customer):
        return [touch.kind for touch in interactions.of_customer(customer, now=NOON)]

    def test_a_wish_and_a_mention_in_a_chat_count(self, ada):
        product = make_product()
        for kind in ("crm.product_wished", "chatbot.product_mentioned"):
            view(ada, product, at=BEFORE, kind=kind)
        assert sorted(self.kinds(ada)) == ["mentioned", "wished"]

    def test_a_rating_in_the_middle_says_neither(self, ada):
        rate(ada, make_product(), 3, at=BEFORE)
        assert self.kinds(ada) == []

    def test_what_is_worth_more_weighs_more_in_a_row(self, ada):
        bought, looked = make_product(), make_product()
        make_order(ada, bought, at=BEFORE)
        view(ada, looked, at=BEFORE)
        table = interactions.table(as_of=NOON).interactions
        assert table.graded
        weights = dict(zip(table.values.indices, table.cell_weights(), strict=True))
        assert weights == {0: 1.0, 1: pytest.approx(0.2)}

    def test_many_looks_are_worth_no_more_than_a_purchase(self, ada):
        product = make_product()
        for minute in range(20):
            view(ada, product, at=BEFORE - timedelta(minutes=minute))
        table = interactions.table(as_of=NOON).interactions
        assert table.cell_weights().tolist() == [1.0]

    def test_a_weight_fades_with_its_age(self, ada):
        make_order(ada, make_product(), at=BEFORE)
        table = interactions.table(as_of=NOON).interactions
        later = replace(table, today=table.today + 30)
        assert later.cell_weights(half_life=30.0)[0] == pytest.approx(
            table.cell_weights(half_life=30.0)[0] / 2
        )

    def test_grades_survive_taking_some_customers_and_cells(self, ada):
        make_order(ada, make_product(), at=BEFORE)
        table = interactions.table(as_of=NOON).interactions
        assert table.take([0]).graded
        assert table.keep(np.ones(1, dtype=bool)).graded
