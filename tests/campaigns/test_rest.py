"""REST: partners see their campaigns and let their customers into journeys, each once."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.journeys import steering
from campaigns.models import Delivery, Passage
from crm.models import Membership
from tests.campaigns.journeys.world import entry, graph, launched, leave, mail, make_journey
from tests.campaigns.world import make_campaign, make_members, make_segment, make_template
from tests.factories import NOON, make_customer, make_key, make_partner
from tests.rest import is_problem

pytestmark = pytest.mark.django_db
CAMPAIGNS, JOURNEYS = "/api/v1/campaigns/", "/api/v1/journeys/"


@pytest.fixture(autouse=True)
def _noon(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)
    monkeypatch.setattr("campaigns.tasks.walk.delay", lambda **_: None)
    monkeypatch.setattr("campaigns.tasks.start_campaign.delay", lambda **_: None)


@pytest.fixture
def asking(client):
    """A function that asks as a partner."""

    def asking(partner, *scopes):
        _, key = make_key(partner, *(scopes or ["campaigns:write"]))

        def ask(method, path, body=None, **headers):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            headers["Authorization"] = f"Bearer {key}"
            said = "" if body is None else json.dumps(body)
            return client.generic(method, path, said, "application/json", headers=headers)

        return ask

    return asking


@pytest.fixture
def ask(asking):
    return asking(make_partner(sees_everybody=True, requests_per_second=1_000))


def by_request(**fields):
    node = entry(to="mail") | {"trigger": "api"}
    return launched(graph(node, mail(template=make_template().pk), leave()), **fields)


def enter(ask, journey, customer, **headers):
    who = customer if isinstance(customer, str) else str(customer.public_id)
    return ask("POST", f"{JOURNEYS}{journey.pk}/entries/", {"customer": who}, **headers)


class TestCampaigns:
    def test_each_is_told_with_its_messages(self, ask):
        campaign = make_campaign()
        ada = make_members(campaign, 1)[0]
        variant = campaign.variants.first()
        Delivery.objects.create(
            campaign=campaign,
            customer=ada,
            variant=variant,
            channel="email",
            address=ada.email,
            message_id="m1",
            status="sent",
            sent_at=NOON,
            due_at=NOON,
            queued_at=NOON,
        )
        [told] = ask("GET", CAMPAIGNS).json()["results"]
        assert (told["id"], told["state"], told["messages"]) == (campaign.pk, "draft", {"sent": 1})
        whole = ask("GET", f"{CAMPAIGNS}{campaign.pk}/").json()
        assert whole["funnel"]["sent"] == 1
        assert whole["caused"] is None, "nobody was held out: nothing is claimed"

    def test_the_messages_of_journeys_are_no_campaigns(self, ask):
        by_request()
        assert ask("GET", CAMPAIGNS).json()["results"] == []

    def test_a_partner_sees_those_of_their_segments(self, asking):
        mine, other = make_campaign(), make_campaign()
        partner = make_partner()
        partner.segments.add(mine.segment)
        ask = asking(partner)
        assert [one["id"] for one in ask("GET", CAMPAIGNS).json()["results"]] == [mine.pk]
        is_problem(ask("GET", f"{CAMPAIGNS}{other.pk}/"), 404, "not_found")

    def test_they_are_filtered_and_strange_filters_refused(self, ask):
        make_campaign()
        assert ask("GET", f"{CAMPAIGNS}?state=sending").json()["results"] == []
        assert len(ask("GET", f"{CAMPAIGNS}?state=draft&page_size=1").json()["results"]) == 1
        errors = is_problem(ask("GET", f"{CAMPAIGNS}?state=odd"), 400, "invalid")
        assert [where for where, _ in errors] == ["/state"]
        is_problem(ask("GET", f"{CAMPAIGNS}?stat=draft"), 400, "invalid")

    @pytest.mark.parametrize("path", [CAMPAIGNS, JOURNEYS])
    def test_another_scope_opens_nothing(self, asking, path):
        ask = asking(make_partner(sees_everybody=True), "customers:read")
        is_problem(ask("GET", path), 403, "permission_denied")

    @pytest.mark.parametrize("path", [CAMPAIGNS, JOURNEYS])
    def test_lists_ask_no_more_for_more_rows(self, ask, path):
        def questions():
            with CaptureQueriesContext(connection) as found:
                ask("GET", path)
            return len(found)

        make_campaign(), by_request()
        questions()
        before = questions()
        for _ in range(4):
            make_campaign(), by_request()
        assert questions() == before


class TestLettingIn:
    def test_somebody_is_let_in(self, ask):
        journey, ada = by_request(), make_customer()
        told = enter(ask, journey, ada)
        assert told.status_code == 201
        assert told.json() == {
            "journey": journey.pk,
            "customer": str(ada.public_id),
            "entered": True,
            "passage": {"number": 0, "state": "walking"},
        }
        assert Passage.objects.get().steps.get().detail == {"trigger": "api"}

    def test_by_an_identifier_too(self, ask):
        ada = make_customer()
        assert enter(ask, by_request(), f"email:{ada.email}").status_code == 201

    def test_who_is_inside_is_not_let_in_again(self, ask):
        journey, ada = by_request(again="after"), make_customer()
        enter(ask, journey, ada)
        again = enter(ask, journey, ada)
        assert (again.status_code, again.json()["entered"]) == (200, False)
        assert Passage.objects.count() == 1

    def test_the_same_key_lets_in_once_whatever_has_happened_since(self, ask):
        journey, ada = by_request(again="after"), make_customer()
        first = enter(ask, journey, ada, Idempotency_Key="order 7")
        Passage.objects.update(state="left", due_at=None, left_at=NOON + timedelta(minutes=1))
        again = enter(ask, journey, ada, Idempotency_Key="order 7")
        assert again["Idempotent-Replayed"] == "true"
        assert again.json() == first.json()
        assert Passage.objects.count() == 1
        assert enter(ask, journey, ada, Idempotency_Key="order 8").status_code == 201

    def test_the_same_key_for_somebody_else_is_refused(self, ask):
        journey = by_request()
        enter(ask, journey, make_customer(), Idempotency_Key="k")
        other = enter(ask, journey, make_customer(), Idempotency_Key="k")
        is_problem(other, 422, "idempotency_key_reused")

    def test_long_keys_that_begin_alike_are_two(self, ask):
        journey, ada = by_request(again="after"), make_customer()
        enter(ask, journey, ada, Idempotency_Key="k" * 99 + "1")
        Passage.objects.update(state="left", due_at=None)
        assert enter(ask, journey, ada, Idempotency_Key="k" * 99 + "2").status_code == 201

    @pytest.mark.parametrize("step", ["pause", "end"])
    def test_a_journey_that_is_not_live_lets_nobody_in(self, ask, step):
        journey = by_request()
        steering.pause(journey) if step == "pause" else steering.end(journey, now=NOON)
        is_problem(enter(ask, journey, make_customer()), 409, "journey_not_live")

    def test_a_draft_lets_nobody_in(self, ask):
        is_problem(enter(ask, make_journey(), make_customer()), 409, "journey_not_live")

    def test_a_journey_with_another_entry_lets_nobody_in_by_request(self, ask):
        is_problem(enter(ask, launched(), make_customer()), 409, "journey_not_live")
        assert not Passage.objects.exists()

    @pytest.mark.parametrize("body", [{}, {"customer": 7, "x": 1}, [], {"customer": "a" * 301}])
    def test_a_strange_body_is_refused(self, ask, body):
        told = ask("POST", f"{JOURNEYS}{by_request().pk}/entries/", body)
        is_problem(told, 400, "invalid")

    def test_nobody_and_nothing_are_not_found(self, ask):
        journey = by_request()
        is_problem(enter(ask, journey, "email:nobody@example.org"), 404, "not_found")
        is_problem(ask("POST", f"{JOURNEYS}999/entries/", {"customer": "x"}), 404, "not_found")


class TestWhose:
    @pytest.fixture
    def segment(self):
        return make_segment()

    @pytest.fixture
    def narrow(self, asking, segment):
        partner = make_partner()
        partner.segments.add(segment)
        return asking(partner)

    def test_a_partner_lets_in_only_whom_they_see(self, narrow, segment):
        journey, ada, bob = by_request(), make_customer(), make_customer("Bob")
        Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
        assert enter(narrow, journey, ada).status_code == 201
        is_problem(enter(narrow, journey, bob), 404, "not_found")

    def test_a_partner_sees_the_journeys_that_others_start_and_counts_their_own(
        self, narrow, ask, segment
    ):
        journey, hidden = by_request(), launched()
        ada, bob = make_customer(), make_customer("Bob")
        Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
        enter(ask, journey, ada)
        enter(ask, journey, bob)
        [told] = narrow("GET", JOURNEYS).json()["results"]
        assert (told["id"], told["by_request"], told["people"]) == (
            journey.pk,
            True,
            {"walking": 1},
        )
        is_problem(narrow("GET", f"{JOURNEYS}{hidden.pk}/"), 404, "not_found")
        assert ask("GET", f"{JOURNEYS}{journey.pk}/").json()["people"] == {"walking": 2}
        assert len(ask("GET", f"{JOURNEYS}?state=live").json()["results"]) == 2
        assert ask("GET", f"{JOURNEYS}?state=ended").json()["results"] == []
