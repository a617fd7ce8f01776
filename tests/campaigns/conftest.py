"""A small shop with a campaign ready to start, and a channel that remembers what it was handed."""

import pytest

from campaigns import channels
from tests.campaigns.world import Recorder, make_campaign, make_members


@pytest.fixture
def outbox_of_channel():
    """Every message handed to the e-mail channel, which behaves like a mail server."""
    real = channels.get("email")
    recorder = Recorder()
    channels.register("email", recorder)
    yield recorder.sent
    channels.register("email", real)


@pytest.fixture
def recorder(outbox_of_channel):
    return channels.get("email")


@pytest.fixture
def campaign(db):
    """Twenty customers who agreed, two variants, nobody held out."""
    campaign = make_campaign(holdout_share=0)
    make_members(campaign, 20)
    return campaign


@pytest.fixture
def same_luck(settings):
    """What is drawn by the secret is drawn alike in every run."""
    settings.SECRET_KEY = "the same in every run"
