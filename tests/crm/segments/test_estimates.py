"""How many would it be: counted where quick, sampled where not, and never for long."""

import pytest
from django.db import connection

from crm import segments
from crm.models import Customer
from crm.segments import estimates
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
FRENCH = {"field": "country", "value": "France"}


def people(french, others):
    Customer.objects.bulk_create(
        Customer(country="France" if n < french else "", first_seen_at=NOON, last_seen_at=NOON)
        for n in range(french + others)
    )


def test_few_customers_are_counted():
    make_customer("Ada", country="France")
    make_customer("Bob")
    found = segments.estimate(FRENCH, now=NOON)
    assert (found.size, found.low, found.high, found.is_exact, found.of) == (1, 1, 1, True, 2)


def test_many_are_sampled_when_counting_takes_too_long(monkeypatch):
    people(300, 900)
    monkeypatch.setattr(estimates, "FEW", 10)
    monkeypatch.setattr(estimates, "SAMPLE", 600)
    real = estimates.at_most
    limits = iter([True, False])

    def impatient(seconds):
        if next(limits):
            raise estimates.TooSlow
        return real(seconds)

    monkeypatch.setattr(estimates, "at_most", impatient)
    found = segments.estimate(FRENCH, now=NOON)
    assert not found.is_exact
    assert found.low <= 300 <= found.high
    assert found.high - found.low < 200
    assert found.of == 1200


def test_a_question_that_takes_too_long_is_broken_off():
    endless = (
        "SELECT pg_sleep(5)"
        if connection.vendor == "postgresql"
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    with pytest.raises(estimates.TooSlow), estimates.at_most(0.05), connection.cursor() as cursor:
        cursor.execute(endless)
    assert Customer.objects.count() == 0, "the connection goes on without the limit"


def test_nobody_in_a_sample_is_not_surely_nobody():
    found = estimates.scaled(0, sampled=1000, everybody=1_000_000)
    assert (found.size, found.low) == (0, 0)
    assert 1000 < found.high < 10_000
