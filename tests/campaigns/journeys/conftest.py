import pytest


@pytest.fixture(autouse=True)
def _nobody_sends(monkeypatch):
    """Tasks would run at once in the caller; tests of sending ask for it themselves."""
    monkeypatch.setattr("campaigns.tasks.start_campaign.delay", lambda **_: None)
    monkeypatch.setattr("campaigns.tasks.walk.delay", lambda **_: None)
