"""Pages of policies, the explorer, a decision and its veto: what they show, and to whom."""

import re

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from campaigns import decisions, panel
from campaigns.decisions import explaining
from campaigns.demo_decisions import past_decisions
from campaigns.models import Action, Decision, Placement, PolicyProposal, Veto
from campaigns.training import train_policies
from crm.models import Artifact
from crm.training import Order
from tests.campaigns.decisions.trails import made_history
from tests.campaigns.decisions.world import make_home, make_people
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    """A member of staff with these permissions and no others."""

    def with_permissions(*codenames):
        user = get_user_model().objects.create_user("grace", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return with_permissions


def url(name, *args):
    return reverse(f"admin:campaigns_{name}", args=args)


def words(answer):
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


class TestPolicies:
    @pytest.fixture
    def home(self):
        placement = made_history()
        train_policies(Order(as_of=NOON, now=NOON))
        return placement

    @pytest.fixture
    def proposed(self, home):
        return home.proposals.get(state="proposed")

    def test_every_policy_stands_there_with_its_estimate_and_why_not(self, admin_client, home):
        text = words(admin_client.get(url("placement_policies", home.pk)))
        for name in ("LinUCB", "Thompson sampling", "chance alone", "waits for approval"):
            assert name in text
        assert "surely better" in text
        assert "Approve: on trial for 5.0 %" in text
        assert "Serves now: the weights that staff set" in text
        assert 'id="weeks"' in text

    def test_a_placement_without_policies_says_what_to_do(self, admin_client):
        placement, _ = make_home()
        assert "train policies" in words(admin_client.get(url("placement_policies", placement.pk)))

    def test_it_is_put_on_trial_then_serves_and_is_taken_back(self, admin_client, proposed):
        for step, state in (
            ("approve", "canary"),
            ("serve", "approved"),
            ("take_back", "returned"),
        ):
            admin_client.post(url(f"policy_{step}", proposed.pk), {"reason": "Because"})
            proposed.refresh_from_db()
            assert (proposed.state, proposed.decided_by) == (state, "admin")
        assert not Artifact.objects.filter(status="champion").exists()

    def test_a_rejection_without_a_reason_changes_nothing(self, admin_client, home, proposed):
        page = admin_client.post(url("policy_reject", proposed.pk), {"reason": " "}, follow=True)
        assert "Say why" in words(page)
        proposed.refresh_from_db()
        assert proposed.state == "proposed"

    def test_a_step_twice_says_that_it_was_taken(self, admin_client, proposed):
        admin_client.post(url("policy_approve", proposed.pk))
        page = admin_client.post(url("policy_approve", proposed.pk), follow=True)
        assert "Somebody decided otherwise" in words(page)

    @pytest.mark.parametrize("step", ["approve", "serve", "reject", "take_back"])
    def test_only_those_who_may_decide(self, staff, proposed, step):
        client = staff("view_placement")
        assert client.post(url(f"policy_{step}", proposed.pk), {"reason": "x"}).status_code == 403
        text = words(client.get(url("placement_policies", proposed.placement_id)))
        assert '<button class="bg-primary-600 text-white px-3' not in text
        proposed.refresh_from_db()
        assert proposed.state == "proposed"

    def test_looking_changes_nothing(self, admin_client, proposed):
        assert admin_client.get(url("policy_approve", proposed.pk)).status_code == 405
        assert PolicyProposal.objects.filter(state="canary").count() == 0

    def test_strangers_see_nothing(self, staff, home):
        assert staff("view_customer").get(url("placement_policies", home.pk)).status_code == 403


class TestTheExplorer:
    def test_it_says_what_would_be_done_and_logs_nothing(self, admin_client):
        placement, (_, b) = make_home("a", "b")
        Action.objects.filter(pk=b.pk).update(is_active=False)
        ada = make_customer()
        text = words(
            admin_client.get(url("placement_explore", placement.pk), {"customer": ada.email})
        )
        assert "“A”: the only action that is eligible." in text
        assert "It is switched off" in text
        assert "a known customer" in text
        assert not Decision.objects.exists()

    def test_nobody_is_an_answer(self, admin_client):
        placement, _ = make_home()
        page = admin_client.get(url("placement_explore", placement.pk), {"customer": "nobody@x.y"})
        assert "No such customer" in words(page)

    def test_it_is_for_those_who_may_see_customers(self, staff):
        placement, _ = make_home()
        client = staff("view_placement")
        assert client.get(url("placement_explore", placement.pk)).status_code == 403


class TestADecision:
    @pytest.fixture
    def row(self):
        placement, _ = make_home("a", "b")
        made = decisions.decide(make_customer(), placement, now=NOON)
        return Decision.objects.get(public_id=made.public_id)

    def test_its_page_says_why_and_makes_it_again(self, admin_client, row):
        text = words(admin_client.get(url("decision_change", row.pk)))
        assert "chose it with a chance of 50 % among 2" in text
        assert "The same: action, chances, rules and reasons." in text
        assert "Nothing came of it so far" in text
        assert "What was known: a known customer" in text or "What was known: a visitor" in text

    def test_a_log_that_was_changed_is_shown(self, admin_client, row):
        Decision.objects.update(propensity=0.9)
        text = words(admin_client.get(url("decision_change", row.pk)))
        assert "It differs" in text
        assert "<code>propensity</code>" in text

    def test_a_veto_for_this_customer_or_for_everybody_keeps_its_reason(self, admin_client, row):
        admin_client.post(url("decision_veto", row.pk), {"reason": "Asked us", "whom": "customer"})
        veto = Veto.objects.get()
        assert (veto.action, veto.customer, veto.reason) == (row.action, row.customer, "Asked us")
        assert (veto.by.username, veto.decision) == ("admin", row)
        placement = row.placement
        later = decisions.look(row.customer, placement, now=NOON)
        assert later.made.refused == {row.choice: ["vetoed"]}
        admin_client.post(url("decision_veto", row.pk), {"reason": "Recall", "whom": "everybody"})
        other = decisions.look(make_customer(), placement, now=NOON)
        assert other.made.refused == {row.choice: ["vetoed"]}

    def test_a_veto_is_lifted_and_kept(self, admin_client, row):
        admin_client.post(url("decision_veto", row.pk), {"reason": "Asked us"})
        veto = Veto.objects.get()
        assert "Lift this veto" in words(admin_client.get(url("veto_change", veto.pk)))
        admin_client.post(url("veto_lift", veto.pk))
        veto.refresh_from_db()
        assert veto.lifted_at is not None
        assert decisions.look(row.customer, row.placement, now=NOON).made.refused == {}

    def test_no_veto_without_a_reason_or_the_right_to_it(self, admin_client, staff, row):
        admin_client.post(url("decision_veto", row.pk), {"reason": ""})
        client = staff("view_decision", "view_veto")
        assert client.post(url("decision_veto", row.pk), {"reason": "No"}).status_code == 403
        assert not Veto.objects.exists()
        assert "Why? The reason is kept." not in words(client.get(url("decision_change", row.pk)))

    def test_the_list_has_a_fixed_number_of_queries(
        self, admin_client, row, django_assert_max_num_queries
    ):
        decisions.decide_many([p.pk for p in make_people(30)], row.placement, now=NOON)
        with django_assert_max_num_queries(16):
            text = words(admin_client.get(url("decision_changelist")))
        assert "the weights that staff set" in text
        assert ">50 %<" in text.replace("> ", ">").replace(" <", "<")

    def test_the_customer_s_page_says_why(self, admin_client, row):
        assert panel.build(row.customer)["decisions"] == [(row, explaining.logged(row))]


def test_pages_are_in_the_reader_s_language(admin_client):
    placement, _ = make_home("a", "b")
    admin_client.cookies["django_language"] = "zh-hans"
    where, ada = url("placement_explore", placement.pk), make_customer()
    text = words(admin_client.get(where, {"customer": ada.email}))
    assert "符合条件" in text
    assert "员工设定的权重" in text


def test_the_demo_has_a_history_from_which_a_policy_can_be_learned():
    for number in range(120):
        make_customer(
            f"P{number}", language="zh-hans" if number % 2 else "en", at=NOON.replace(year=2025)
        )
    made = past_decisions(now=NOON, rng=np.random.default_rng(1))
    assert made == 600
    assert past_decisions(now=NOON, rng=np.random.default_rng(1)) == 0
    assert Placement.objects.get().actions.count() == 5
    assert Decision.objects.filter(rewards__isnull=False).count() > 30
