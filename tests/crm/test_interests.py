"""Interests from the timeline: as of a moment, one customer as all, usable in rules."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crm import interests, opinions, segments, timeline
from crm.models import Customer, Event, Interest
from crm.opinions import Said
from crm.timeline import Entry
from tests.factories import NOON, make_brand, make_category, make_customer, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf():
    phone, shoes = make_category("phone", "手机"), make_category("shoes", "鞋子", ["运动鞋"])
    huawei = make_brand("huawei", "华为")
    make_product("P1", category=phone, brand=huawei, features=["5g"])
    make_product("P2", category=phone)
    make_product("S1", category=shoes)


def did(customer, kind, sku, *, days=0.0, number=None):
    data = {"skus": [sku]} if kind == "crm.order_placed" else {"sku": sku}
    number = Event.objects.count() if number is None else number
    entry = Entry(
        customer_id=customer.pk, kind=kind, data=data, happened_at=NOON - timedelta(days=days),
        message_id=f"{customer.pk}-{number}", source="test",
    )  # fmt: skip
    timeline.record_many([entry], received_at=NOON, announce=False)


def kept(customer):
    rows = Interest.objects.filter(customer=customer).order_by("kind", "value")
    return [(r.kind, r.value, r.weight, r.evidence, r.last_at, r.at) for r in rows]


def test_viewing_and_buying_make_interests_with_evidence(shelf):
    ada = make_customer()
    for days in (0, 30):
        did(ada, "crm.product_viewed", "P1", days=days)
    did(ada, "crm.order_placed", "P2")
    interests.refresh(as_of=NOON, now=NOON)
    phone = Interest.objects.get(customer=ada, kind="category", value="phone")
    assert phone.weight == pytest.approx(1 + 0.5 + 6)
    assert phone.evidence == {"viewed": 2, "bought": 1}
    assert Interest.objects.get(customer=ada, kind="brand").value == "huawei"
    assert Interest.objects.get(customer=ada, kind="feature").value == "5g"
    assert interests.of_customer(ada)[0]["name"].slug == "phone"


def test_words_in_a_chat_count_too(shelf):
    ada = make_customer()
    opinions.note([Said(customer_id=ada.pk, source="chat", key="1", text="想看看运动鞋", at=NOON)])
    interests.refresh(as_of=NOON, now=NOON)
    assert Interest.objects.get().evidence == {"asked": 1}


def test_nothing_later_than_the_moment_is_seen(shelf):
    ada = make_customer()
    did(ada, "crm.product_viewed", "P1", days=-1)
    interests.refresh(as_of=NOON, now=NOON)
    assert not Interest.objects.exists()


def test_what_fell_out_of_sight_is_gone(shelf):
    ada = make_customer()
    did(ada, "crm.product_viewed", "P1", days=1)
    interests.refresh(as_of=NOON, now=NOON)
    interests.refresh(as_of=NOON + timedelta(days=400), now=NOON)
    assert not Interest.objects.exists()


def test_products_nobody_knows_make_no_interest(shelf):
    did(make_customer(), "crm.product_viewed", "GONE")
    assert interests.refresh(as_of=NOON, now=NOON) == 0


def test_only_who_was_active_is_looked_at(shelf):
    ada, ben = make_customer(), make_customer("Ben")
    did(ada, "crm.product_viewed", "P1", days=1)
    did(ben, "crm.product_viewed", "P1")
    assert interests.refresh_active(since=NOON - timedelta(minutes=10), now=NOON) == 1
    assert set(Interest.objects.values_list("customer", flat=True)) == {ben.pk}


def test_a_rule_finds_who_is_drawn_to_something(shelf):
    ada, ben = make_customer(), make_customer("Ben")
    did(ada, "crm.order_placed", "P1")
    did(ben, "crm.product_viewed", "P1")
    interests.refresh(as_of=NOON, now=NOON)
    rule = {"interest": "category", "value": "phone"}
    assert segments.matching(rule, now=NOON).count() == 2
    strong = segments.matching(rule | {"weight": 3}, now=NOON)
    assert list(strong) == [ada]
    assert set(segments.matching({"not": rule | {"weight": 3}}, now=NOON)) == {ben}


history = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["crm.product_viewed", "crm.product_added", "crm.order_placed"]),
        st.sampled_from(["P1", "P2", "S1", "GONE"]),
        st.floats(0, 170),
    ),
    min_size=1,
    max_size=12,
)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history)
def test_one_customer_after_each_event_is_as_all_at_once(shelf, deeds):
    Interest.objects.all().delete()
    Event.objects.all().delete()
    people = list(Customer.objects.order_by("pk")[:3]) or [make_customer(n) for n in "ABC"]
    for number, (who, kind, sku, days) in enumerate(deeds):
        did(people[who], kind, sku, days=days, number=number)
        interests.refresh_customers([people[who].pk], as_of=NOON, now=NOON)
    step_by_step = [kept(person) for person in people]
    Interest.objects.all().delete()
    interests.refresh(as_of=NOON, now=NOON)
    assert [kept(person) for person in people] == step_by_step
