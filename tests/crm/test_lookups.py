"""`among` finds what `in` finds, by ids, texts and keys."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from crm import bulk
from crm.models import Customer, Order, Suppression
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


def test_rows_are_found_by_their_ids_their_uuids_and_a_key():
    people = [make_customer(f"Ada{n}") for n in range(4)]
    orders = [make_order(one, make_product()) for one in people]
    some = people[1:3]
    ids = [one.pk for one in some]
    assert set(Customer.objects.filter(pk__among=ids)) == set(some)
    assert set(Customer.objects.filter(public_id__among=[p.public_id for p in some])) == set(some)
    assert set(Order.objects.filter(customer__among=ids)) == set(orders[1:3])
    assert set(Order.objects.exclude(customer__among=ids)) == {orders[0], orders[3]}
    assert set(Order.objects.filter(customer__email__among=[some[0].email])) == {orders[1]}


@pytest.mark.parametrize("name", ["pk", "public_id", "email"])
def test_among_nobody_is_nobody(name):
    make_customer()
    assert not Customer.objects.filter(**{f"{name}__among": []}).exists()


def test_a_stranger_is_not_found():
    make_customer()
    assert not Customer.objects.filter(public_id__among=[uuid.uuid4()]).exists()


@given(texts=st.lists(st.text(st.characters(exclude_characters="\x00"), max_size=30), max_size=8))
def test_any_text_is_text(texts):
    Suppression.objects.all().delete()
    for text in dict.fromkeys(texts[::2]):
        Suppression.objects.create(channel="email", address=text, reason="bounce", at=NOON)
    found = Suppression.objects.filter(address__among=texts).values_list("address", flat=True)
    assert set(found) == set(texts[::2])


def test_the_statement_is_as_long_for_many_as_for_few():
    lengths = []
    for number in (1, 5_000):
        with CaptureQueriesContext(connection):
            sql, params = Customer.objects.filter(pk__among=range(number)).query.sql_with_params()
        lengths.append(len(sql))
        assert len(params) == 1
    assert lengths[0] == lengths[1]


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.none(),
                st.text(
                    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12
                ),
            )
        ),
        max_size=6,
    )
)
def test_what_is_copied_comes_back_with_its_nothing_and_its_backslashes(rows):
    """A line for COPY and its way back, as PostgreSQL reads it."""
    lines = bulk._lines([(value, 1) for (value,) in rows], 2)
    read = [line.split("\t") for line in lines.split("\n")[:-1]]
    back = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}

    def plain(text):
        if text == "\\N":
            return None
        found, place = "", 0
        while place < len(text):
            step = 2 if text[place] == "\\" else 1
            found += back.get(text[place : place + step], text[place : place + step])
            place += step
        return found

    assert [(plain(value), number) for value, number in read] == [(v, "1") for (v,) in rows]
