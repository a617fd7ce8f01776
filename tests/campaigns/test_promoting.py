"""No door lets a policy serve that no person approved."""

from datetime import timedelta

import pytest
from django.core.management import call_command, get_commands
from django.urls import get_resolver, reverse

from campaigns import decisions
from campaigns.decisions import approving
from campaigns.models import PolicyProposal
from campaigns.training import train_policies
from crm import artifacts
from crm.models import Artifact
from crm.training import Order
from tests.campaigns.decisions.trails import made_history
from tests.campaigns.decisions.world import approved
from tests.factories import NOON, make_customer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("same_luck")]
State = PolicyProposal.State


@pytest.fixture
def home():
    placement = made_history()
    train_policies(Order(as_of=NOON, now=NOON))
    return placement


def serving(home):
    return decisions.decide(make_customer(), home, now=NOON).policy


def in_state(home, state):
    row = home.proposals.get(state="proposed")
    # On trial a policy serves one in twenty, by lot: here nobody is drawn.
    PolicyProposal.objects.filter(pk=row.pk).update(state=state, canary_share=0)
    return row.artifact


@pytest.mark.parametrize("state", sorted(set(State.values) - {State.APPROVED}))
def test_only_what_a_person_approved_can_be_promoted(home, state):
    with pytest.raises(artifacts.NotPromotable, match="Only an approved policy serves"):
        artifacts.promote(in_state(home, state), now=NOON)
    assert artifacts.champion_of(home.artifact_name) is None
    assert serving(home) == "rules"


def test_a_policy_that_nobody_evaluated_cannot(home):
    artifact = in_state(home, "approved")
    PolicyProposal.objects.filter(artifact=artifact).delete()
    with pytest.raises(artifacts.NotPromotable, match="Nobody has evaluated"):
        artifacts.promote(artifact, now=NOON)


@pytest.mark.parametrize("state", ["refused", "canary"])
def test_the_page_of_artifacts_refuses_and_says_why(home, admin_client, state):
    artifact = in_state(home, state)
    page = admin_client.get(reverse("admin:crm_artifact_change", args=[artifact.pk]))
    assert "Only an approved policy serves" in page.content.decode()
    assert reverse("admin:crm_artifact_promote", args=[artifact.pk]) not in page.content.decode()
    url = reverse("admin:crm_artifact_promote", args=[artifact.pk])
    answer = admin_client.post(url, follow=True)
    assert "Only an approved policy serves" in answer.content.decode()
    assert serving(home) == "rules"


def test_the_page_of_artifacts_still_promotes_what_was_approved(home, admin_client):
    artifact = in_state(home, "approved")
    admin_client.post(reverse("admin:crm_artifact_promote", args=[artifact.pk]))
    assert artifacts.champion_of(home.artifact_name) == artifact


def test_rolling_back_lets_no_unapproved_policy_serve(home, admin_client):
    first, second = home.proposals.order_by("pk")[:2]
    approved(home, first.artifact)
    approved(home, second.artifact, now=NOON + timedelta(days=1))
    PolicyProposal.objects.filter(pk=first.pk).update(state="returned")
    with pytest.raises(artifacts.NotPromotable):
        artifacts.roll_back(home.artifact_name, now=NOON)
    url = reverse("admin:crm_artifact_roll_back", args=[second.artifact_id])
    answer = admin_client.post(url, follow=True)
    assert "Only an approved policy serves" in answer.content.decode()
    assert artifacts.champion_of(home.artifact_name) == second.artifact


def test_taking_back_goes_to_staffs_weights_where_the_one_before_may_not_serve(home):
    first, second = home.proposals.order_by("pk")[:2]
    approved(home, first.artifact)
    approved(home, second.artifact, now=NOON + timedelta(days=1))
    PolicyProposal.objects.filter(pk=first.pk).update(state="returned")
    approving.take_back(second, by="grace", reason="Worse", now=NOON)
    assert artifacts.champion_of(home.artifact_name) is None
    assert serving(home) == "rules"


def test_training_lets_no_policy_serve(home):
    call_command("train", "policies", verbosity=0)
    assert not Artifact.objects.filter(status="champion", name=home.artifact_name).exists()


def test_no_command_and_no_address_of_the_interface_promotes():
    """There is nothing but the pages: who adds a door finds the guard behind `promote`."""
    ours = {name for name, app in get_commands().items() if not app.startswith("django.")}
    assert not {name for name in ours if "promote" in name or "roll" in name}
    names = [str(key) for key in get_resolver().reverse_dict if isinstance(key, str)]
    assert not [name for name in names if "promote" in name]


def test_what_is_no_policy_is_nobodys_business(home):
    artifact = Artifact.objects.create(name="mean", format=1, as_of=NOON, trained_at=NOON)
    assert artifacts.why_not(artifact) == ""
    artifacts.promote(artifact, now=NOON)
    assert artifacts.champion_of("mean") == artifact
