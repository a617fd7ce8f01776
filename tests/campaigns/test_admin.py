"""Staff pages: fixed query numbers, steps only by POST, clear refusals."""

import pytest
from django.urls import reverse

from campaigns import channels, freezing, lifecycle, preparing
from campaigns.models import Campaign, Delivery, ProviderReport, Template, Variant
from tests.campaigns.world import (
    make_campaign,
    make_segment,
    make_template,
    send_all,
    start,
)
from tests.factories import NOON, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(admin_client):
    return admin_client


def page(campaign, name):
    return reverse(f"admin:campaigns_campaign_{name}", args=[campaign.pk])


def test_the_list_shows_state_and_progress(staff, campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    body = staff.get(reverse("admin:campaigns_campaign_changelist")).content.decode()
    assert "20 / 20" in body
    assert "finished" in body


def test_the_list_asks_the_same_number_of_queries_for_one_and_for_many(
    staff, campaign, django_assert_max_num_queries, django_assert_num_queries
):
    url = reverse("admin:campaigns_campaign_changelist")
    staff.get(url)
    with django_assert_max_num_queries(10) as few:
        staff.get(url)
    for _ in range(12):
        make_campaign()
    with django_assert_num_queries(len(few)):
        staff.get(url)


def test_deliveries_are_listed_without_counting_them(
    staff, campaign, django_assert_max_num_queries
):
    start(campaign)
    with django_assert_max_num_queries(8) as queries:
        staff.get(reverse("admin:campaigns_delivery_changelist"))
    assert not any("COUNT(" in q["sql"].upper() for q in queries.captured_queries)


def test_deliveries_cannot_be_changed_by_hand(staff, campaign):
    start(campaign)
    delivery = Delivery.objects.first()
    url = reverse("admin:campaigns_delivery_change", args=[delivery.pk])
    assert staff.get(url).status_code == 200
    assert staff.post(url, {"status": "sent"}).status_code == 403
    assert staff.get(reverse("admin:campaigns_delivery_add")).status_code == 403


def test_a_campaign_is_made_with_two_variants(staff):
    segment, topic, template = make_segment(), make_topic(), make_template()
    response = staff.post(
        reverse("admin:campaigns_campaign_add"),
        {
            "name": "Spring",
            "segment": segment.pk,
            "topic": topic.pk,
            "channel": "email",
            "holdout_share": "0.1",
            "design": "any",
            "attribution_days": "14",
            "cap_messages": "3",
            "cap_days": "7",
            "variants-TOTAL_FORMS": "2",
            "variants-INITIAL_FORMS": "0",
            "variants-0-label": "A",
            "variants-0-template": template.pk,
            "variants-0-weight": "1",
            "variants-1-label": "B",
            "variants-1-template": template.pk,
            "variants-1-weight": "1",
        },
    )
    assert response.status_code == 302, response.context["errors"]
    assert Variant.objects.filter(campaign__name="Spring").count() == 2


def test_looking_at_start_does_not_start(staff, campaign):
    response = staff.get(page(campaign, "start"))
    assert "20 members" in response.content.decode()
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_start_by_post_sends(
    staff, campaign, outbox_of_channel, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = staff.post(page(campaign, "start"), follow=True)
    assert "The campaign has started." in response.content.decode()
    assert len(outbox_of_channel) == 20
    campaign.refresh_from_db()
    assert campaign.status == "finished"


def test_an_empty_segment_is_refused_in_words(staff):
    campaign = make_campaign()
    response = staff.post(page(campaign, "start"), follow=True)
    assert "has no members" in response.content.decode()
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_pause_resume_and_cancel(staff, campaign):
    start(campaign)
    for step, status in (("pause", "paused"), ("resume", "sending"), ("cancel", "cancelled")):
        assert staff.get(page(campaign, step)).status_code == 200
        staff.post(page(campaign, step))
        campaign.refresh_from_db()
        assert campaign.status == status


def test_a_campaign_with_a_time_can_be_scheduled(staff, campaign):
    assert page(campaign, "schedule") not in staff.get(page(campaign, "change")).content.decode()
    Campaign.objects.update(scheduled_at=NOON)
    assert page(campaign, "schedule") in staff.get(page(campaign, "change")).content.decode()
    staff.post(page(campaign, "schedule"))
    campaign.refresh_from_db()
    assert campaign.status == "scheduled"


def test_a_step_that_came_too_late_is_refused_in_words(staff, campaign):
    response = staff.post(page(campaign, "pause"), follow=True)
    assert "is draft" in response.content.decode()


def test_buttons_are_those_that_the_state_allows(staff, campaign):
    body = staff.get(page(campaign, "change")).content.decode()
    assert page(campaign, "start") in body
    assert page(campaign, "pause") not in body
    start(campaign)
    body = staff.get(page(campaign, "change")).content.decode()
    assert page(campaign, "pause") in body
    assert page(campaign, "start") not in body


def test_a_started_campaign_keeps_its_promises(staff, campaign):
    start(campaign)
    staff.post(page(campaign, "change"), {"name": "New name", "holdout_share": "0.9"})
    campaign.refresh_from_db()
    assert campaign.holdout_share == 0


def test_the_preview_shows_the_message_as_a_given_customer(staff, campaign):
    customer = campaign.segment.memberships.last().customer
    response = staff.get(page(campaign, "preview"), {"customer": customer.email})
    body = response.content.decode()
    assert f"Hello {customer.name}" in body
    assert 'sandbox=""' in body
    assert "&lt;!doctype html&gt;" in body


def test_the_preview_flags_missing_values(staff, campaign):
    Template.objects.update(body_en="{{ customer.traits.shoe_size }} {{ coupon.code }}")
    body = staff.get(page(campaign, "preview")).content.decode()
    assert "Missing for this customer" in body
    assert "shoe_size" in body


def test_the_preview_of_a_broken_template_names_field_and_line(staff, campaign):
    Template.objects.update(body_en="fine\n{% if %}")
    body = staff.get(page(campaign, "preview")).content.decode()
    assert "body_en, line 2" in body


def test_the_preview_for_an_unknown_customer_says_so(staff, campaign):
    body = staff.get(page(campaign, "preview"), {"customer": "nobody@example.org"}).content.decode()
    assert "No customer is known by this." in body


def test_a_template_that_does_not_parse_is_not_saved(staff):
    response = staff.post(
        reverse("admin:campaigns_template_add"),
        {
            "name": "Broken",
            "channel": "email",
            "subject_en": "Hi",
            "body_en": "one\n{{ a | nonsense }}\n{% if %}",
        },
    )
    assert response.status_code == 200
    assert "Line " in response.content.decode()
    assert not Template.objects.exists()


def test_a_template_that_parses_is_saved_and_previewed(staff):
    response = staff.post(
        reverse("admin:campaigns_template_add"),
        {"name": "Fine", "channel": "email", "subject_en": "Hi", "body_en": "<p>Hello</p>"},
    )
    assert response.status_code == 302
    template = Template.objects.get()
    page = staff.get(reverse("admin:campaigns_template_preview", args=[template.pk]))
    assert page.status_code == 200


def test_the_result_page_shows_the_equation(staff, campaign, outbox_of_channel):
    start(campaign)
    send_all(campaign)
    body = " ".join(staff.get(page(campaign, "result")).content.decode().split())
    assert "sent 20 + failed 0 + skipped 0 + uncertain 0 = audience 20 − held out 0" in body


def test_while_the_audience_is_prepared_the_books_balance_on_the_page(
    staff, campaign, monkeypatch, outbox_of_channel
):
    monkeypatch.setattr(freezing, "BLOCK", 5)
    lifecycle.start(campaign, now=NOON)
    preparing.prepare(campaign.pk, now=NOON)
    send_all(campaign)
    body = staff.get(page(campaign, "result")).content.decode()
    words = " ".join(body.partition('id="equation">')[2].partition("</p>")[0].split())
    left, _, right = words.partition(" = ")
    numbers = [int(word) for word in left.split() if word.isdigit()]
    assert "not yet prepared 15" in left
    assert right == f"audience 20 − held out so far {campaign.holdout_size}"
    assert sum(numbers) == 20 - campaign.holdout_size
    lifecycle.cancel(campaign, now=NOON)
    assert "never prepared 15" in " ".join(
        staff.get(page(campaign, "result")).content.decode().split()
    )


def test_the_result_page_asks_a_fixed_number_of_queries(
    staff, campaign, django_assert_max_num_queries, outbox_of_channel
):
    start(campaign)
    send_all(campaign)
    staff.get(page(campaign, "result"))
    with django_assert_max_num_queries(16):
        staff.get(page(campaign, "result"))


def test_the_uncertain_are_settled_by_hand(staff, campaign, recorder):
    start(campaign)
    recorder.answers = [channels.Unclear("gone"), channels.Unclear("gone")]
    send_all(campaign)
    assert "may have arrived or not" in staff.get(page(campaign, "result")).content.decode()
    first, second = Delivery.objects.filter(status="uncertain").order_by("pk")
    staff.post(page(campaign, "result"), {"delivery": first.pk, "settle": "sent"})
    staff.post(page(campaign, "result"), {"delivery": "all", "settle": "again"})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("sent", "queued")
    assert Campaign.objects.get().status == "sending"


@pytest.mark.parametrize("name", ["result", "preview", "start", "change"])
def test_pages_are_for_staff_only(client, campaign, name):
    assert client.get(page(campaign, name)).status_code == 302


def test_before_the_start_it_is_said_what_the_campaign_can_show(staff, campaign):
    Campaign.objects.filter(pk=campaign.pk).update(holdout_share="0.2")
    page = staff.get(reverse("admin:campaigns_campaign_start", args=[campaign.pk]))
    said = page.content.decode()
    assert 'id="outlook"' in said
    assert "it cannot be said how great a rise would show" in said


def test_the_result_page_shows_guards_and_the_interval_of_any_look(
    staff, campaign, outbox_of_channel
):
    start(campaign)
    send_all(campaign)
    campaign.deliveries.update(status=Delivery.Status.COMPLAINED, sent_at=NOON)
    said = staff.get(reverse("admin:campaigns_campaign_result", args=[campaign.pk]))
    said = said.content.decode()
    assert 'id="guards"' in said
    assert "over the limit" in said
    assert "More people unsubscribe or complain" in said


def test_reports_of_providers_are_listed_with_those_of_none_of_our_messages(
    admin_client, django_assert_max_num_queries
):
    for number in range(5):
        ProviderReport.objects.create(
            provider="test",
            key=str(number),
            kind="bounced",
            channel="email",
            address=f"a{number}@example.org",
            at=NOON,
            received_at=NOON,
        )
    with django_assert_max_num_queries(12):
        page = admin_client.get("/admin/campaigns/providerreport/").content.decode()
    assert "a4@example.org" in page
    assert "none of ours" in page
    row = ProviderReport.objects.first()
    assert admin_client.post(f"/admin/campaigns/providerreport/{row.pk}/delete/").status_code == 403
