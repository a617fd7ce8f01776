"""A stranger's program calls everything with what the document allows, and with what it does not.

schemathesis makes the requests from the document and checks each answer against it: no failure of
ours, only statuses, types and bodies that were promised, wrong keys refused, wrong data refused.
"""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.config._auth import AuthConfig

from crm.models import Membership, Scope, Segment
from marketing.wsgi import application
from tests.factories import NOON, make_customer, make_key, make_partner, make_product, make_topic

pytestmark = pytest.mark.django_db
EXAMPLES = 12  # of each call, beside those at the limits of what the document allows


@pytest.fixture
def _one_connection():
    """Requests go on in the transaction of the test, as Django's own client has them."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def document(db, _one_connection):
    ada = make_customer("Ada")
    segment = Segment.objects.create(slug="regulars", kind="static")
    Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
    make_product("P1")
    make_topic("offers")
    partner = make_partner(sees_everybody=True, requests_per_second=1_000_000)
    _, text = make_key(partner, *Scope.values)
    # What no document can say of a rule, a time zone or an order number is judged by the call.
    judged = PositiveDataAcceptanceConfig(
        expected_statuses=["2xx", "304", "400", "403", "404", "409", "412", "422"]
    )
    default = ProjectConfig(
        checks=ChecksConfig(positive_data_acceptance=judged),
        auth=AuthConfig(openapi={"partnerKey": {"bearer": text}}),
        generation=GenerationConfig(max_examples=EXAMPLES, deterministic=True),
    )
    config = SchemathesisConfig(projects=ProjectsConfig(default=default))
    return schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application, config=config)


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_promised(case):
    case.call_and_validate()
