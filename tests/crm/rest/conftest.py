import pytest

from crm.models import Scope
from tests.factories import make_partner
from tests.rest import Caller


@pytest.fixture
def call(client):
    """The company's own shop, which sees everybody and may do everything."""
    partner = make_partner(sees_everybody=True, requests_per_second=10_000)
    return Caller(client, partner, *Scope.values)
