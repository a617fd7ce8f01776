"""Pairs are proposed once, decided by staff, and a decision stands until it is taken back."""

import numpy as np
import pytest
from django.contrib.auth.models import User

from crm import customers, duplicates
from crm.models import Customer, DuplicatePair, Evidence
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


def find():
    return duplicates.find(now=NOON, rng=np.random.default_rng(0))


@pytest.fixture
def twins():
    place = {"address": "Main Street 5", "postcode": "10115"}
    one = make_customer("Ada Lovelace", phone="13812345678", traits=place)
    other = make_customer("Ada Lovelase", phone="+86 138 1234 5678", traits={"邮编": "10115"})
    for number in range(5):
        make_customer(f"Stranger{number}", phone=f"1391234560{number}")
    return one, other


def test_a_likely_pair_is_filed_with_its_reasons(twins):
    assert find() == 1
    pair = DuplicatePair.objects.get()
    assert (pair.one, pair.other) == twins
    told = {reason["field"]: reason["how"] for reason in pair.reasons}
    assert told["phone"] == "agrees"
    assert told["name"] == "near"
    assert told["place"] == "agrees"


def test_looking_again_changes_nothing(twins):
    find()
    before = list(DuplicatePair.objects.values())
    find()
    assert list(DuplicatePair.objects.values()) == before


def test_what_is_no_longer_likely_is_no_longer_asked(twins):
    find()
    Customer.objects.filter(pk=twins[0].pk).update(phone="", name="Somebody", email="z@z.org")
    assert find() == 0
    assert not DuplicatePair.objects.exists()


def test_a_decision_is_never_opened_again(twins):
    find()
    pair = DuplicatePair.objects.get()
    staff = User.objects.create_user("staff")
    duplicates.keep_apart(pair, by=staff, at=NOON)
    assert find() == 0
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by, pair.decided_at) == ("different", staff, NOON)


def test_joining_keeps_the_older_and_can_be_taken_back(twins):
    one, other = twins
    order = make_order(other, make_product())
    find()
    pair = DuplicatePair.objects.get()
    assert duplicates.join(pair, by=None, at=NOON) == one
    order.refresh_from_db()
    assert order.customer == one
    assert Evidence.objects.get().kind == "staff"
    assert find() == 0
    duplicates.take_back(pair, at=NOON)
    order.refresh_from_db()
    assert order.customer == other
    assert duplicates.open_pairs().count() == 1


def test_a_merge_undone_elsewhere_keeps_them_apart(twins):
    find()
    pair = DuplicatePair.objects.get()
    duplicates.join(pair, by=None, at=NOON)
    customers.unmerge(pair.merge, at=NOON)
    duplicates.parted(pair.merge, by=None, at=NOON)
    pair.refresh_from_db()
    assert pair.state == "different"
    assert find() == 0


def test_a_pair_that_was_named_together_stays_though_nothing_else_speaks_for_it():
    for user in ("u1", "u2"):
        customers.resolve({"user_id": user, "email": "a@x.org"}, source="test", at=NOON)
    assert find() == 1
    assert DuplicatePair.objects.get().reasons[0]["how"] == "named_together"


def test_who_was_merged_meanwhile_is_not_asked_about(twins):
    find()
    third = make_customer("Third")
    customers.merge(third, twins[0], evidence="e", source="t", at=NOON, kind=Evidence.Kind.STAFF)
    assert duplicates.open_pairs().count() == 0


@pytest.mark.parametrize("traits", [{"address": 5}, {"address": ["x"]}, {"postcode": None}, {}])
def test_traits_of_any_shape_are_read(traits):
    make_customer("Ada", traits=traits)
    make_customer("Ada", traits=traits)
    find()


def test_nobody_has_no_duplicates():
    assert find() == 0


def test_a_thousand_customers_cost_few_queries(django_assert_max_num_queries):
    Customer.objects.bulk_create(
        Customer(name=f"N{n}", phone=f"1390000{n // 2:04d}", first_seen_at=NOON, last_seen_at=NOON)
        for n in range(1000)
    )
    with django_assert_max_num_queries(16):
        find()
