"""What staff see of the CRM: fast lists, the whole customer, models with their history."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from crm import artifacts, customers, segments
from crm.listing import COUNTED, CappedPaginator
from crm.models import Artifact, Customer, Membership, Segment
from tests.factories import NOON, agree, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
LISTS = [
    "customer",
    "segment",
    "membership",
    "order",
    "product",
    "event",
    "feedback",
    "merge",
    "source",
    "deadletter",
    "artifact",
    "suppression",
    "topic",
    "category",
]


@pytest.fixture
def busy_shop():
    for number in range(30):
        customer = make_customer(f"Ada{number}")
        agree(customer)
        make_order(customer, make_product(), make_product())


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_queries_however_long(
    admin_client, busy_shop, name, django_assert_max_num_queries
):
    with django_assert_max_num_queries(9):
        page = admin_client.get(reverse(f"admin:crm_{name}_changelist"))
    assert page.status_code == 200


def test_the_customer_page_costs_a_fixed_number_of_queries(
    admin_client, busy_shop, django_assert_max_num_queries
):
    ada = Customer.objects.first()
    for _ in range(15):
        make_order(ada, make_product())
    with django_assert_max_num_queries(20):
        page = admin_client.get(reverse("admin:crm_customer_change", args=[ada.pk]))
    assert page.status_code == 200


def test_the_list_of_customers_says_their_user_id(admin_client):
    ada = make_customer("", traits={"plan": "gold", "member": True, "empty": ""})
    customers.attach(ada, "user_id", "17850", source="test", at=NOON)
    Customer.objects.filter(pk=ada.pk).update(name="", email="", is_known=True)
    text = admin_client.get(reverse("admin:crm_customer_changelist")).content.decode()
    assert "17850" in text
    assert f"Customer {str(ada.public_id)[:8]}" in text
    text = admin_client.get(reverse("admin:crm_customer_change", args=[ada.pk])).content.decode()
    for shown in ("17850", "<dt>plan</dt><dd>gold</dd>", "<dt>member</dt><dd>yes</dd>"):
        assert shown in text
    assert "<dt>empty</dt>" not in text


def test_members_are_listed_with_why_in_few_queries(admin_client, django_assert_max_num_queries):
    rule = {
        "all": [{"field": "country", "value": "France"}, {"orders": "count", "op": ">", "value": 0}]
    }
    segment = Segment.objects.create(slug="s", name_en="French buyers", kind="rule", rule=rule)
    for number in range(12):
        make_order(make_customer(f"Ada{number}", country="France"), make_product())
    segments.refresh(segment, now=NOON)
    with django_assert_max_num_queries(12):
        page = admin_client.get(reverse("admin:crm_membership_changelist"))
    text = page.content.decode()
    assert text.count("country is “France”") == 12
    assert text.count("ordered something (is: 1)") == 12
    ada = Customer.objects.get(name="Ada3")
    assert reverse("admin:crm_customer_change", args=[ada.pk]) in text


@pytest.mark.parametrize(
    ("language", "said"), [("en", "The best of all."), ("zh-hans", "最好的。")]
)
def test_a_segment_is_described_in_the_language_of_the_reader(admin_client, language, said):
    segment = Segment.objects.create(
        slug="s",
        name_en="S",
        kind="cluster",
        description_en="The best of all.",
        description_zh="最好的。",
        rule={"score": "cluster", "label": "cluster-1"},
    )
    admin_client.cookies["django_language"] = language
    page = admin_client.get(reverse("admin:crm_segment_change", args=[segment.pk]))
    assert f'text-sm">{said}</p>' in page.content.decode()


def test_an_empty_list_says_what_to_do(admin_client):
    page = admin_client.get(reverse("admin:crm_import_changelist")).content.decode()
    assert "Bring a file of customers" in page
    page = admin_client.get(reverse("admin:crm_import_changelist"), {"state__exact": "done"})
    assert "Nothing fits the search and the filters." in page.content.decode()


def test_the_customer_page_shows_the_person_whole(admin_client):
    ada = make_customer("Ada", email="ada@example.org")
    agree(ada)
    order = make_order(ada, make_product(price=100))
    segment = Segment.objects.create(slug="s", name_en="The best", kind="static")
    Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
    page = admin_client.get(reverse("admin:crm_customer_change", args=[ada.pk]))
    text = page.content.decode()
    for shown in ("ada@example.org", order.number, "The best", "¥100"):
        assert shown in text


def test_what_takes_longer_is_asked_for_later(admin_client):
    ada = make_customer("Ada")
    make_product("TEA", title_en="Tea")
    page = admin_client.get(reverse("admin:crm_customer_change", args=[ada.pk])).content.decode()
    url = reverse("admin:crm_customer_panel", args=[ada.pk, "recommendations"])
    assert url in page
    assert "Tea" in admin_client.get(url).content.decode()


def test_an_unknown_panel_is_not_found(admin_client):
    ada = make_customer("Ada")
    url = reverse("admin:crm_customer_panel", args=[ada.pk, "nonsense"])
    assert admin_client.get(url).status_code == 404


def test_a_panel_is_for_those_who_may_see_customers(client):
    ada = make_customer("Ada")
    client.force_login(User.objects.create_user("temp", password="x", is_staff=True))
    url = reverse("admin:crm_customer_panel", args=[ada.pk, "recommendations"])
    assert client.get(url).status_code == 403


def test_what_a_customer_wrote_is_escaped(admin_client):
    ada = make_customer("<script>alert(1)</script>", email="x@example.org")
    page = admin_client.get(reverse("admin:crm_customer_change", args=[ada.pk]))
    assert "<script>alert(1)" not in page.content.decode()


def test_counting_stops_where_nobody_turns_the_pages(monkeypatch):
    monkeypatch.setattr("crm.listing.COUNTED", 3)
    for number in range(6):
        make_customer(f"C{number}")
    assert CappedPaginator(Customer.objects.order_by("pk"), 2).count == 4
    assert COUNTED == 10_000


def test_a_rule_that_makes_no_sense_is_refused_in_the_form(admin_client):
    fields = {"slug": "s", "name_en": "S", "kind": "rule", "rule": json.dumps({"mood": 1})}
    page = admin_client.post(reverse("admin:crm_segment_add"), fields)
    assert "none of all, any, not" in page.content.decode()
    assert Segment.objects.count() == 0


def test_a_saved_rule_has_its_members_at_once(admin_client, django_capture_on_commit_callbacks):
    make_customer("Ada", country="France")
    rule = {"field": "country", "value": "France"}
    fields = {"slug": "s", "name_en": "S", "kind": "rule", "rule": json.dumps(rule)}
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(reverse("admin:crm_segment_add"), fields)
    assert Segment.objects.get().size == 1


def test_a_customer_cannot_be_deleted_by_a_click(admin_client):
    ada = make_customer("Ada")
    assert admin_client.get(reverse("admin:crm_customer_delete", args=[ada.pk])).status_code == 403


class TestArtifacts:
    @pytest.fixture
    def two(self):
        fields = {"name": "mean", "format": 1, "as_of": NOON, "trained_at": NOON}
        first = Artifact.objects.create(**fields)
        second = Artifact.objects.create(**fields)
        artifacts.promote(first, now=NOON)
        return first, second

    def test_staff_promote_and_roll_back(self, admin_client, two):
        first, second = two
        admin_client.post(reverse("admin:crm_artifact_promote", args=[second.pk]))
        assert artifacts.champion_of("mean") == second
        assert "promoted by admin" in artifacts.champion_of("mean").reason
        admin_client.post(reverse("admin:crm_artifact_roll_back", args=[second.pk]))
        assert artifacts.champion_of("mean") == first

    def test_a_link_changes_nothing(self, admin_client, two):
        answer = admin_client.get(reverse("admin:crm_artifact_promote", args=[two[1].pk]))
        assert answer.status_code == 405
        assert artifacts.champion_of("mean") == two[0]

    def test_who_may_only_look_may_not_promote(self, client, two):
        viewer = User.objects.create_user("viewer", password="x", is_staff=True)
        viewer.user_permissions.add(Permission.objects.get(codename="view_artifact"))
        client.force_login(viewer)
        answer = client.post(reverse("admin:crm_artifact_promote", args=[two[1].pk]))
        assert answer.status_code == 403
        assert artifacts.champion_of("mean") == two[0]

    def test_nothing_before_the_first_is_said_plainly(self, admin_client, two):
        page = admin_client.post(
            reverse("admin:crm_artifact_roll_back", args=[two[0].pk]), follow=True
        )
        assert "no earlier champion" in page.content.decode()


def test_strangers_see_nothing(client):
    answer = client.get(reverse("admin:crm_customer_changelist"))
    assert answer.status_code == 302
    assert "login" in answer["Location"]
