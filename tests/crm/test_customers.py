from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm import customers, timeline
from crm.events import ProductViewed
from crm.models import Consent, Customer, Evidence, Identity, Merge
from tests.factories import NOON, agree, make_customer, make_order, make_product, make_topic

pytestmark = pytest.mark.django_db


def resolve(**identifiers):
    return customers.resolve(identifiers, source="test", at=NOON)


def test_the_same_identifier_is_the_same_person():
    assert resolve(user_id="u1") == resolve(user_id="u1")


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        ("email", ["Ada@Example.org", " ada@example.org ", "ａｄａ@example.org"]),
        ("phone", ["+49 170 123", "+49170123", "+49-170-123"]),
        ("user_id", ["４２", "42", 42]),
    ],
)
def test_spelling_makes_no_new_person(kind, spellings):
    assert len({customers.normalise(kind, s) for s in spellings}) == 1
    assert len({resolve(**{kind: s}).pk for s in spellings}) == 1


@pytest.mark.parametrize("nothing", [{}, {"user_id": ""}, {"user_id": None, "email": "  "}])
def test_nobody_can_be_found_by_nothing(nothing):
    with pytest.raises(customers.NoIdentifier):
        resolve(**nothing)


def test_a_visitor_is_not_known_until_they_say_who_they_are():
    assert not resolve(anonymous_id="a").is_known
    assert resolve(anonymous_id="a", user_id="u").is_known
    assert Customer.objects.count() == 1


def test_two_user_ids_never_join():
    ada, bob = resolve(user_id="u1"), resolve(user_id="u2")
    with pytest.raises(customers.NotMergeable):
        customers.merge(ada, bob, evidence="a guess", source="test", at=NOON)
    assert resolve(user_id="u2", anonymous_id="a") != resolve(user_id="u1", anonymous_id="a")


def test_a_merge_moves_everything_and_says_why():
    ada, visitor = resolve(user_id="u1"), resolve(anonymous_id="a1")
    order = make_order(visitor, make_product())
    timeline.record(visitor, ProductViewed(sku="x"), at=NOON, key="1")
    merge = customers.merge(ada, visitor, evidence="same browser", source="test", at=NOON)
    order.refresh_from_db()
    assert order.customer == ada
    assert ada.events.count() == 1
    assert merge.evidence == "same browser"
    assert list(Customer.objects.active()) == [ada]


def test_what_the_winner_has_already_stands():
    ada, visitor = make_customer(), resolve(anonymous_id="a1")
    agree(ada)
    Consent.objects.create(
        customer=visitor, channel="email", topic=make_topic(), is_granted=False, changed_at=NOON
    )
    customers.merge(ada, visitor, evidence="e", source="test", at=NOON)
    assert ada.consents.get().is_granted
    assert visitor.consents.count() == 1


def test_unmerging_gives_everything_back():
    ada, visitor = make_customer(at=NOON), resolve(anonymous_id="a1")
    make_order(ada, make_product())
    theirs = make_order(visitor, make_product())
    merge = customers.merge(ada, visitor, evidence="e", source="test", at=NOON)
    later = make_order(ada, make_product())
    customers.unmerge(merge, at=NOON + timedelta(days=1))
    customers.unmerge(merge, at=NOON + timedelta(days=2))
    assert list(visitor.orders.all()) == [theirs]
    assert later in ada.orders.all()
    assert customers.find("anonymous_id", "a1") == visitor
    assert Customer.objects.active().count() == 2


def test_an_identifier_that_somebody_has_is_not_attached():
    ada, bob = make_customer(email="ada@example.org"), make_customer("Bob")
    assert not customers.attach(bob, "email", "ADA@example.org", source="test", at=NOON)
    assert customers.find("email", "ada@example.org") == ada


def test_many_user_ids_cost_few_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        first = customers.resolve_user_ids(map(str, range(300)), source="test", at=NOON)
    again = customers.resolve_user_ids(map(str, range(301)), source="test", at=NOON)
    assert len(set(first.values())) == 300
    assert {k: again[k] for k in first} == first
    assert Identity.objects.count() == 301


def test_two_spellings_of_a_user_id_in_one_file_are_one_person():
    found = customers.resolve_user_ids(["42", "４２", "43"], source="test", at=NOON)
    assert found["42"] == found["４２"] != found["43"]


def test_a_merge_of_a_merge_is_found_by_the_old_identifier():
    a, b, c = resolve(anonymous_id="a"), resolve(anonymous_id="b"), resolve(user_id="c")
    customers.merge(b, a, evidence="1", source="test", at=NOON)
    customers.merge(c, b, evidence="2", source="test", at=NOON)
    assert customers.find("anonymous_id", "a") == c
    assert Merge.objects.count() == 2


KINDS = st.sampled_from(Identity.Kind.values)


@given(kind=KINDS, text=st.text(max_size=40))
def test_normalising_twice_changes_nothing(kind, text):
    once = customers.normalise(kind, text)
    assert customers.normalise(kind, once) == once


@given(st.from_regex(r"[a-z0-9.+_-]{1,12}@[a-z0-9]{1,8}\.(com|cn)", fullmatch=True), st.data())
def test_an_address_is_one_however_wide_and_tall_its_letters(address, data):
    def vary(character):
        wide = chr(ord(character) + 0xFEE0)
        return data.draw(st.sampled_from([character, character.upper(), wide, wide.upper()]))

    typed = " " + "".join(map(vary, address)) + "\u3000"
    assert customers.normalise("email", typed) == address


@pytest.mark.parametrize(
    "spelling",
    [
        "13812345678",
        "+86 138 1234 5678",
        "0086-138-1234-5678",
        "８６１３８１２３４５６７８",
        "(+86)138 12345678",
    ],
)
def test_a_chinese_mobile_is_one_with_and_without_the_country(spelling):
    assert customers.normalise("phone", spelling) == "+8613812345678"


def test_a_foreign_number_keeps_its_country():
    assert customers.normalise("phone", "0049 170 123") == "+49170123"
    assert customers.normalise("phone", "0170 123") == "0170123"


class TestVerify:
    @pytest.fixture
    def ada(self):
        told = {"user_id": "ada", "email": "ada@example.org", "anonymous_id": "tablet"}
        return customers.resolve(told, source="test", at=NOON)

    def verified(self, customer):
        return dict(customer.identities.values_list("kind", "verified_at"))

    def test_a_proven_address_is_noted_once_with_an_edge_of_evidence(self, ada):
        later = NOON + timedelta(days=1)
        spelt = " ADA@Example.org"
        assert customers.verify(ada, "email", spelt, source="mail", at=NOON)
        assert not customers.verify(ada, "email", spelt, source="mail", at=later)
        assert self.verified(ada) == {"user_id": None, "email": NOON, "anonymous_id": None}
        edge = Evidence.objects.get(kind=Evidence.Kind.VERIFIED)
        assert {edge.one.kind, edge.other.kind} == {"user_id", "email"}
        assert (edge.source, edge.at) == ("mail", NOON)

    def test_a_proven_user_id_needs_no_address(self, ada):
        assert customers.verify(ada, "user_id", "ada", source="chat", at=NOON)
        assert self.verified(ada)["user_id"] == NOON
        assert not Evidence.objects.filter(kind=Evidence.Kind.VERIFIED).exists()

    @pytest.mark.parametrize("address", ["bob@example.org", "nobody@example.org"])
    def test_what_is_not_theirs_is_verified_for_nobody(self, ada, address):
        customers.resolve({"email": "bob@example.org"}, source="test", at=NOON)
        assert not customers.verify(ada, "email", address, source="mail", at=NOON)
        assert not Identity.objects.exclude(verified_at=None).exists()

    def test_two_people_with_a_proven_address_each_are_not_joined_by_a_machine(self, ada):
        guest = customers.resolve({"anonymous_id": "phone"}, source="test", at=NOON)
        for customer, address in ((ada, "ada@example.org"), (guest, "guest@example.org")):
            customers.attach(customer, "email", address, source="test", at=NOON)
            customers.verify(customer, "email", address, source="mail", at=NOON)
        both = {"user_id": "ada", "anonymous_id": "phone"}
        assert customers.resolve(both, source="test", at=NOON) == ada
        guest.refresh_from_db()
        assert guest.merged_into is None
