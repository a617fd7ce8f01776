"""The OpenAPI document: valid, complete, true; and what a stranger's program makes of it."""

import re

import pytest
from django.urls import get_resolver
from openapi_spec_validator import validate

from crm.rest.views import PartnerView

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(client):
    return client.get("/api/v1/schema/", headers={"Accept": "application/json"}).json()


def views():
    """Every view for partners, by its pattern."""
    found = {}

    def walk(patterns, before):
        for one in patterns:
            path = before + str(one.pattern)
            if hasattr(one, "url_patterns"):
                walk(one.url_patterns, path)
            elif issubclass(getattr(one.callback, "cls", object), PartnerView):
                found[path] = one.callback.cls

    walk(get_resolver().url_patterns, "")
    return found


def test_it_is_valid(document):
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_call_is_in_it(document):
    told = {
        (re.sub(r"{\w+}", "{}", path), method)
        for path, calls in document["paths"].items()
        for method in calls
    }
    missing = [
        (path, method)
        for path, view in views().items()
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(view, method)
        and ("/" + re.sub(r"<[^>]+>", "{}", path), method) not in told
        and not path.startswith("api/v1/recommendations/")
    ]
    assert missing == []


def test_every_call_says_its_key_its_scope_and_its_errors(document):
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            where = f"{method} {path}"
            assert call["security"] == [{"partnerKey": []}], where
            assert "Needs the scope" in call["description"], where
            assert {"400", "401", "403", "429"} <= set(call["responses"]), where
            assert "application/problem+json" in call["responses"]["401"]["content"], where


def test_the_page_to_try_it_at_runs_no_inline_script(client):
    page = client.get("/api/v1/docs/")
    assert page.status_code == 200
    assert not re.search(rb"<script(?![^>]*\bsrc=)", page.content)
    assert (
        "'unsafe-inline'"
        not in page["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    )
