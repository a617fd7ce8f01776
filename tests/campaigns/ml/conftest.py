import pytest

from crm.training import on_one_thread


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """As in the product: small fits lose more by sharing than they gain."""
    with on_one_thread():
        yield
