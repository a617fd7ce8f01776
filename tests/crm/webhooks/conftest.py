"""A receiver on this machine, and a webhook of a partner who sees everybody that leads to it."""

import pytest

from crm.webhooks import steering
from tests.factories import NOON, make_partner
from tests.receiver import listening


@pytest.fixture
def there(settings):
    with listening() as receiver:
        settings.OUTGOING_HTTP = True
        settings.OUTGOING_PORTS = [receiver.port, 443]
        settings.OUTGOING_NETWORKS = ["127.0.0.1/32"]
        yield receiver


@pytest.fixture
def made(there):
    """(the webhook, its secret)."""
    partner = make_partner(sees_everybody=True, requests_per_second=1_000)
    return steering.make(
        partner, now=NOON, url=there.url, kinds=["crm.order_placed"], name="Warehouse"
    )


@pytest.fixture
def webhook(made):
    return made[0]
