"""A person approves: on trial for a few, for all, and back; and a bad trial ends by itself."""

from datetime import timedelta

import pytest

from campaigns import decisions
from campaigns.decisions import approving
from campaigns.decisions.approving import NotPossible
from campaigns.models import Decision, PolicyProposal
from campaigns.training import train_policies
from crm import artifacts
from crm.models import Artifact
from crm.training import Order
from tests.campaigns.decisions.trails import made_history, rewarded
from tests.campaigns.decisions.world import make_people
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
WHO = {"by": "grace", "now": NOON}


@pytest.fixture
def home():
    placement = made_history()
    train_policies(Order(as_of=NOON, now=NOON))
    return placement


@pytest.fixture
def proposed(home):
    return home.proposals.get(state="proposed")


def policies_of(placement, number=300, *, now=NOON):
    made = decisions.decide_many([p.pk for p in make_people(number)], placement, now=now)
    return [one.policy for one in made]


def test_approved_it_serves_a_few_on_trial_always_the_same(home, proposed):
    row = approving.approve(proposed, **WHO)
    assert (row.state, row.decided_by, row.decided_at) == ("canary", "grace", NOON)
    ids = [p.pk for p in make_people(300)]
    first = decisions.decide_many(ids, home, now=NOON)
    later = decisions.decide_many(ids, home, now=NOON + timedelta(days=1))
    on_trial = [one.customer_id for one in first if one.policy != "rules"]
    assert 3 <= len(on_trial) <= 35
    assert on_trial == [one.customer_id for one in later if one.policy != "rules"]
    assert {one.policy for one in first} == {
        "rules",
        f"{artifacts.load(approving_kind(), row.artifact).label}#{row.artifact_id}",
    }


def approving_kind():
    from campaigns.ml.placed import PlacedPolicy

    return PlacedPolicy


def test_served_it_is_for_everybody_and_taken_back_for_nobody(home, proposed):
    approving.approve(proposed, **WHO)
    row = approving.serve(proposed, **WHO)
    assert (row.state, Artifact.objects.get(pk=row.artifact_id).status) == ("approved", "champion")
    assert set(policies_of(home, 5)) == {f"{row.kind}#{row.artifact_id}"}
    row = approving.take_back(proposed, reason="Complaints", **WHO)
    assert (row.state, row.reason) == ("returned", "Complaints")
    assert set(policies_of(home, 5)) == {"rules"}


def test_the_one_before_serves_again_and_never_one_that_was_taken_back(home, proposed):
    first = proposed
    approving.approve(first, **WHO)
    approving.serve(first, **WHO)
    other = home.proposals.exclude(pk=first.pk).filter(kind="linucb").first() or (
        home.proposals.exclude(pk=first.pk).filter(kind="greedy").first()
    )
    PolicyProposal.objects.filter(pk=other.pk).update(state="proposed")
    approving.approve(other, **WHO)
    approving.serve(other, **WHO)
    approving.take_back(other, reason="Worse", **WHO)
    assert artifacts.champion_of(home.artifact_name).pk == first.artifact_id
    approving.take_back(first, reason="Worse too", **WHO)
    assert artifacts.champion_of(home.artifact_name) is None


def test_a_rejection_and_a_return_have_a_reason(home, proposed):
    with pytest.raises(ValueError, match="reason"):
        approving.reject(proposed, reason=" ", **WHO)
    row = approving.reject(proposed, reason="Not before Christmas", **WHO)
    assert (row.state, row.reason) == ("rejected", "Not before Christmas")
    assert set(policies_of(home, 5)) == {"rules"}


@pytest.mark.parametrize("step", [approving.serve, approving.approve])
def test_what_was_refused_cannot_be_approved(home, step):
    refused = home.proposals.filter(state="refused").first()
    with pytest.raises(NotPossible, match="refused"):
        step(refused, **WHO)


def test_each_step_is_taken_once(proposed):
    approving.approve(proposed, **WHO)
    with pytest.raises(NotPossible, match="canary"):
        approving.approve(proposed, **WHO)
    with pytest.raises(NotPossible, match="canary"):
        approving.reject(proposed, reason="Late", **WHO)


class TestATrial:
    @pytest.fixture
    def on_trial(self, proposed):
        PolicyProposal.objects.filter(pk=proposed.pk).update(canary_share=0.5)
        return approving.approve(proposed, **WHO)

    def live(self, home, on_trial, *, best, other):
        """What the trial brings, and what the others bring."""
        later = NOON + timedelta(hours=1)
        policies_of(home, 500, now=later)
        fresh = Decision.objects.filter(decided_at=later)
        rewarded(fresh.filter(artifact=on_trial.artifact), best=best, other=best)
        rewarded(fresh.filter(artifact=None), best=other, other=other, seed=1)
        return NOON + timedelta(hours=2)

    def test_one_that_is_surely_worse_goes_back_by_itself(self, home, on_trial):
        now = self.live(home, on_trial, best=0.05, other=0.5)
        found = approving.trial_of(on_trial, now=now)
        assert found.is_worse
        assert found.difference == pytest.approx(-0.45, abs=0.1)
        assert approving.look_after_trials(now=now) == 1
        on_trial.refresh_from_db()
        assert (on_trial.state, on_trial.reason) == ("returned", "the trial is surely worse")
        assert approving.look_after_trials(now=now) == 0

    def test_one_that_does_well_stays_until_a_person_says_more(self, home, on_trial):
        now = self.live(home, on_trial, best=0.5, other=0.3)
        found = approving.trial_of(on_trial, now=now)
        assert found.low < 0.2 < found.high
        assert approving.look_after_trials(now=now) == 0
        on_trial.refresh_from_db()
        assert on_trial.state == "canary"

    def test_before_anybody_was_decided_for_there_is_nothing_to_say(self, on_trial):
        assert approving.trial_of(on_trial, now=NOON) is None
        assert approving.look_after_trials(now=NOON) == 0


def test_a_damaged_artifact_on_trial_is_as_if_it_were_not_there(home, proposed):
    approving.approve(proposed, **WHO)
    PolicyProposal.objects.update(canary_share=1.0)
    Artifact.objects.filter(pk=proposed.artifact_id).update(sha256="0" * 64)
    artifacts._load.cache_clear()
    assert decisions.decide(make_customer(), home, now=NOON).policy == "rules"
