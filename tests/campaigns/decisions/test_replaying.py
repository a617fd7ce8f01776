"""`replay`: a decision again from its log alone, and where a log that was changed differs."""

import io
import json
from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from campaigns import decisions
from campaigns.decisions import replaying
from campaigns.decisions.snapshots import FEATURES
from campaigns.ml.placed import PlacedPolicy
from campaigns.models import Action, Catalogue, Decision, Veto
from crm import artifacts
from crm.models import Customer
from tests.campaigns.decisions.world import (
    approved,
    make_action,
    make_home,
    make_people,
    make_placement,
)
from tests.campaigns.world import make_segment
from tests.factories import NOON, agree, make_customer, make_order, make_product, make_topic

pytestmark = pytest.mark.django_db
KINDS = ("uniform", "thompson", "linucb", "logistic-ucb", "logistic-thompson")


def replayed(decided):
    return replaying.replay(replaying.rows().get(public_id=decided.public_id))


def command(*arguments):
    """(exit status, the JSON of the last line)."""
    out = io.StringIO()
    status = 0
    try:
        call_command("replay", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as exit:
        status = exit.code
    return status, json.loads(out.getvalue().splitlines()[-1])


def taught(placement, kind, order=("nothing", "a", "b", "c"), *, seed=0):
    """A policy that serves at the placement, taught by chance."""
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(300, len(FEATURES))) + 1
    numbers = rng.integers(0, len(order), 300)
    rewards = (rng.random(300) < 0.2 + 0.5 * (contexts[:, 0] > 1) * (numbers == 1)).astype(float)
    policy = PlacedPolicy(placement.artifact_name, kind, actions=order, features=FEATURES)
    saved = artifacts.save(
        policy.fit(contexts, numbers, rewards),
        artifacts.Provenance(metrics={}),
        as_of=NOON,
        now=NOON,
    )
    approved(placement, saved)
    return saved


@pytest.fixture
def town():
    """A placement with rules of every sort, and people of every sort."""
    placement = make_placement(
        topic=make_topic(), cap_decisions=3, value_limit=50, holdout_share=0.1, may_stay_silent=True
    )
    loyal = make_segment()
    make_action(placement, "mail", channel="email", segment=loyal, repeat_days=5)
    make_action(placement, "late", channel="email", slot="evening")
    make_action(placement, "gift", uses_limit=20, value=5)
    make_action(placement, "banner", weight=2)
    make_action(placement, "dear", value=60)
    people = make_people(30) + make_people(30, language="zh-hans", timezone="Asia/Shanghai")
    for number, person in enumerate(people):
        if number % 2:
            agree(person, topic=placement.topic)
        if number % 3:
            loyal.memberships.create(customer=person, entered_at=NOON)
        if number % 5:
            make_order(person, make_product(), at=NOON - timedelta(days=number))
    return placement, people


class TestTheSameAgain:
    def test_hundreds_of_decisions_of_every_sort_come_out_the_same(self, town):
        placement, people = town
        ids = [person.pk for person in people]
        for day in range(3):
            decisions.decide_many(ids, placement, now=NOON + timedelta(days=day))
        taught(placement, "logistic-thompson", ("nothing", "mail", "late", "gift"))
        for day in range(3, 6):
            decisions.decide_many(ids, placement, now=NOON + timedelta(days=day))
        status, report = command("--all")
        assert (status, report["replayed"], report["same"]) == (0, 360, 360)
        kinds = set(Decision.objects.values_list("choice", flat=True))
        assert kinds >= {"mail", "gift", "banner", "nothing"}

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_policy_does(self, kind):
        placement, _ = make_home("a", "b", "c")
        saved = taught(placement, kind)
        made = decisions.decide_many([p.pk for p in make_people(40)], placement, now=NOON)
        assert {one.policy for one in made} == {f"{kind}#{saved.pk}"}
        assert command("--last", "40") == (
            0,
            {"replayed": 40, "same": 40, "different": 0, "differs": []},
        )

    def test_nothing_but_the_log_is_read(self, town):
        """Everything that the decision came from changes, and it stays what it was."""
        placement, people = town
        made = decisions.decide(people[1], placement, now=NOON)
        Customer.objects.update(language="en", timezone="America/Lima", email="")
        Action.objects.update(name_en="Other", weight=9, is_active=False)
        placement.holdout_share, placement.explore = 0.9, 1.0
        placement.save()
        Veto.objects.create(action=placement.actions.first(), reason="Recalled", at=NOON)
        assert replayed(made).is_same

    def test_the_words_are_english_whatever_the_reader_speaks(self):
        from django.utils import translation

        placement, _ = make_home("a", "b")
        with translation.override("zh-hans"):
            made = decisions.decide(make_customer(), placement, now=NOON)
            assert replayed(made).is_same
        assert "chose it with a chance of" in made.words

    def test_a_champion_that_came_later_changes_nothing(self):
        placement, _ = make_home("a", "b", "c")
        made = decisions.decide(make_customer(), placement, now=NOON)
        taught(placement, "linucb")
        again = replayed(made)
        assert again.is_same
        assert again.policy == "rules"


class TestALogThatWasChanged:
    @pytest.fixture
    def made(self):
        placement, _ = make_home("a", "b", "c")
        return decisions.decide(make_customer(), placement, now=NOON)

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"propensity": 0.5}, {"propensity"}),
            ({"words": "Because."}, {"words"}),
            ({"reasons": [["explored"]]}, {"reasons"}),
            ({"candidates": {"a": 1.0}}, {"candidates"}),
            ({"refused": {"c": ["segment"]}}, {"refused"}),
            ({"is_exploration": True}, {"is_exploration"}),
            ({"policy": "linucb"}, {"policy"}),
            ({"due_at": NOON + timedelta(hours=1)}, {"due_at"}),
            ({"seed": "another"}, {"number"}),
        ],
    )
    def test_it_says_where(self, made, changed, told):
        Decision.objects.update(**changed)
        again = replayed(made)
        assert set(again.differs) == told
        status, report = command(str(made.public_id))
        assert (status, report["is_same"]) == (1, False)
        assert set(report["differs"]) == told

    def test_another_action_than_the_one_drawn_is_found(self, made):
        other = Action.objects.exclude(slug=made.choice).first()
        Decision.objects.update(choice=other.slug, action=other)
        assert {"action"} <= set(replayed(made).differs)

    def test_another_number_is_another_choice_or_none_of_its_own(self, made):
        number = Decision.objects.get().number
        Decision.objects.update(number=(number + 0.5) % 1)
        assert {"number", "action"} <= set(replayed(made).differs)

    def test_other_facts_are_other_rules(self, made):
        facts = {"features": made.features, "standing": {"vetoed": [made.choice]}}
        Decision.objects.update(facts=facts)
        assert {"action", "candidates", "refused"} <= set(replayed(made).differs)

    def test_a_log_that_cannot_be_read_differs_instead_of_failing(self, made):
        Catalogue.objects.update(content={})
        assert set(replayed(made).differs) == {"log"}

    def test_an_artifact_that_is_gone_is_told(self):
        placement, _ = make_home("a", "b", "c")
        saved = taught(placement, "linucb")
        made = decisions.decide(make_customer(), placement, now=NOON)
        saved.file.delete(save=False)
        artifacts._load.cache_clear()
        type(saved).objects.filter(pk=saved.pk).update(file="artifacts/none.npz")
        assert set(replayed(made).differs) == {"artifact"}


class TestTheCommand:
    def test_one_decision_is_told_whole(self):
        placement, _ = make_home("a", "b")
        made = decisions.decide(make_customer(), placement, now=NOON)
        status, report = command(str(made.public_id))
        assert status == 0
        assert report == {
            "decision": str(made.public_id),
            "is_same": True,
            "action": made.choice,
            "propensity": made.made.propensity,
            "policy": "rules",
            "reasons": made.made.reasons,
            "words": made.words,
            "differs": {},
        }

    @pytest.mark.parametrize("wrong", ["me", "00000000-0000-0000-0000-000000000000"])
    def test_an_unknown_decision_is_refused(self, wrong):
        with pytest.raises(CommandError, match=wrong):
            command(wrong)

    def test_a_number_of_decisions_is_at_least_one(self):
        with pytest.raises(CommandError, match="--last"):
            command("--last", "0")
