"""Staff see what is bought together, make segments of it, and walk the graph."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from crm import baskets
from crm.models import Product, Segment
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(monkeypatch):
    tea, cup = make_product("TEA", title_en="Tea"), make_product("CUP", title_en="Cup")
    found = baskets.Pair(tea.pk, cup.pk, 120, 900, 0.4, 2.5, 1e-12)
    monkeypatch.setattr(baskets, "strongest", lambda _: [found])
    monkeypatch.setattr(baskets, "together", lambda *_, **__: [found])
    return found


@pytest.fixture
def clerk(client):
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    return client


def together(client, **data):
    url = reverse("admin:crm_bought_together")
    return client.post(url, data) if data else client.get(url)


def explore(client, **asked):
    return client.get(reverse("admin:crm_graph"), asked)


class TestBoughtTogether:
    def test_nothing_trained_says_what_to_do(self, admin_client):
        assert "manage.py train baskets" in together(admin_client).content.decode()

    def test_a_pair_is_shown_with_its_numbers(self, admin_client, pair):
        text = together(admin_client).content.decode()
        assert "Tea" in text
        assert "40 %" in text
        assert "Make a segment" in text

    def test_one_click_makes_the_segment_of_who_lacks_the_second(self, admin_client, pair):
        tea, cup = pair.left, pair.right
        has_tea, has_both = make_customer("Tea"), make_customer("Both")
        products = Product.objects.in_bulk()
        make_order(has_tea, products[tea], at=NOON)
        make_order(has_both, products[tea], products[cup], at=NOON)
        response = together(admin_client, pair=f"{tea}:{cup}")
        segment = Segment.objects.get(slug=pair.slug)
        assert response.url == reverse("admin:crm_segment_change", args=[segment.pk])
        assert [m.customer for m in segment.memberships.all()] == [has_tea]
        assert segment.name_en == "Bought Tea, not Cup"
        assert "Segment" in together(admin_client).content.decode()

    def test_a_second_click_makes_no_second_segment(self, admin_client, pair):
        for _ in range(2):
            together(admin_client, pair=f"{pair.left}:{pair.right}")
        assert Segment.objects.filter(slug=pair.slug).count() == 1

    @pytest.mark.parametrize("asked", ["", "x:y", "1:2:3", "999999:1"])
    def test_an_unknown_pair_makes_nothing(self, admin_client, pair, asked):
        assert together(admin_client, pair=asked or " ").status_code == 302
        assert not Segment.objects.exists()

    def test_who_may_not_see_segments_sees_nothing(self, clerk, pair):
        assert together(clerk).status_code == 403

    def test_who_may_look_may_not_make(self, clerk, pair):
        User.objects.get(username="clerk").user_permissions.add(
            Permission.objects.get(codename="view_segment")
        )
        assert "Make a segment" not in together(clerk).content.decode()
        assert together(clerk, pair=f"{pair.left}:{pair.right}").status_code == 403


class TestGraph:
    def test_it_begins_with_a_question(self, admin_client):
        assert "Begin at a customer or a product" in explore(admin_client).content.decode()

    def test_a_node_is_drawn_with_its_neighbours(self, admin_client):
        ada, tea = make_customer("Ada"), make_product("TEA", title_en="Tea <b>")
        make_order(ada, tea)
        text = explore(admin_client, node=f"customer:{ada.pk}").content.decode()
        assert "Ada bought Tea &lt;b&gt;" in text
        assert f"?node=product:{tea.pk}" in text
        assert "<b>" not in text

    def test_ways_between_two_nodes_are_told(self, admin_client):
        ada, bob = make_customer("Ada"), make_customer("Bob")
        tea, cup = make_product("TEA", title_en="Tea"), make_product("CUP", title_en="Cup")
        make_order(ada, tea)
        make_order(bob, tea, cup)
        text = explore(admin_client, node=f"customer:{ada.pk}", to=f"product:{cup.pk}")
        assert "people who bought Tea bought Cup" in text.content.decode()

    @pytest.mark.parametrize("asked", ["customer:999", "planet:1", "<script>"])
    def test_an_unknown_node_is_said(self, admin_client, asked):
        text = explore(admin_client, node=asked).content.decode()
        assert "There is no" in text
        assert "<script>planet" not in text

    def test_it_asks_few_queries(self, admin_client, django_assert_max_num_queries):
        ada = make_customer("Ada")
        for _ in range(30):
            make_order(ada, make_product())
        with django_assert_max_num_queries(16):
            explore(admin_client, node=f"customer:{ada.pk}")

    def test_who_may_not_see_customers_sees_nothing(self, clerk):
        assert explore(clerk).status_code == 403


class TestHowPeopleWriteNodes:
    @pytest.mark.parametrize("written", ["TEA", " TEA ", "ada@example.org", "ＡＤＡ@example.org"])
    def test_skus_and_addresses_are_understood(self, admin_client, written):
        ada = make_customer("Ada", email="ada@example.org")
        make_order(ada, make_product("TEA", title_en="Tea"), at=NOON)
        shown = explore(admin_client, node=written)
        assert shown.context["centre"]["name"] in ("Tea", "Ada")
        assert shown.context["dots"]

    def test_what_is_neither_is_told(self, admin_client):
        text = explore(admin_client, node="<b>nobody").content.decode()
        assert "&lt;b&gt;nobody" in text

    def test_the_customer_page_leads_there(self, admin_client):
        ada = make_customer()
        page = admin_client.get(reverse("admin:crm_customer_change", args=[ada.pk]))
        assert f"?node=customer:{ada.pk}" in page.content.decode()
