"""An event comes in; within one drain its customer is in the segment, and others can react to it."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from crm import segments
from crm.models import Customer, Event, Segment, Source
from tests.campaigns.world import make_campaign

pytestmark = pytest.mark.django_db
RULE = {
    "all": [
        {"event": "crm.product_viewed", "op": ">=", "count": 2, "days": 7},
        {"not": {"message": "sent", "op": ">=", "count": 1, "days": 7}},
    ]
}


@pytest.fixture
def heard(settings, monkeypatch):
    """The events that a subscriber of comings was handed."""
    heard = []
    settings.EVENT_SUBSCRIPTIONS = {"crm.segment_entered": ["crm.tasks.keep_segments_up"]}
    monkeypatch.setattr(
        "crm.tasks.keep_segments_up.delay", lambda *, event_id: heard.append(event_id)
    )
    return heard


def test_an_event_becomes_a_membership_a_fact_and_a_reaction(
    client, heard, django_capture_on_commit_callbacks
):
    Source.objects.create(name="shop", write_key="key")
    segment = Segment.objects.create(slug="lookers", name_en="Lookers", kind="rule", rule=RULE)
    segments.refresh(segment, now=timezone.now() - timedelta(minutes=2))
    batch = [
        {"type": "track", "userId": "ada", "event": "Product Viewed", "messageId": str(n), "properties": {"sku": "tea"}}
        for n in range(2)
    ]  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(
            "/v1/batch",
            json.dumps({"batch": batch}),
            content_type="application/json",
            headers={"Authorization": "Bearer key"},
        )
    assert answer.status_code == 200
    ada = Customer.objects.get()
    assert list(segments.members_of(segment)) == [ada]
    fact = Event.objects.get(kind="crm.segment_entered")
    assert (fact.customer, fact.data["segment"]) == (ada, "lookers")
    assert [item["value"] for item in fact.data["because"]] == [2, None]
    assert heard == [fact.pk]
    assert segments.why(ada, segment, now=timezone.now())["because"] == fact.data["because"]
    assert make_campaign(segment=segment).segment.memberships.count() == 1
