"""Two partners: no call of the document gives one anything of the other's, by any id."""

import json
import uuid

import pytest
from django.db import models

from campaigns import decisions
from crm import customers, timeline
from crm.events import ConsentChanged
from crm.models import Feedback, Membership, Scope, Segment
from crm.webhooks import steering
from recommendations.models import Impression
from tests.campaigns.decisions.world import make_home
from tests.campaigns.world import make_campaign
from tests.factories import NOON, make_customer, make_order, make_partner, make_product
from tests.rest import Caller

pytestmark = pytest.mark.django_db
CANARY = "Zanahoria"  # stands in everything of the other's
BODIES = {  # of calls whose ids stand in the body; {other} is the other's customer
    "/api/v1/orders/": {
        "number": "n",
        "customer": "{other}",
        "products": [{"sku": "x", "price": "1"}],
    },
    "/api/v1/feedback/": {"key": "k", "customer": "{other}", "kind": "nps", "score": 9},
    "/api/v1/decisions/": {"customer": "{other}", "placement": "home"},
    "/api/v1/customers/": {"user_id": "zanahoria-1"},
    "/api/v1/customers/bulk/": {"customers": [{"user_id": "zanahoria-1", "name": "Eve"}]},
    "/api/v1/segments/estimate/": {"rule": {"field": "language", "op": "=", "value": "en"}},
}
OWN = ("/api/v1/webhooks/", "/api/v1/products/", "/api/v1/similar/")  # of themselves, or of all
ANYBODYS = {("/api/v1/webhooks/", "post"), ("/api/v1/nlu/", "post")}


@pytest.fixture
def other(db):
    """What belongs to the other partner, by the names that paths have for ids."""
    them, webhooks_of = make_customer(CANARY, email="zanahoria@example.org"), make_partner(CANARY)
    customers.attach(them, "user_id", "zanahoria-1", source="shop", at=NOON)
    them.traits = {"secret": CANARY}
    them.save()
    segment = Segment.objects.create(slug="zanahoria", name_en=CANARY, kind="static")
    Membership.objects.create(segment=segment, customer=them, entered_at=NOON)
    webhooks_of.segments.add(segment)
    product = make_product("P1")
    order = make_order(them, product, at=NOON)
    Feedback.objects.create(
        customer=them, kind="review", text=CANARY, source="shop", key="1", at=NOON, score=5
    )
    fact = ConsentChanged(channel="email", topic=CANARY, is_granted=True)
    timeline.record(them, fact, at=NOON, key="1")
    make_home("tea", slug="home")
    made = decisions.decide(them, decisions.placement_of("home"), now=NOON)
    shown = Impression.objects.create(
        customer=them, product=product, placement="home", position=1, score=1.0, shown_at=NOON
    )
    campaign = make_campaign(name=CANARY, segment=segment)
    hook, _ = steering.make(
        webhooks_of,
        now=NOON,
        name=CANARY,
        url="https://zanahoria.example.org/",
        kinds=["crm.order_placed"],
    )
    return {
        "customers": them.public_id,
        "decisions": made.public_id,
        "webhooks": hook.public_id,
        "impressions": shown.pk,
        "campaigns": campaign.pk,
        "segments": segment.slug,
        "orders": order.number,
        "journeys": 1,
        "products": "P1",
    }


@pytest.fixture
def some(client):
    partner, mine = make_partner("Some", requests_per_second=10_000), make_customer("Mine")
    segment = Segment.objects.create(slug="its", kind="static")
    Membership.objects.create(segment=segment, customer=mine, entered_at=NOON)
    partner.segments.add(segment)
    return Caller(client, partner, *Scope.values)


def example(call):
    content = call.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = content.get("examples", {})
    return next((one["value"] for one in examples.values()), {})


def test_no_call_tells_or_changes_anything_of_the_other_s(client, some, other):
    document = client.get("/api/v1/schema/", headers={"Accept": "application/json"}).json()
    before, asked = written(), 0
    for path, calls in document["paths"].items():
        kind = path.split("/")[3]
        for method, call in calls.items():
            if (path, method) in ANYBODYS:
                continue
            names = [p["name"] for p in call.get("parameters", []) if p["in"] == "path"]
            address = path.format(**{name: other[kind] for name in names})
            body = json.dumps(BODIES.get(path, example(call)))
            body = body.replace("{other}", str(other["customers"]))
            answer = some(
                method,
                address.removeprefix("/api/v1/"),
                None if method == "get" else body.encode(),
                query={"customer": str(other["customers"])} if kind == "recommendations" else None,
            )
            where, asked = f"{method} {address}: {answer.status_code}", asked + 1
            assert CANARY.lower() not in answer.content.decode().lower(), where
            if method != "get" or (names and not path.startswith(OWN)):
                assert answer.status_code in (400, 403, 404), where
    assert asked > 30
    assert written() == before


def test_the_same_calls_of_who_sees_everybody_would_tell(client, other):
    """Or the test above would pass where nothing is told to anybody."""
    shop = Caller(client, make_partner("Shop", sees_everybody=True), *Scope.values)
    told = [
        f"customers/{other['customers']}/",
        f"customers/{other['customers']}/timeline/",
        "customers/",
        "feedback/",
        "segments/",
        f"campaigns/{other['campaigns']}/",
    ]
    for path in told:
        assert CANARY in shop.get(path).content.decode(), path
    assert shop.get(f"orders/{other['orders']}/").status_code == 200
    assert shop.post(f"impressions/{other['impressions']}/click/", {}).status_code == 200
    is_foreign = shop.get(f"webhooks/{other['webhooks']}/")
    assert is_foreign.status_code == 404  # webhooks are each partner's own, whoever they see
    assert shop.get(f"customers/{uuid.uuid4()}/").status_code == 404


def written():
    """How many rows there are of all that a call could write."""
    from django.apps import apps

    kinds: list[type[models.Model]] = [
        model
        for app in ("crm", "campaigns", "recommendations")
        for model in apps.get_app_config(app).get_models()
    ]
    return {model._meta.label: model._default_manager.count() for model in kinds}
