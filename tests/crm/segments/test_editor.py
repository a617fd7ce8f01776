"""The pages of segments: the editor and what it asks, the overview, members by hand."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from crm import segment_page, segments
from crm.models import Membership, Segment, SegmentSize
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
FRENCH = {"field": "country", "value": "France"}


def ask(client, rule, **more):
    body = json.dumps({"rule": rule, **more})
    answer = client.post(
        reverse("admin:crm_segment_estimate"), body, content_type="application/json"
    )
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def french():
    make_customer("Ada", country="France", traits={"plan": {"name": "gold"}})
    segment = Segment.objects.create(slug="french", name_en="French", kind="rule", rule=FRENCH)
    segments.refresh(segment, now=timezone.now())
    return segment


def test_the_editor_hears_the_size_and_the_sentence_in_both_languages(admin_client, french):
    told = ask(admin_client, FRENCH)
    assert (told["size"], told["of"], told["exact"], told["warnings"]) == (1, 1, True, [])
    assert dict(told["sentences"])["zh-hans"] == "这样的客户：国家为 “France”。"


def test_a_mistake_comes_with_its_place(admin_client):
    told = ask(admin_client, {"all": [FRENCH, {"orders": "count", "op": ">"}]})
    assert told["error"]["place"] == "rule.all[1].value"
    assert told["error"]["reason"] == "a value is missing"
    assert "error" in ask(admin_client, None)
    assert "error" in ask(admin_client, "x")


def test_a_circle_is_seen_before_it_is_saved(admin_client, french):
    assert (
        "french → french"
        in ask(admin_client, {"segment": "french"}, slug="french")["error"]["message"]
    )


def test_names_that_nobody_knows_are_warned_of(admin_client, french):
    rule = {
        "any": [
            {"trait": "shoe_size", "op": ">", "value": 40},
            {"event": "shop.sneezed", "op": ">=", "count": 1},
            {"score": "luck", "op": ">", "value": 1},
            {"consent": "email", "topic": "poems"},
            {"orders": "count", "op": ">", "value": 0, "category": "dragons"},
            {"trait": "plan.name", "op": "exists"},
        ]
    }
    told = ask(admin_client, rule)
    assert len(told["warnings"]) == 5
    assert told["size"] == 1


def test_whoever_may_not_see_segments_is_told_nothing(client, django_user_model):
    user = django_user_model.objects.create_user("eve", password="x", is_staff=True)
    client.force_login(user)
    answer = client.post(
        reverse("admin:crm_segment_estimate"), "{}", content_type="application/json"
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_editor_offers_what_there_is(admin_client, french, language):
    make_order(make_customer("Bob"), make_product("TEA"))
    page = admin_client.get(reverse("admin:crm_segment_add"), headers={"Accept-Language": language})
    text = page.content.decode()
    for offered in ("plan.name", "TEA", "crm.product_viewed", "lapsed-big-spenders"):
        assert offered in text
    assert ("Add a condition" in text) == (language == "en")


def test_a_mistake_in_the_saved_rule_is_shown_and_nothing_kept(admin_client):
    fields = {
        "slug": "s",
        "name_en": "S",
        "kind": "rule",
        "rule": json.dumps({"segment": "nowhere"}),
    }
    page = admin_client.post(reverse("admin:crm_segment_add"), fields)
    assert "no segment" in page.content.decode()
    assert not Segment.objects.exists()


def test_the_page_of_a_segment_shows_who_and_why(
    admin_client, french, django_assert_max_num_queries
):
    bob = make_customer("Bob", country="France")
    segments.touch([bob.pk], "field:country")
    segments.drain_all(now=timezone.now())
    bob.country = "Spain"
    bob.save()
    segments.touch([bob.pk], "field:country")
    segments.drain_all(now=timezone.now())
    child = Segment.objects.create(
        slug="c", name_en="The child", kind="rule", rule={"segment": "french"}
    )
    for day in range(3):
        SegmentSize.objects.create(segment=french, day=NOON.date() - timedelta(days=day), size=day)
    with django_assert_max_num_queries(45):
        page = admin_client.get(reverse("admin:crm_segment_change", args=[french.pk]))
    text = page.content.decode()
    for shown in (
        "Customers who: country is “France”.",
        "Ada",
        "country is “France”",
        "Bob",
        "(is: Spain)",
        "The child",
    ):
        assert shown in text
    assert child.pk


def test_other_apps_add_panels_and_say_where_a_segment_is_used(admin_client, french, monkeypatch):
    panel = segment_page.Panel("x", "crm/segment_panel_later.html", lambda *_: {"name": "x"}, 1)
    monkeypatch.setattr(segment_page._panels, "_panels", {"x": panel})
    use = segment_page.Use("Spring sale", "draft", "/somewhere")
    monkeypatch.setattr(segment_page, "_users", [lambda _: [use]])
    text = admin_client.get(reverse("admin:crm_segment_change", args=[french.pk])).content.decode()
    assert "Spring sale" in text
    assert reverse("admin:crm_segment_panel", args=[french.pk, "x"]) in text
    assert (
        admin_client.get(reverse("admin:crm_segment_panel", args=[french.pk, "y"])).status_code
        == 404
    )


def test_staff_paste_and_upload_members(admin_client):
    static = Segment.objects.create(slug="friends", name_en="Friends", kind="static")
    ada, bob = (
        make_customer("Ada", email="ada@example.org"),
        make_customer("Bob", email="bob@example.org"),
    )
    url = reverse("admin:crm_segment_members_by_hand", args=[static.pk])
    assert admin_client.get(url).status_code == 200
    file = SimpleUploadedFile("people.csv", b"\xef\xbb\xbfbob@example.org,Bob\nwho@example.org\n")
    page = admin_client.post(
        url, {"lines": "ada@example.org", "file": file, "add": "1"}, follow=True
    )
    assert set(segments.members_of(static)) == {ada, bob}
    assert "who@example.org" in page.content.decode()
    admin_client.post(url, {"lines": "ada@example.org", "remove": "1"})
    assert list(segments.members_of(static)) == [bob]


def test_only_a_segment_by_hand_is_changed_by_hand(admin_client, french):
    url = reverse("admin:crm_segment_members_by_hand", args=[french.pk])
    assert admin_client.post(url, {"lines": "x", "add": "1"}).status_code == 403
    assert Membership.objects.count() == 1
