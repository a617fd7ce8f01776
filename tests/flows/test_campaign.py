"""A campaign from the first click of a staff member to the purchase that it caused."""

import email
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign, Delivery, Variant
from crm.models import Event
from tests.campaigns.world import join, make_segment, make_template
from tests.factories import agree, make_customer, make_order, make_product, make_topic

pytestmark = pytest.mark.django_db
PERSON = {"user-agent": "Mozilla/5.0 (Macintosh) Safari/605.1"}


@pytest.fixture
def store(settings):
    settings.EMAIL_BACKEND = "campaigns.mailfiles.EmailBackend"
    campaign = Campaign.objects.create(
        name="Spring", segment=make_segment(), topic=make_topic(), holdout_share="0.2"
    )
    template = make_template(
        body_en="<h1>Hi {{ customer.first_name }}</h1>{% for p in recommendations %}"
        '<a href="{{ p.url }}">{{ p.title }}</a> {{ p.reason }}{% endfor %}'
    )
    for label in ("A", "B"):
        Variant.objects.create(campaign=campaign, label=label, template=template)
    make_product(title_en="Green tea", price=12)
    for number in range(30):
        agree(join(campaign, make_customer(f"Ada{number}")), topic=campaign.topic)
    return campaign


def mails(settings):
    paths = sorted(Path(settings.EMAIL_FILE_PATH).glob("*.eml"))
    return [email.message_from_bytes(p.read_bytes(), policy=policy.default) for p in paths]


def local(url):
    return "/" + url.split("/", 3)[3]


def test_from_start_to_purchase(
    store, admin_client, client, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(reverse("admin:campaigns_campaign_start", args=[store.pk]))
    store.refresh_from_db()
    assert store.status == "finished"
    received = mails(settings)
    assert len(received) == store.audience_size - store.holdout_size
    Delivery.objects.update(sent_at=timezone.now() - timedelta(hours=1))

    mail = received[0]
    html = mail.get_body(("html",)).get_content()
    assert "Green tea" in html
    delivery = Delivery.objects.get(address=mail["To"])
    link = next(part for part in html.split('"') if "/t/c/" in part)
    pixel = next(part for part in html.split('"') if "/t/o/" in part)
    assert client.get(local(pixel), headers=PERSON).status_code == 200
    assert "/product/" in client.get(local(link), headers=PERSON)["Location"]

    from crm.models import Product

    make_order(delivery.customer, Product.objects.get(), at=timezone.now())
    unsubscribe = mail["List-Unsubscribe"].strip("<>")
    client.post(local(unsubscribe), {"List-Unsubscribe": "One-Click"})

    kinds = list(
        Event.objects.filter(customer=delivery.customer)
        .order_by("id")
        .values_list("kind", flat=True)
    )
    assert kinds == [
        "campaigns.message_sent",
        "campaigns.message_opened",
        "campaigns.message_clicked",
        "crm.consent_changed",
        "campaigns.unsubscribed",
    ]
    page = admin_client.get(reverse("admin:campaigns_campaign_result", args=[store.pk]))
    body = " ".join(page.content.decode().split())
    assert "Too early" in body
    assert f"sent {len(received)} + failed 0" in body


def test_starting_it_again_writes_to_nobody(
    store, admin_client, settings, django_capture_on_commit_callbacks
):
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            admin_client.post(reverse("admin:campaigns_campaign_start", args=[store.pk]))
    assert len(mails(settings)) == Delivery.objects.count()
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
