"""The door: what is chosen, how often, what is logged, and what may not be."""

from collections import Counter
from datetime import time, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from campaigns import decisions
from campaigns.decisions.deciding import placement_of
from campaigns.decisions.snapshots import FEATURES
from campaigns.models import Action, Catalogue, Decision, Veto
from crm.models import Customer, Suppression
from tests.campaigns.decisions.world import make_action, make_home, make_people, make_placement
from tests.campaigns.world import make_segment
from tests.factories import NOON, agree, make_customer, make_product, make_topic

pytestmark = pytest.mark.django_db


def refused(decided):
    return decided.made.refused


class TestTheChoice:
    def test_it_is_one_of_the_eligible_with_the_chance_that_is_logged(self):
        placement, _ = make_home("a", "b", "c")
        decided = decisions.decide(make_customer(), placement, now=NOON)
        row = Decision.objects.get(public_id=decided.public_id)
        assert decided.choice in ("a", "b", "c")
        assert row.action.slug == row.choice == decided.choice
        assert set(row.candidates) == {"a", "b", "c"}
        assert row.propensity == row.candidates[row.choice] == pytest.approx(1 / 3)
        assert (row.policy, row.artifact, row.decided_at) == ("rules", None, NOON)
        assert len(row.facts["features"]) == len(FEATURES)

    def test_chances_add_up_to_one_for_everybody(self):
        placement, actions = make_home("a", "b", "c", "d")
        Action.objects.filter(pk=actions[0].pk).update(weight=7)
        loyal = make_segment()
        Action.objects.filter(pk=actions[1].pk).update(segment=loyal)
        people = make_people(40)
        for person in people[:15]:
            loyal.memberships.create(customer=person, entered_at=NOON)
        decisions.decide_many([p.pk for p in people], placement, now=NOON)
        for row in Decision.objects.all():
            assert sum(row.candidates.values()) == pytest.approx(1.0, abs=1e-9)
            assert min(row.candidates.values()) >= placement.explore / 4 - 1e-12

    def test_it_is_chosen_as_often_as_its_chance_says(self):
        placement, actions = make_home("a", "b", "c")
        Action.objects.filter(pk=actions[0].pk).update(weight=5)
        ada = make_customer()
        looks = [
            decisions.look(ada, placement, now=NOON, occasion=f"visit {n}") for n in range(1_500)
        ]
        chances = looks[0].made.candidates
        assert chances["a"] == pytest.approx(0.9 * 5 / 7 + 0.1 / 3)
        seen = Counter(one.choice for one in looks)
        for slug, chance in chances.items():
            error = np.sqrt(chance * (1 - chance) / len(looks))
            assert abs(seen[slug] / len(looks) - chance) < 4 * error

    def test_the_same_day_is_the_same_chance_and_another_is_drawn_anew(self):
        placement, _ = make_home(*"abcdefgh")
        ada = make_customer()
        first = decisions.decide(ada, placement, now=NOON)
        again = decisions.decide(ada, placement, now=NOON + timedelta(hours=1))
        days = {
            decisions.look(ada, placement, now=NOON + timedelta(days=d)).choice for d in range(9)
        }
        assert first.choice == again.choice
        assert first.public_id != again.public_id
        assert len(days) > 1

    def test_a_batch_decides_what_each_alone_would_get(self):
        placement, _ = make_home(*"abcde")
        people = make_people(30)
        alone = [decisions.look(person, placement, now=NOON).choice for person in people]
        batch = decisions.decide_many([p.pk for p in people], placement, now=NOON)
        assert [one.choice for one in batch] == alone
        assert [one.customer_id for one in batch] == [p.pk for p in people]

    def test_looking_leaves_nothing_behind(self):
        placement, actions = make_home("a")
        Action.objects.filter(pk=actions[0].pk).update(uses_limit=5)
        assert decisions.look(make_customer(), placement, now=NOON).choice == "a"
        assert not Decision.objects.exists()
        assert not Catalogue.objects.exists()
        assert Action.objects.get(pk=actions[0].pk).used == 0

    def test_where_nothing_is_eligible_nothing_is_done(self):
        placement, actions = make_home("a", "b")
        placement.actions.update(is_active=False)
        decided = decisions.decide(make_customer(), placement, now=NOON)
        assert (decided.choice, decided.action) == ("nothing", None)
        assert decided.made.propensity == 1.0
        assert refused(decided) == {"a": ["inactive"], "b": ["inactive"]}
        assert decided.words == "Nothing is done: no action is eligible."

    def test_doing_nothing_may_be_a_choice_like_the_others(self):
        placement, _ = make_home("a", may_stay_silent=True)
        decided = decisions.decide(make_customer(), placement, now=NOON)
        assert decided.made.candidates == {"nothing": 0.5, "a": 0.5}

    def test_whoever_was_merged_is_left_out_and_nobody_is_decided_for_twice(self):
        placement, _ = make_home()
        ada, old = make_customer(), make_customer()
        Customer.objects.filter(pk=old.pk).update(merged_into=ada)
        assert len(decisions.decide_many([old.pk, ada.pk, ada.pk], placement, now=NOON)) == 1
        with pytest.raises(Customer.DoesNotExist):
            decisions.decide(old, placement, now=NOON)

    def test_a_key_asked_twice_is_one_decision(self):
        placement, _ = make_home()
        people = make_people(5)
        first = decisions.decide(people[0], placement, now=NOON, key="order 7")
        later = NOON + timedelta(days=3)
        batch = decisions.decide_many([p.pk for p in people], placement, now=later, key="order 7")
        assert batch[0].public_id == first.public_id
        assert (batch[0].is_new, batch[1].is_new) == (False, True)
        assert (batch[0].made, batch[0].policy) == (first.made, first.policy)
        assert Decision.objects.count() == 5

    def test_an_unknown_or_closed_placement_says_so(self):
        make_placement("home", is_active=False)
        with pytest.raises(decisions.PlacementClosed):
            placement_of("home")
        with pytest.raises(decisions.UnknownPlacement):
            placement_of("elsewhere")


class TestTheRules:
    def test_every_broken_rule_is_told_and_not_the_first_alone(self):
        placement = make_placement(topic=make_topic(), value_limit=10, cap_decisions=0)
        loyal = make_segment()
        action = make_action(
            placement,
            "mail",
            channel="email",
            value=20,
            segment=loyal,
            active_until=NOON,
            product=make_product(stock=0),
        )
        Veto.objects.create(action=action, reason="No more mails", at=NOON)
        decided = decisions.decide(make_customer(email=""), placement, now=NOON)
        assert refused(decided)["mail"] == [
            "vetoed",
            "window",
            "value_limit",
            "segment",
            "frequency_cap",
            "no_stock",
            "no_address",
            "no_consent",
        ]

    def test_a_mail_needs_consent_and_an_address_that_may_be_written_to(self):
        placement = make_placement(topic=make_topic())
        make_action(placement, "mail", channel="email")
        ada, bob = make_customer("Ada"), make_customer("Bob")
        assert refused(decisions.decide(ada, placement, now=NOON)) == {"mail": ["no_consent"]}
        for one in (ada, bob):
            agree(one, topic=placement.topic)
        Suppression.objects.create(
            channel="email", address=bob.email.lower(), reason="bounce", at=NOON
        )
        assert decisions.decide(ada, placement, now=NOON).choice == "mail"
        assert refused(decisions.decide(bob, placement, now=NOON)) == {"mail": ["suppressed"]}

    def test_what_is_on_the_page_asks_for_no_consent(self):
        placement, _ = make_home("banner")
        assert decisions.decide(make_customer(email=""), placement, now=NOON).choice == "banner"

    def test_quiet_hours_are_those_of_the_customer_when_it_would_go_out(self):
        placement = make_placement(topic=make_topic(), quiet_from=time(21), quiet_until=time(8))
        make_action(placement, "mail", channel="email")
        make_action(placement, "morning", channel="email", slot="morning")
        shanghai = make_customer(timezone="Asia/Shanghai")
        agree(shanghai, topic=placement.topic)
        evening = NOON.replace(hour=14)  # ten at night there
        decided = decisions.decide(shanghai, placement, now=evening)
        assert refused(decided) == {"mail": ["quiet_hours"]}
        assert decided.choice == "morning"
        assert decided.made.due_at == NOON.replace(hour=0) + timedelta(days=1)  # at eight there

    def test_an_action_is_not_repeated_within_its_days(self):
        placement, _ = make_home("a")
        placement.actions.update(repeat_days=7)
        ada = make_customer()
        assert decisions.decide(ada, placement, now=NOON).choice == "a"
        soon = decisions.decide(ada, placement, now=NOON + timedelta(days=6, hours=23))
        assert refused(soon) == {"a": ["repeat"]}
        assert decisions.decide(ada, placement, now=NOON + timedelta(days=8)).choice == "a"

    def test_a_cap_counts_what_was_done_and_not_what_was_left_undone(self):
        placement, _ = make_home("a", cap_decisions=2, cap_days=7)
        ada = make_customer()
        choices = [
            decisions.decide(ada, placement, now=NOON + timedelta(days=d)).choice for d in range(9)
        ]
        assert choices == ["a", "a", *["nothing"] * 5, "a", "a"]

    def test_the_held_out_get_nothing_ever_and_are_as_many_as_planned(self):
        placement, _ = make_home("a", holdout_share=0.3)
        people = make_people(200)
        made = decisions.decide_many([p.pk for p in people], placement, now=NOON)
        held = {one.customer_id for one in made if one.choice == "nothing"}
        assert 35 <= len(held) <= 85
        later = decisions.decide_many(
            [p.pk for p in people], placement, now=NOON + timedelta(days=9)
        )
        assert {one.customer_id for one in later if one.choice == "nothing"} == held
        first = next(one for one in made if one.customer_id in held)
        assert refused(first) == {"a": ["holdout"]}
        assert "held out" in first.words

    def test_a_veto_is_for_one_customer_or_for_all_until_it_is_lifted(self):
        placement, (a, b) = make_home("a", "b")
        ada, bob = make_customer(), make_customer()
        Veto.objects.create(action=a, customer=ada, reason="She complained", at=NOON)
        everybody = Veto.objects.create(action=b, reason="Recalled", at=NOON)
        assert refused(decisions.decide(ada, placement, now=NOON)) == {
            "a": ["vetoed"],
            "b": ["vetoed"],
        }
        assert decisions.decide(bob, placement, now=NOON).choice == "a"
        everybody.lifted_at = NOON
        everybody.save()
        assert decisions.decide(ada, placement, now=NOON).choice == "b"

    def test_one_veto_stands_for_all_at_a_time_and_none_without_a_reason(self):
        _, (a, *_) = make_home()
        Veto.objects.create(action=a, reason="Recalled", at=NOON)
        with pytest.raises(IntegrityError):
            Veto.objects.create(action=a, reason="Again", at=NOON)


class TestWhatRunsOut:
    def test_a_stock_is_never_exceeded_within_a_batch_and_says_that_it_ran_out(self):
        placement, (gift, _) = make_home("gift", "banner")
        Action.objects.filter(pk=gift.pk).update(uses_limit=5, weight=50)
        made = decisions.decide_many([p.pk for p in make_people(40)], placement, now=NOON)
        assert Counter(one.choice for one in made)["gift"] == 5
        gift.refresh_from_db()
        assert (gift.used, gift.left) == (5, 0)
        last = made[-1]
        assert refused(last) == {"gift": ["no_stock"]}
        assert last.made.candidates == {"banner": 1.0}
        assert last.made.standing.gone == (("gift", "no_stock"),)

    def test_who_comes_before_the_end_keeps_the_full_choice(self):
        placement, (gift, _) = make_home("gift", "banner")
        Action.objects.filter(pk=gift.pk).update(uses_limit=5)
        made = decisions.decide_many([p.pk for p in make_people(40)], placement, now=NOON)
        end = max(place for place, one in enumerate(made) if one.choice == "gift")
        for place, one in enumerate(made):
            assert one.made.candidates["banner"] == (0.5 if place <= end else 1.0)

    def test_a_budget_pays_for_the_offer_and_its_contact(self):
        placement, (gift,) = make_home("gift")
        Action.objects.filter(pk=gift.pk).update(budget=100, value=25, cost=5)
        made = decisions.decide_many([p.pk for p in make_people(6)], placement, now=NOON)
        assert [one.choice for one in made] == ["gift"] * 3 + ["nothing"] * 3
        gift.refresh_from_db()
        assert (gift.spent, gift.used) == (Decimal(90), 3)

    def test_the_table_itself_refuses_more_than_there_is(self):
        _, (gift, *_) = make_home("gift")
        Action.objects.filter(pk=gift.pk).update(uses_limit=2)
        with pytest.raises(IntegrityError):
            Action.objects.filter(pk=gift.pk).update(used=3)


class TestTheCost:
    @pytest.mark.parametrize("number", [1, 60])
    def test_the_number_of_queries_does_not_grow_with_the_customers(
        self, number, django_assert_max_num_queries
    ):
        placement = make_placement(topic=make_topic(), value_limit=30)
        make_action(placement, channel="email", segment=make_segment(), repeat_days=3)
        make_action(placement, channel="sms", uses_limit=10_000)
        people = [p.pk for p in make_people(number)]
        decisions.decide_many(people[:1], placement, now=NOON)  # the catalogue is new once
        with django_assert_max_num_queries(20):
            decisions.decide_many(people, placement, now=NOON)

    def test_a_catalogue_is_kept_once_for_as_long_as_nothing_changes(self):
        placement, (a, *_) = make_home()
        for _ in range(2):
            decisions.decide(make_customer(), placement, now=NOON)
        assert Catalogue.objects.count() == 1
        a.value = 5
        a.save()
        decisions.decide(make_customer(), placement, now=NOON)
        assert Catalogue.objects.count() == 2


def test_one_decision_costs_a_dozen_questions_whatever_lies_behind_it():
    placement = make_placement(topic=make_topic())
    make_action(placement, "mail", channel="email", segment=make_segment())
    make_action(placement, "banner")
    ada = make_customer()
    decisions.decide(ada, placement, now=NOON)
    with CaptureQueriesContext(connection) as queries:
        decisions.decide(ada, placement, now=NOON)
    asked = [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]
    assert len(asked) <= 12
    assert len(set(asked)) == len(asked)
