import pytest

from crm.models import Artifact
from tests.factories import NOON


def test_alive_asks_nothing(client):
    assert client.get("/healthz").content == b"ok"


@pytest.fixture
def champion(db):
    return Artifact.objects.create(
        name="popularity", status="champion", format=1, as_of=NOON, trained_at=NOON
    )


@pytest.mark.django_db
def test_ready_says_what_is_missing(client):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["models"]["ok"] is False
    assert "manage.py train" in answer.json()["models"]["detail"]
    assert answer.json()["database"]["ok"] is True


@pytest.mark.usefixtures("champion")
def test_ready_when_everything_is_there(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True


@pytest.mark.usefixtures("champion")
def test_a_broken_part_is_reported_not_raised(client, monkeypatch):
    from marketing import health

    def broken():
        raise ConnectionError("no broker")

    monkeypatch.setitem(health.CHECKS, "broker", broken)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "no broker" in answer.json()["broker"]["detail"]


@pytest.mark.django_db
def test_metrics_speak_prometheus(client):
    assert b"django_http_requests" in client.get("/metrics").content
