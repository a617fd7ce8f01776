"""A POST may be sent again: one effect, one answer."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from crm.models import ApiAnswer, Customer, Scope
from crm.rest import idempotency
from tests.factories import make_partner
from tests.rest import Caller, is_problem

pytestmark = pytest.mark.django_db
NEW = {"user_id": "u1", "name": "艾达"}


def test_again_is_the_first_answer(call):
    first = call.post("customers/", NEW, Idempotency_Key="k1")
    again = call.post("customers/", NEW, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (again["ETag"], again["Location"]) == (first["ETag"], first["Location"])
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Customer.objects.count() == 1


def test_another_body_under_the_key_is_refused(call):
    call.post("customers/", NEW, Idempotency_Key="k1")
    answer = call.post("customers/", NEW | {"user_id": "u2"}, Idempotency_Key="k1")
    is_problem(answer, 422, "idempotency_key_reused")
    answer = call.post("customers/bulk/", {"customers": [NEW]}, Idempotency_Key="k1")
    is_problem(answer, 422, "idempotency_key_reused")
    assert Customer.objects.count() == 1


def test_an_error_keeps_nothing_and_may_be_mended(call):
    is_problem(call.post("customers/", {"name": "x"}, Idempotency_Key="k1"), 400, "invalid")
    assert call.post("customers/", NEW, Idempotency_Key="k1").status_code == 201


def test_a_failure_after_the_effect_undoes_it_with_its_key(call, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(idempotency, "_keep", fail)
        is_problem(call.post("customers/", NEW, Idempotency_Key="k1"), 500, "error")
    assert not Customer.objects.exists()
    assert call.post("customers/", NEW, Idempotency_Key="k1").status_code == 201


def test_the_keys_of_two_partners_are_not_one(call, client):
    call.post("customers/", NEW, Idempotency_Key="k1")
    other = Caller(client, make_partner("Other", sees_everybody=True), *Scope.values)
    answer = other.post("customers/", {"user_id": "u2"}, Idempotency_Key="k1")
    assert answer.status_code == 201
    assert Customer.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 101, "a\tb"])
def test_a_key_that_is_none_is_named(call, key):
    errors = is_problem(call.post("customers/", NEW, Idempotency_Key=key), 400, "invalid")
    assert [where for where, _ in errors] == ["/Idempotency-Key"]


def test_answers_are_kept_for_three_days(call):
    call.post("customers/", NEW, Idempotency_Key="k1")
    assert idempotency.forget_old(now=timezone.now() + timedelta(hours=71)) == 0
    assert idempotency.forget_old(now=timezone.now() + timedelta(hours=73)) == 1
    assert not ApiAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_running_the_second_is_told_so(call):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: the second waits")
    held, done = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            idempotency._claim(call.partner, "k1")
            held.set()
            done.wait(20)
        connection.close()

    other = threading.Thread(target=first)
    other.start()
    try:
        assert held.wait(20)
        is_problem(
            call.post("customers/", NEW, Idempotency_Key="k1"), 409, "idempotency_key_in_use"
        )
    finally:
        done.set()
        other.join()
    assert call.post("customers/", NEW, Idempotency_Key="k1").status_code == 201
