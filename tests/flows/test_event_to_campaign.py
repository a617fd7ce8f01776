"""A whole round of the loop: events in, a segment, a campaign, a click, a purchase, a result."""

import email
import json
import re
from datetime import timedelta
from email import policy
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.utils import timezone

from campaigns import lifecycle, results
from campaigns.models import Campaign, Delivery
from crm import consent, write_keys
from crm.models import Customer, Event, Segment, Source
from tests.campaigns.world import make_campaign, make_template
from tests.factories import make_product, make_topic

pytestmark = pytest.mark.django_db
CUSTOMERS = 12


@pytest.fixture(autouse=True)
def _mail_as_files(settings):
    settings.EMAIL_BACKEND = "campaigns.mailfiles.EmailBackend"


@pytest.fixture
def shop(client, django_capture_on_commit_callbacks):
    """Says what a shop would say, and lets everything that follows from it happen."""
    cache.clear()
    write_keys.rate_limit.buckets.clear()
    Source.objects.create(name="shop", write_key="key")

    def say(call, **body):
        woken = [f"{of}:woken{later}" for of in ("outbox", "touches") for later in ("", "-later")]
        cache.delete_many(woken)  # a second later
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(
                f"/v1/{call}",
                json.dumps(body),
                content_type="application/json",
                headers={"Authorization": "Bearer key"},
            )
        assert answer.status_code == 200, answer.content

    return say


@pytest.fixture
def buyers(shop):
    """Twelve customers who identified themselves, bought tea, and agreed to offers."""
    make_product("cake", title_en="Cake", price=20)
    Segment.objects.create(
        slug="buyers",
        name_en="Buyers",
        kind="rule",
        rule={"orders": "count", "op": ">=", "value": 1},
    )
    for number in range(CUSTOMERS):
        user = f"u{number}"
        shop("identify", userId=user, traits={"email": f"{user}@example.org", "name": user})
        shop(
            "track",
            userId=user,
            event="Order Completed",
            properties={
                "order_id": f"O-{number}",
                "products": [{"sku": "tea", "name": "Tea", "quantity": 1, "price": 5}],
            },
        )
    for customer in Customer.objects.active():
        consent.change(
            customer,
            channel="email",
            topic=make_topic(),
            is_granted=True,
            source="test",
            evidence={},
            at=timezone.now(),
        )
    return Segment.objects.get(slug="buyers")


@pytest.fixture
def campaign(buyers):
    template = make_template(
        body_en="<p>Hi {{ customer.first_name }}</p>{% for product in recommendations %}"
        '<p><a href="{{ product.url }}">{{ product.title }}</a>: {{ product.reason }}</p>'
        "{% endfor %}"
    )
    return make_campaign(segment=buyers, template=template, holdout_share="0.25")


def mails(settings):
    return [
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted(Path(settings.EMAIL_FILE_PATH).glob("*.eml"))
    ]


def send(campaign, callbacks):
    with callbacks(execute=True):
        lifecycle.start(campaign, now=timezone.now())
    campaign.refresh_from_db()


def test_an_order_puts_the_customer_into_the_segment_by_itself(buyers):
    assert buyers.memberships.count() == CUSTOMERS


def test_round_the_loop(
    campaign, client, shop, settings, django_capture_on_commit_callbacks, time_machine
):
    send(campaign, django_capture_on_commit_callbacks)
    assert campaign.status == Campaign.Status.FINISHED
    sent = mails(settings)
    assert len(sent) == campaign.audience_size - campaign.holdout_size
    assert campaign.audience_size == CUSTOMERS

    html = sent[0].get_body(("html",)).get_content()
    assert "Cake" in html, "a personal recommendation stands in the mail"
    delivery = Delivery.objects.get(address=sent[0]["To"])

    time_machine.move_to(timezone.now() + timedelta(hours=2))
    link = re.search(r'href="([^"]*/t/c/[^"]+)"', html).group(1)
    browser = {"User-Agent": "Mozilla/5.0 Firefox/140"}
    assert client.get(urlsplit(link).path, headers=browser).status_code == 302
    delivery.refresh_from_db()
    assert delivery.clicked_at is not None

    customer = delivery.customer
    user_id = customer.identities.get(kind="user_id").value
    order = {"order_id": "NEW", "products": [{"sku": "cake", "quantity": 1, "price": 20}]}
    shop("track", userId=user_id, event="Order Completed", properties=order)
    result = results.of(campaign, now=timezone.now())
    assert sum(arm.converted.hits for arm in result.arms) == 1
    assert result.sent + result.failed + result.skipped_total + result.uncertain == len(sent)
    kinds = set(Event.objects.filter(customer=customer).values_list("kind", flat=True))
    assert {"crm.order_placed", "campaigns.message_sent", "campaigns.message_clicked"} <= kinds


def test_unsubscribing_in_the_mail_program_ends_it(
    campaign, client, settings, django_capture_on_commit_callbacks
):
    send(campaign, django_capture_on_commit_callbacks)
    message = mails(settings)[0]
    url = message["List-Unsubscribe"].strip(" <>")
    client.get(urlsplit(url).path)  # a scanner follows the link: nothing happens
    customer = Delivery.objects.get(address=message["To"]).customer
    assert consent.may_contact(customer, channel="email", topic=campaign.topic)
    client.post(urlsplit(url).path, {"List-Unsubscribe": "One-Click"})
    assert not consent.may_contact(customer, channel="email", topic=campaign.topic)

    again = make_campaign(segment=campaign.segment, holdout_share=0)
    send(again, django_capture_on_commit_callbacks)
    skipped = again.deliveries.get(status=Delivery.Status.SKIPPED)
    assert skipped.customer == customer
    assert len(mails(settings)) == campaign.to_be_written_to + CUSTOMERS - 1
