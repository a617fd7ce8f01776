"""What the page of a placement watches: weeks, drift, whom offers reach; and what approval asks."""

from datetime import date, timedelta

import numpy as np
import pytest
from django.urls import reverse

from campaigns import decisions
from campaigns.decisions import approving, groups, watching
from campaigns.decisions.log import newest, offers_of, trail
from campaigns.models import Action, Decision, PolicyProposal
from campaigns.training import train_policies
from crm.models import Customer
from crm.training import Order
from tests.campaigns.decisions.trails import made_history, rewarded
from tests.campaigns.decisions.world import make_action, make_home
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 1)


def crowd(number, **fields):
    return [make_customer("Ada", **fields).pk for _ in range(number)]


class TestGroups:
    @pytest.mark.parametrize(
        ("traits", "band"),
        [
            ({"age": 34}, "25–34"),
            ({"age": "35"}, "35–44"),
            ({"age": 17.9}, "0–17"),
            ({"birthday": "1990-03-01"}, "35–44"),
            ({"birthday": "1991-03-02"}, "25–34"),
            ({"birth_date": "2000-01-31T00:00:00Z"}, "25–34"),
            ({"age": "old"}, ""),
            ({"age": 300}, ""),
            ({"age": float("inf")}, ""),
            ({"birthday": "soon"}, ""),
            ({}, ""),
        ],
        ids=str,
    )
    def test_the_band_of_an_age_or_a_birthday(self, traits, band):
        assert groups.band(traits, today=TODAY) == band

    @pytest.mark.parametrize(
        ("traits", "said"),
        [
            ({"gender": "Female"}, "female"),
            ({"sex": "男"}, "male"),
            ({"gender": "nonbinary"}, "other"),
            ({"gender": ""}, ""),
            ({}, ""),
        ],
        ids=str,
    )
    def test_the_sex_as_it_was_told(self, traits, said):
        assert groups.sex(traits) == said

    def test_customers_are_grouped_in_one_query(self, django_assert_num_queries):
        ada = make_customer(language="zh-hans", country="China", traits={"age": 30})
        bob = make_customer(language="en", country="China", traits={"region": "Hunan"})
        with django_assert_num_queries(1):
            found = groups.of([ada.pk, bob.pk], now=NOON)
        assert found[ada.pk] == {"language": "zh", "region": "China", "age": "25–34", "sex": ""}
        assert found[bob.pk]["region"] == "Hunan"


class TestWeeks:
    def test_the_gain_over_even_shares_is_what_the_better_choice_brings(self):
        placement, (a, _b) = make_home("a", "b", explore=0.2)
        Action.objects.filter(pk=a.pk).update(weight=9)
        people = crowd(600, language="zh-hans")
        at = NOON - timedelta(days=1)
        decisions.decide_many(people, placement, now=at)
        rewarded(Decision.objects.all(), best=0.6, other=0.1)
        (week,) = watching.weeks(placement, trail(placement, until=NOON, whole=False), now=NOON)
        chance = 0.8 * 0.9 + 0.1
        truth = (chance - 0.5) * (0.6 - 0.1)
        # Four standard errors: who was drawn what is another each time.
        assert week.gain.value == pytest.approx(truth, abs=4 * 0.0133)
        assert week.gain.lower > 0
        assert week.reward.value == pytest.approx(chance * 0.6 + (1 - chance) * 0.1, abs=4 * 0.0204)
        assert week.reward.upper - week.reward.lower == pytest.approx(2 * 1.96 * 0.0204, rel=0.1)
        assert (week.decisions, week.regret) == (600, pytest.approx(0.0, abs=0.01))
        (bar,) = watching.gains([week]).bars
        assert bar.is_clear
        assert week.explored == pytest.approx(0.18, abs=0.06)

    def test_by_even_shares_nothing_is_gained(self):
        placement = made_history(people=100, days=2)
        found = watching.weeks(placement, trail(placement, until=NOON, whole=False), now=NOON)
        assert sum(one.decisions for one in found) == 200
        for one in found:
            assert (one.gain.value, one.explored) == (pytest.approx(0.0), 0.0)
        assert watching.gains(found) is None

    def test_decisions_of_one_customer_do_not_make_it_surer(self):
        values, customers = np.tile([0.0, 1.0], 50), np.arange(100)
        once = watching.Estimate.of(values, customers)
        again = watching.Estimate.of(np.repeat(values, 9), np.repeat(customers, 9))
        assert (again.lower, again.upper) == (pytest.approx(once.lower), pytest.approx(once.upper))

    def test_before_the_first_decision_there_is_nothing(self):
        placement, _ = make_home()
        rows = trail(placement, until=NOON)
        assert watching.weeks(placement, rows, now=NOON) == []
        assert watching.reached(placement, rows, now=NOON) == []
        assert watching.drifts(rows, now=NOON) == []
        assert watching.gains([]) is None


class TestDrift:
    def alarms(self, *, language):
        placement, _ = make_home("a", "b")
        for days, speaks in ((20, "en"), (1, language)):
            people = crowd(220, language=speaks)
            decisions.decide_many(people, placement, now=NOON - timedelta(days=days))
        found = watching.drifts(trail(placement, until=NOON, whole=False), now=NOON)
        return {one.name for one in found if one.is_alarm}

    def test_other_customers_than_before_are_an_alarm(self):
        assert self.alarms(language="zh-hans") == {"share of readers of Chinese"}

    def test_customers_as_before_are_none(self):
        assert self.alarms(language="en") == set()


class TestWhomOffersReach:
    def test_the_newest_decision_of_each_customer_counts(self):
        customers = np.array([1, 2, 1, 3, 2])
        assert newest(customers).tolist() == [False, False, True, True, True]

    def test_an_offer_is_what_has_a_value_or_else_anything(self):
        placement, (a, _b) = make_home("a", "b")
        assert offers_of(placement, ["nothing", "a", "b"])[0].tolist() == [False, True, True]
        Action.objects.filter(pk=a.pk).update(value=5)
        offered, value = offers_of(placement, ["nothing", "a", "b"])
        assert (offered.tolist(), value.tolist()) == ([False, True, False], [0.0, 5.0, 0.0])

    def test_readers_of_one_language_who_get_all_the_offers_are_seen(self):
        placement, (a, _b) = make_home("a", "b")
        Action.objects.filter(pk=a.pk).update(value=5)
        people = crowd(200)
        decisions.decide_many(people, placement, now=NOON - timedelta(days=1))
        lucky = Decision.objects.filter(choice="a").values("customer")
        Customer.objects.filter(pk__in=lucky).update(language="zh-hans")
        rows = trail(placement, until=NOON, whole=False)
        (seen,) = watching.reached(placement, rows, now=NOON)
        assert seen["name"] == "Language"
        assert seen["seen"].is_uneven
        assert dict(seen["values"]) == {"Chinese": 5.0, "English": 0.0}


class TestApproval:
    @pytest.fixture
    def proposed(self):
        placement = made_history()
        placement.actions.filter(slug="a").update(value=5)
        train_policies(Order(as_of=NOON, now=NOON))
        return placement.proposals.get(state="proposed")

    def test_a_policy_that_gives_one_language_the_offers_is_flagged(self, proposed):
        told = proposed.evaluation["exposure"]["language"]
        assert told["is_uneven"]
        assert told["groups"]["zh"]["share"] > 0.6 > 0.4 > told["groups"]["en"]["share"]
        assert proposed.uneven == ["language"]
        (words,) = watching.uneven(proposed)
        assert words.startswith("Language: offers reach one group")

    def test_it_is_approved_only_with_a_written_reason_which_is_kept(self, proposed, admin_client):
        url = reverse("admin:campaigns_policy_approve", args=[proposed.pk])
        page = reverse("admin:campaigns_placement_policies", args=[proposed.placement_id])
        assert "Why although it treats groups unevenly" in admin_client.get(page).content.decode()
        admin_client.post(url, {"reason": "  "})
        proposed.refresh_from_db()
        assert proposed.state == "proposed"
        admin_client.post(url, {"reason": "The offer is about Chinese New Year"})
        proposed.refresh_from_db()
        assert (proposed.state, proposed.reason) == (
            "canary",
            "The offer is about Chinese New Year",
        )
        approving.serve(proposed, by="grace", now=NOON)
        proposed.refresh_from_db()
        assert proposed.reason == "The offer is about Chinese New Year"

    def test_an_even_policy_needs_none(self):
        placement = made_history()
        make_action(placement, "c")
        train_policies(Order(as_of=NOON, now=NOON))
        row = placement.proposals.get(state="proposed")
        assert row.uneven == []
        assert approving.approve(row, by="grace", now=NOON).state == "canary"

    def test_evaluations_of_before_say_nothing_of_groups(self, proposed):
        del proposed.evaluation["exposure"]
        proposed.save()
        assert PolicyProposal.objects.get(pk=proposed.pk).uneven == []
        assert approving.approve(proposed, by="grace", now=NOON).state == "canary"


def test_the_page_shows_what_is_watched(admin_client, django_assert_max_num_queries):
    placement = made_history()
    url = reverse("admin:campaigns_placement_policies", args=[placement.pk])
    with django_assert_max_num_queries(25):
        text = admin_client.get(url).content.decode()
    for words in ("Regret of the week", "Whom offers of value reach"):
        assert words in text
