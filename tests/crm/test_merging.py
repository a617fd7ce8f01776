"""Joining and parting people: nothing is lost, nothing stays behind, whatever the order."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm import customers, moving
from crm.models import Consent, Customer, DuplicatePair, Event, Evidence, Identity, Merge
from tests import worlds
from tests.factories import NOON, agree, make_customer, make_order, make_product, make_topic

pytestmark = pytest.mark.django_db
STAFF = {"evidence": "looked", "source": "admin", "at": NOON, "kind": Evidence.Kind.STAFF}

RARELY = settings(  # a failure is small enough as it is, and making it smaller takes minutes
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
PEOPLE = st.lists(
    st.builds(
        dict,
        kinds=st.sets(st.sampled_from(Identity.Kind.values)).map(sorted),
        name=st.sampled_from(["", "Ada", "李雷"]),
        email=st.sampled_from(["", "ada@example.org"]),
        traits=st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)),
        days=st.integers(-3, 3),
        known=st.booleans(),
    ),
    min_size=2,
    max_size=4,
)
VARIANTS = st.lists(st.sets(st.integers(0, 1)), min_size=4, max_size=4)
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5)


class TestParting(TestCase):
    """Merge then unmerge is the identity."""

    @given(people=PEOPLE, variants=VARIANTS, pairs=PAIRS, order=st.randoms(use_true_random=False))
    @settings(RARELY, max_examples=20)
    def test_undoing_every_merge_in_any_order_restores_the_world(
        self, people, variants, pairs, order
    ):
        everybody = [worlds.make_person(**person) for person in people]
        for person, own in zip(everybody, variants, strict=False):
            for variant in own:
                worlds.make_rows(person, variant=variant)
        before = worlds.snapshot()
        merges = join(everybody, pairs)
        order.shuffle(merges)
        for merge in merges:
            customers.unmerge(merge, at=NOON)
            customers.unmerge(merge, at=NOON)  # twice is once
        assert worlds.snapshot() == before
        merges = join(everybody, pairs)  # and all of it once more
        for merge in reversed(merges):
            customers.unmerge(merge, at=NOON)
        assert worlds.snapshot() == before

    @given(variants=VARIANTS, pairs=PAIRS, data=st.data())
    @settings(RARELY, max_examples=12)
    def test_undoing_one_merge_leaves_the_world_as_if_it_had_never_been(
        self, variants, pairs, data
    ):
        everybody = [
            worlds.make_person(["user_id"], name=name, days=day)
            for day, name in enumerate(["", "Ada", "", "Bob"])
        ]
        for person, own in zip(everybody, variants, strict=True):
            for variant in own:
                worlds.make_rows(person, variant=variant)
        merges = join(everybody, pairs)
        if not merges:
            return
        undone = merges.pop(data.draw(st.integers(0, len(merges) - 1)))
        customers.unmerge(undone, at=NOON)
        without = worlds.snapshot()
        for merge in reversed(merges):
            customers.unmerge(merge, at=NOON)
        for merge in merges:
            customers.merge(merge.winner, merge.loser, **STAFF)
        assert worlds.snapshot() == without


def join(everybody, pairs):
    merges = []
    for one, other in pairs:
        winner, loser = everybody[one % len(everybody)], everybody[other % len(everybody)]
        try:
            merges.append(customers.merge(winner, loser, **STAFF))
        except customers.NotMergeable:
            continue  # they are one already
    return merges


def visitor(name):
    return customers.resolve({"anonymous_id": name}, source="test", at=NOON)


def test_a_chain_may_be_parted_at_its_first_link():
    a, b, c = visitor("a"), visitor("b"), visitor("c")
    order = make_order(a, make_product())
    first = customers.merge(b, a, **STAFF)
    customers.merge(c, b, **STAFF)
    customers.unmerge(first, at=NOON)
    order.refresh_from_db()
    assert order.customer == a
    assert customers.find("anonymous_id", "b") == c
    assert customers.find("anonymous_id", "a") == a


def test_who_is_merged_already_is_merged_with_whom_they_have_become():
    a, b, c = visitor("a"), visitor("b"), visitor("c")
    customers.merge(b, a, **STAFF)
    merge = customers.merge(c, a, **STAFF)
    assert merge.loser == b
    with pytest.raises(customers.NotMergeable, match="one already"):
        customers.merge(a, c, **STAFF)


def test_an_answer_that_was_in_the_way_moves_when_the_way_is_free():
    a, b, c = (make_customer(name) for name in "ABC")
    agree(a)
    Consent.objects.create(
        customer=b, channel="email", topic=make_topic(), is_granted=False, changed_at=NOON
    )
    first = customers.merge(c, a, **STAFF)
    second = customers.merge(c, b, **STAFF)
    assert c.consents.get().is_granted  # A's came first, B's stays with B
    customers.unmerge(first, at=NOON)
    assert not c.consents.get().is_granted
    customers.unmerge(second, at=NOON)
    assert [p.consents.count() for p in (a, b, c)] == [1, 1, 0]


def test_fields_that_the_merge_filled_are_emptied_and_edited_ones_stay():
    ada = make_customer("Ada", email="")
    loser = make_customer("Eve", phone="+4917012345", country="DE")
    merge = customers.merge(ada, loser, **STAFF)
    ada.refresh_from_db()
    assert (ada.email, ada.phone, ada.country) == (loser.email, "+4917012345", "DE")
    Customer.objects.filter(pk=ada.pk).update(country="FR")  # staff know better
    customers.unmerge(merge, at=NOON)
    ada.refresh_from_db()
    assert (ada.email, ada.phone, ada.country) == ("", "", "FR")


class TestWhatCameSince:
    """Events keep the identifier they came with, and follow it."""

    @pytest.fixture
    def merged(self):
        ada = customers.resolve({"user_id": "ada"}, source="test", at=NOON)
        guest = visitor("tablet")
        return ada, guest, customers.merge(ada, guest, **STAFF)

    def test_later_events_of_an_identifier_go_with_it(self, merged):
        ada, guest, merge = merged
        later = NOON + timedelta(days=1)
        event = worlds.event_of(Identity.objects.get(value="tablet"), at=later)
        hers = worlds.event_of(Identity.objects.get(value="ada"))
        assert event.customer == ada
        customers.unmerge(merge, at=later)
        event.refresh_from_db()
        hers.refresh_from_db()
        guest.refresh_from_db()
        assert (event.customer, hers.customer) == (guest, ada)
        assert guest.last_seen_at == later

    def test_an_order_that_such_an_event_tells_of_goes_too(self, merged):
        ada, guest, merge = merged
        order = worlds.order_of(ada)
        worlds.event_of(Identity.objects.get(value="tablet"), order_id=order.number)
        other = worlds.order_of(ada)
        customers.unmerge(merge, at=NOON)
        assert list(guest.orders.all()) == [order]
        assert list(ada.orders.all()) == [other]

    def test_an_identifier_that_was_learned_beside_theirs_goes_with_them(self, merged):
        ada, guest, merge = merged
        told = {"anonymous_id": "tablet", "phone": "13800000000"}
        customers.resolve(told, source="test", at=NOON)
        customers.resolve({"user_id": "ada", "email": "a@example.org"}, source="test", at=NOON)
        customers.unmerge(merge, at=NOON)
        assert customers.find("phone", "13800000000") == guest
        assert customers.find("email", "a@example.org") == ada

    def test_who_was_parted_is_not_joined_again_by_the_next_event(self, merged):
        ada, guest, merge = merged
        customers.unmerge(merge, at=NOON)
        both = {"user_id": "ada", "anonymous_id": "tablet"}
        assert customers.resolve(both, source="test", at=NOON) == ada
        assert customers.find("anonymous_id", "tablet") == guest


class TestWhoMayBeJoined:
    def test_two_people_verified_by_the_same_kind_are_not_joined_by_a_machine(self):
        ada, bob = make_customer("Ada"), make_customer("Bob")
        Identity.objects.update(verified_at=NOON)
        why = STAFF | {"kind": Evidence.Kind.IDENTIFY}
        with pytest.raises(customers.NotMergeable, match="different emails"):
            customers.merge(ada, bob, **why)
        assert customers.merge(ada, bob, **STAFF).winner == ada

    def test_a_pair_that_is_named_in_one_breath_is_filed_for_staff_once(self):
        ada = customers.resolve({"user_id": "u1", "email": "a@x.org"}, source="test", at=NOON)
        for _ in range(2):
            bob = customers.resolve({"user_id": "u2", "email": "a@x.org"}, source="test", at=NOON)
        assert ada != bob
        pair = DuplicatePair.objects.get()
        assert (pair.one, pair.other, pair.state) == (ada, bob, "open")
        assert pair.reasons == [{"field": "email", "how": "named_together"}]

    def test_a_decided_pair_is_not_opened_again(self):
        for user in ("u1", "u2", "u2"):
            customers.resolve({"user_id": user, "email": "a@x.org"}, source="test", at=NOON)
            DuplicatePair.objects.update(state="different")
        assert DuplicatePair.objects.get().state == "different"

    def test_the_known_and_then_the_older_survives(self):
        guest = visitor("a")
        young, old = make_customer(at=NOON), make_customer(at=NOON - timedelta(days=9))
        assert customers.survivor(guest, young) == (young, guest)
        assert customers.survivor(young, old) == (old, young)


class TestGraph:
    def test_identifiers_said_together_are_joined_by_evidence(self):
        wanted = {"user_id": "u1", "anonymous_id": "a1", "email": "a@x.org"}
        for _ in range(2):
            customers.resolve(wanted, source="shop", at=NOON, evidence=Evidence.Kind.CHAT)
        edges = {(e.one.kind, e.other.kind, e.kind, e.source) for e in Evidence.objects.all()}
        assert edges == {
            ("user_id", "email", "chat", "shop"),
            ("user_id", "anonymous_id", "chat", "shop"),
        }

    def test_a_merge_adds_an_edge_and_parting_retires_it(self):
        ada, guest = visitor("a"), visitor("b")
        merge = customers.merge(ada, guest, **STAFF)
        edge = Evidence.objects.get()
        assert (edge.kind, edge.strength, edge.retired_at) == ("staff", 1.0, None)
        customers.unmerge(merge, at=NOON)
        edge.refresh_from_db()
        assert edge.retired_at == NOON

    def test_what_keeps_a_person_together_is_connected(self):
        for told in ({"user_id": "u"}, {"anonymous_id": "a"}, {"anonymous_id": "b"}):
            customers.resolve(told, source="test", at=NOON)
        for anonymous in "ab":
            both = {"user_id": "u", "anonymous_id": anonymous}
            ada = customers.resolve(both, source="test", at=NOON)
        ids = set(ada.identities.values_list("pk", flat=True))
        edges = Evidence.objects.values_list("one_id", "other_id")
        assert len(ids) == 3
        assert {pk for edge in edges for pk in edge} == ids


def test_ten_thousand_events_move_in_few_statements(django_assert_max_num_queries):
    ada, guest = make_customer(), visitor("a")
    Event.objects.bulk_create(
        Event(
            customer=guest,
            kind="crm.page",
            source="test",
            message_id=str(number),
            data={},
            happened_at=NOON,
            received_at=NOON,
        )
        for number in range(10_000)
    )
    tables = len(list(moving.relations()))
    with django_assert_max_num_queries(3 * tables + 25):
        merge = customers.merge(ada, guest, **STAFF)
    assert ada.events.count() == 10_000
    with django_assert_max_num_queries(6 * tables + 40):
        customers.unmerge(merge, at=NOON)
    assert guest.events.count() == 10_000
    assert Merge.objects.get().undone_at == NOON
