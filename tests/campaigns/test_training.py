"""Challengers are learned from the trail, judged off policy, and proposed or refused."""

from datetime import timedelta

import pytest

from campaigns import decisions
from campaigns.decisions import replaying
from campaigns.decisions.log import trail
from campaigns.ml.placed import PlacedPolicy
from campaigns.models import Decision, Placement, PolicyProposal, Reward
from campaigns.training import CHALLENGERS, train_policies
from crm import artifacts
from crm.models import Artifact
from crm.training import Order, TooLittleData
from marketing import learning
from tests.campaigns.decisions.trails import made_history
from tests.campaigns.decisions.world import approved, make_home, make_people
from tests.factories import NOON, make_customer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("same_luck")]
ORDER = Order(as_of=NOON, now=NOON)


def proposals(placement):
    return {one.kind: one for one in placement.proposals.exclude(state="superseded")}


class TestATruthThatWasPlanted:
    @pytest.fixture
    def home(self):
        placement = made_history()
        self.report = train_policies(ORDER)
        return placement

    def test_it_is_found_and_waits_for_a_person(self, home):
        found = proposals(home)
        assert set(found) == set(CHALLENGERS)
        waiting = [one for one in found.values() if one.state == "proposed"]
        assert [one.kind for one in waiting] == [self.report["metrics"] and waiting[0].kind]
        assert waiting[0].kind in ("linucb", "logistic-thompson", "greedy")
        told = waiting[0].evaluation
        assert told["verdict"] == "promote"
        assert told["reasons"] == []
        # Chance brings .3 on average; who gets what they want, .5, less what exploring costs.
        assert told["incumbent"]["value"] == pytest.approx(0.3, abs=0.05)
        assert told["dr"]["lower"] < 0.46 < told["dr"]["upper"] + 0.05
        assert told["dr"]["lower"] > told["incumbent"]["value"]
        assert told["effective_sample_size"] >= 500

    def test_nothing_serves_before_somebody_approved_it(self, home):
        assert not Artifact.objects.filter(status="champion").exists()
        assert decisions.decide(make_customer(), home, now=NOON).policy == "rules"

    def test_what_does_not_look_at_the_customer_is_no_better(self, home):
        found = proposals(home)
        for kind in ("uniform", "thompson"):
            assert found[kind].state == "refused"
            assert found[kind].evaluation["verdict"] != "promote"

    def test_the_artifact_prefers_what_is_true(self, home):
        policy = artifacts.load(PlacedPolicy, proposals(home)["linucb"].artifact)
        rows = trail(home, until=NOON)
        chances = policy.chances(rows.contexts, rows.eligible, rows.order)
        chinese = rows.contexts[:, 1] > 0
        assert chances[chinese, rows.order.index("a")].mean() > 0.85
        assert chances[~chinese, rows.order.index("b")].mean() > 0.85

    def test_training_again_leaves_one_set_that_waits(self, home):
        train_policies(ORDER)
        assert PolicyProposal.objects.exclude(state="superseded").count() == len(CHALLENGERS)

    def test_the_report_is_that_of_every_trainer(self, home):
        told = self.report
        assert told["promoted"] is False
        assert told["rows"] == 2_400
        assert told["reason"] == "1 of 1 placements have a policy that waits for approval"
        assert learning.trainers()["policies"] is train_policies

    def test_looking_keeps_nothing(self, home):
        before = Artifact.objects.count()
        train_policies(Order(as_of=NOON, now=NOON, keep=False))
        assert Artifact.objects.count() == before


class TestWhatIsRefused:
    def test_too_few_decisions_are_none(self):
        made_history(people=20, days=2)
        with pytest.raises(TooLittleData, match="no placement has 1000 decisions"):
            train_policies(ORDER)

    def test_a_window_that_is_open_says_nothing_yet(self):
        placement = made_history(people=20, days=2)
        assert len(trail(placement, until=NOON)) == 40
        assert len(trail(placement, until=NOON - timedelta(days=27))) == 0

    def test_thin_support_is_refused_with_its_reason(self):
        """The log hardly ever had what the challengers would choose."""
        placement = make_thin()
        train_policies(ORDER)
        greedy = proposals(placement)["greedy"]
        assert greedy.state == "refused"
        assert greedy.evaluation["verdict"] == "insufficient support"
        assert any("effective sample size" in why for why in greedy.evaluation["reasons"])

    def test_where_nothing_can_be_gained_nothing_is_proposed(self):
        placement = made_history(best=1.0, other=1.0)
        train_policies(ORDER)
        assert {one.state for one in proposals(placement).values()} == {"refused"}

    def test_more_unsubscribes_are_no_better(self):
        placement = made_history(harm=0.2)
        train_policies(ORDER)
        one = proposals(placement)["linucb"]
        assert (one.evaluation["verdict"], one.state) == ("promote", "refused")
        assert any(why.startswith("unsubscribes may rise") for why in one.evaluation["reasons"])


def make_thin():
    placement, (_, b) = make_home("a", "b", explore=0.02)
    b.weight = 0
    b.save()
    crowd = [person.pk for person in make_people(300)]
    for day in range(4):
        decisions.decide_many(crowd, placement, now=NOON - timedelta(days=40 - day))
    rows = Decision.objects.filter(choice="b")
    Reward.objects.bulk_create(
        Reward(
            decision=row, kind="conversion", key="1", at=row.decided_at, received_at=row.decided_at
        )
        for row in rows
    )
    return placement


class TestTheTrail:
    def test_the_goal_says_what_a_reward_is(self):
        placement, (a,) = make_home("a", may_stay_silent=True, unsubscribe_cost=4.0)
        a.cost = 1
        a.save()
        made = decisions.decide_many([p.pk for p in make_people(30)], placement, now=NOON)
        row = next(one for one in made if one.choice == "a")
        decision = Decision.objects.get(public_id=row.public_id)
        for kind, value in (("click", 0), ("conversion", 50), ("unsubscribe", 0)):
            decisions.reward(decision, kind=kind, key=kind, at=NOON, received_at=NOON, value=value)
        later = NOON + timedelta(days=15)
        for goal, told in (("click", 1.0), ("conversion", 1.0), ("value", 0.3 * 50 - 1 - 4)):
            Placement.objects.update(goal=goal)
            placement.refresh_from_db()
            rows = trail(placement, until=later)
            mine = rows.customers == decision.customer_id
            assert rows.rewards[mine].tolist() == [told]
            assert rows.harms[mine].tolist() == [1.0]
        idle = rows.actions == 0
        assert not rows.rewards[idle].any()

    def test_decisions_without_a_choice_are_not_in_it(self):
        placement, _ = make_home("a")
        decisions.decide(make_customer(), placement, now=NOON)
        assert len(trail(placement, until=NOON + timedelta(days=30))) == 0

    def test_it_takes_two_queries(self, django_assert_num_queries):
        placement = made_history(people=15, days=1)
        with django_assert_num_queries(2):
            trail(placement, until=NOON)


def test_a_policy_for_money_learns_from_money():
    placement = made_history(goal="value")
    train_policies(ORDER)
    assert set(proposals(placement)) == {"uniform", "linucb"}
    assert proposals(placement)["linucb"].state == "proposed"


def test_decisions_of_a_policy_that_was_trained_are_made_again_alike():
    placement = made_history()
    train_policies(ORDER)
    approved(placement, proposals(placement)["logistic-thompson"].artifact)
    ids = [person.pk for person in make_people(60)]
    decisions.decide_many(ids, placement, now=NOON)
    made = replaying.rows(Decision.objects.exclude(artifact=None))
    again = list(replaying.replay_all(made))
    assert len(again) == 60
    assert all(one.is_same for one in again)
    assert any("above all because of" in one.words for one in again)
