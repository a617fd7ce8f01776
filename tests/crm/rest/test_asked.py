"""Bodies that no database can keep, or that are meant to hurt, are refused in words."""

import json

import pytest

from crm.models import Customer
from crm.rest import asked
from tests.rest import is_problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"user_id": NaN}',
        b'{"user_id": "u", "traits": {"n": 1e999}}',
        b'{"user_id": "u", "traits": {"n": 123456789012345678901234567890}}',
        b'{"user_id": "u\\u0000"}',
        b'{"user_id": "u", "traits": {"a": "\\ud800"}}',
        b'{"user_id": "u", "traits": {"\\u0000": 1}}',
        b"[" * 100_000,
        b'{"user_id": "u", "traits": {"a":' + b"[" * 40 + b"]" * 40 + b"}}",
    ],
)
def test_what_cannot_be_read_is_said(call, body):
    is_problem(call.post("customers/", body), 400, "parse_error")
    assert not Customer.objects.exists()


def test_a_large_body_is_refused_unread(call):
    body = json.dumps({"user_id": "u", "name": "x" * asked.LARGEST}).encode()
    is_problem(call.post("customers/", body), 413, "too_large")


def test_only_json_is_spoken(call):
    answer = call.client.post(
        "/api/v1/customers/", {"user_id": "u"}, headers={"Authorization": f"Bearer {call.text}"}
    )
    is_problem(answer, 415, "unsupported_media_type")
    is_problem(call("get", "customers/", Accept="text/csv"), 406, "not_acceptable")


def test_a_method_that_is_none_is_said(call):
    is_problem(call("put", "customers/", {}), 405, "method_not_allowed")
