"""Staff see who may be one person, decide, and can take it back."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from crm import customers
from crm.models import Customer, DuplicatePair, Evidence
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    one = make_customer("Ada Lovelace", traits={"city": "Berlin"})
    other = make_customer("Ada <b>Lovelase</b>", traits={"city": "Bärlin"})
    make_order(other, make_product())
    reasons = [{"field": "name", "how": "near", "weight": 2.5}]
    return DuplicatePair.objects.create(
        one=one, other=other, score=0.87, reasons=reasons, found_at=NOON
    )


def page(client, pair):
    return client.get(reverse("admin:crm_duplicatepair_change", args=[pair.pk])).content.decode()


def post(client, name, pair):
    return client.post(reverse(f"admin:crm_duplicatepair_{name}", args=[pair.pk]))


def test_the_likeliest_pairs_come_first_and_the_two_stand_side_by_side(admin_client, pair):
    url = reverse("admin:crm_duplicatepair_changelist")
    listed = admin_client.get(url, follow=True).content.decode()
    assert "87%" in listed
    assert "is nearly the same" in listed
    text = page(admin_client, pair)
    for shown in ("Bärlin", "merge (keeps Ada Lovelace", "+2.5", "87 %"):
        assert shown in text
    assert "<b>Lovelase" not in text


def test_joined_parted_and_joined_again(admin_client, pair):
    post(admin_client, "join", pair)
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by.username) == ("merged", "admin")
    assert Customer.objects.active().get() == pair.one
    assert "Undo this decision" in page(admin_client, pair)
    post(admin_client, "take_back", pair)
    assert Customer.objects.active().count() == 2
    post(admin_client, "apart", pair)
    pair.refresh_from_db()
    assert pair.state == "different"


def test_a_decision_is_taken_once(admin_client, pair):
    post(admin_client, "apart", pair)
    assert post(admin_client, "join", pair).status_code == 404


def test_looking_for_duplicates_can_be_asked_for(admin_client, pair):
    assert admin_client.post(reverse("admin:crm_duplicatepair_find")).status_code == 302
    assert not DuplicatePair.objects.exists()  # nothing speaks for this pair


class TestPanel:
    @pytest.fixture
    def merge(self, pair):
        wanted = {"user_id": "u1", "anonymous_id": "<i>tablet</i>"}
        customers.resolve(wanted, source="shop", at=NOON)
        guest = customers.resolve({"anonymous_id": "guest"}, source="shop", at=NOON)
        kind = Evidence.Kind.STAFF
        winner = customers.find("user_id", "u1")
        return customers.merge(winner, guest, evidence="e", source="t", at=NOON, kind=kind)

    def panel(self, client, customer):
        return client.get(reverse("admin:crm_customer_panel", args=[customer.pk, "identity"]))

    def test_it_draws_the_graph_and_offers_to_undo_the_merge(
        self, admin_client, merge, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(8):
            text = self.panel(admin_client, merge.winner).content.decode()
        assert "<svg" in text
        assert "staff decision" in text
        assert "Undo merge" in text
        assert "<i>tablet" not in text

    def test_undoing_brings_the_other_back_and_keeps_them_apart(self, admin_client, merge):
        admin_client.post(reverse("admin:crm_undo_merge", args=[merge.pk]))
        assert customers.find("anonymous_id", "guest") == merge.loser
        assert DuplicatePair.objects.get(one=merge.winner).state == "different"
        assert "Undo merge" not in self.panel(admin_client, merge.winner).content.decode()


@pytest.mark.parametrize("name", ["join", "apart", "take_back"])
def test_only_a_post_of_somebody_allowed_decides(client, admin_client, pair, name):
    url = reverse(f"admin:crm_duplicatepair_{name}", args=[pair.pk])
    assert admin_client.get(url).status_code == 405
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_duplicatepair"))
    client.force_login(viewer)
    assert client.post(url).status_code == 403
    assert "merge (keeps" not in page(client, pair)
    assert client.post(reverse("admin:crm_duplicatepair_find")).status_code == 403


def test_pages_cost_a_fixed_number_of_queries(admin_client, pair, django_assert_max_num_queries):
    for number in range(30):
        other = make_customer(f"N{number}")
        DuplicatePair.objects.create(one=pair.one, other=other, score=0.6, found_at=NOON)
    with django_assert_max_num_queries(9):
        admin_client.get(reverse("admin:crm_duplicatepair_changelist"), {"state__exact": "open"})
    with django_assert_max_num_queries(7):
        page(admin_client, pair)
