import numpy as np
import pytest

from campaigns import demo_journeys
from campaigns.journeys import results
from campaigns.models import Journey
from tests.campaigns.journeys.world import reader
from tests.campaigns.world import make_template
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def test_the_demo_has_a_live_journey_with_people_in_it():
    make_template("We miss you")
    for i in range(40):
        reader(f"P{i}")
    assert demo_journeys.journey(now=NOON, rng=np.random.default_rng(3)) == 40
    result = results.of(Journey.objects.get())
    assert sum(result.states.values()) == 40
    assert result.messages.sent == result.messages.total > 15
    assert result.walked.hits > 3
    assert demo_journeys.journey(now=NOON, rng=np.random.default_rng(3)) == 0


def test_without_templates_there_is_none():
    assert demo_journeys.journey(now=NOON, rng=np.random.default_rng(3)) == 0
