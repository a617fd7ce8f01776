"""REST: partners ask for the next best action of their customers, and tell what came of it."""

import json
import uuid
from datetime import timedelta

import pytest

from campaigns.decisions import explaining
from campaigns.models import Action, Decision, Reward
from crm.models import Membership
from tests.campaigns.decisions.world import make_home
from tests.campaigns.world import make_segment
from tests.factories import NOON, make_customer, make_key, make_partner
from tests.rest import is_problem

pytestmark = pytest.mark.django_db
DECISIONS = "/api/v1/decisions/"
WRITE = "campaigns:write"


@pytest.fixture(autouse=True)
def _noon(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)


@pytest.fixture
def partner():
    return make_partner(sees_everybody=True, requests_per_second=1_000)


@pytest.fixture
def post(client, partner):
    _, text = make_key(partner, WRITE)

    def post(path=DECISIONS, key=text, headers=(), **body):
        headers = dict(headers) | ({"Authorization": f"Bearer {key}"} if key else {})
        return client.post(path, json.dumps(body), content_type="application/json", headers=headers)

    return post


@pytest.fixture
def tell(client, partner):
    """POST a reward of a decision; `auth` is the partner's key, `key` the reward's own."""
    _, text = make_key(partner, WRITE)

    def tell(decision, *, auth=text, **body):
        told = {"kind": "click", "key": "c1"} | body
        return client.post(
            f"{DECISIONS}{decision}/reward/",
            json.dumps(told),
            content_type="application/json",
            headers={"Authorization": f"Bearer {auth}"},
        )

    return tell


@pytest.fixture
def home():
    return make_home("gift", "banner", slug="home")[0]


class TestADecision:
    def test_it_says_what_with_which_chance_by_whom_and_why(self, home, post):
        ada = make_customer()
        response = post(customer=str(ada.public_id), placement="home")
        assert response.status_code == 201, response.content
        body, row = response.json(), Decision.objects.get()
        assert body["decision"] == str(row.public_id)
        assert body["action"]["slug"] == row.choice
        assert (body["policy"], body["propensity"]) == ("rules", 0.5)
        assert body["candidates"] == {"gift": 0.5, "banner": 0.5}
        assert body["reasons"]["text"] == explaining.logged(row)
        assert body["reasons"]["codes"] == [["preferred"]]
        assert (body["customer"], body["placement"]) == (str(ada.public_id), "home")

    def test_a_customer_may_be_named_by_an_identifier(self, home, post):
        ada = make_customer()
        assert post(customer=f"email:{ada.email}", placement="home").status_code == 201
        assert Decision.objects.get().customer == ada

    def test_words_are_in_the_reader_s_language(self, home, post):
        Action.objects.update(name_zh="礼物")
        ada = str(make_customer().public_id)
        response = post(customer=ada, placement="home", headers={"Accept-Language": "zh-hans"})
        assert "礼物" in response.json()["reasons"]["text"]
        assert response.json()["action"]["name"] == "礼物"

    def test_no_action_is_an_answer_too(self, home, post):
        Action.objects.update(is_active=False)
        body = post(customer=str(make_customer().public_id), placement="home").json()
        assert (body["action"], body["propensity"]) == (None, 1.0)
        assert body["ineligible"] == {"gift": ["inactive"], "banner": ["inactive"]}

    def test_the_same_key_is_the_same_decision(self, home, post):
        ada = str(make_customer().public_id)
        asked = {"customer": ada, "placement": "home", "headers": {"Idempotency-Key": "cart 7"}}
        first, again = post(**asked), post(**asked)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again["Idempotent-Replayed"] == "true"
        assert first.json() == again.json()
        assert Decision.objects.count() == 1

    def test_the_same_key_of_another_partner_is_another(self, home, post):
        ada = str(make_customer().public_id)
        _, other = make_key(make_partner(sees_everybody=True), WRITE)
        for key in ({}, {"key": other}):
            post(customer=ada, placement="home", headers={"Idempotency-Key": "x"}, **key)
        assert Decision.objects.count() == 2

    def test_the_number_of_queries_is_fixed(self, home, post, django_assert_max_num_queries):
        ada = str(make_customer().public_id)
        post(customer=ada, placement="home")
        with django_assert_max_num_queries(18):
            post(customer=ada, placement="home")


class TestWhoMayAsk:
    def test_a_key_of_the_right_scope_is_needed(self, home, post, partner):
        ada = str(make_customer().public_id)
        _, reader = make_key(partner, "recommendations:read")
        is_problem(post(key="", customer=ada, placement="home"), 401, "not_authenticated")
        is_problem(post(key="rk_no", customer=ada, placement="home"), 401, "authentication_failed")
        is_problem(post(key=reader, customer=ada, placement="home"), 403, "permission_denied")
        assert not Decision.objects.exists()

    def test_a_partner_decides_and_rewards_for_their_customers_alone(self, home, post, tell):
        segment = make_segment()
        mine, other = make_customer(), make_customer()
        Membership.objects.create(segment=segment, customer=mine, entered_at=NOON)
        limited = make_partner()
        limited.segments.add(segment)
        _, key = make_key(limited, WRITE)
        assert post(key=key, customer=str(mine.public_id), placement="home").status_code == 201
        answer = post(key=key, customer=str(other.public_id), placement="home")
        is_problem(answer, 404, "not_found")
        foreign = post(customer=str(other.public_id), placement="home").json()["decision"]
        is_problem(tell(foreign, auth=key), 404, "not_found")
        assert not Reward.objects.exists()


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"placement": "home"}, "/customer"),
            ({"customer": "x"}, "/placement"),
            ({"customer": "x", "placement": "a b"}, "/placement"),
            ({"customer": "x" * 301, "placement": "home"}, "/customer"),
            ({"customer": "x", "placement": "home", "occasion": "o" * 101}, "/occasion"),
            ({"customer": "x", "placement": "home", "colour": 1}, "/colour"),
        ],
    )
    def test_the_field_is_named(self, home, post, body, pointer):
        errors = is_problem(post(**body), 400, "invalid")
        assert [where for where, _ in errors] == [pointer]

    def test_no_object_and_a_long_key_are_refused(self, home, client, post, partner):
        _, text = make_key(partner, WRITE)
        auth = {"Authorization": f"Bearer {text}"}
        answer = client.post(DECISIONS, "[1]", content_type="application/json", headers=auth)
        is_problem(answer, 400, "invalid")
        asked = {"customer": str(make_customer().public_id), "placement": "home"}
        is_problem(post(headers={"Idempotency-Key": "k" * 101}, **asked), 400, "invalid")

    def test_unknown_and_closed_placements(self, home, post):
        ada = str(make_customer().public_id)
        is_problem(post(customer=ada, placement="elsewhere"), 404, "not_found")
        home.is_active = False
        home.save()
        is_problem(post(customer=ada, placement="home"), 409, "placement_closed")

    def test_it_is_only_posted(self, client, post, partner):
        _, text = make_key(partner, WRITE)
        answer = client.get(DECISIONS, headers={"Authorization": f"Bearer {text}"})
        is_problem(answer, 405, "method_not_allowed")


class TestARewardOfIt:
    @pytest.fixture
    def made(self, home, post):
        return post(customer=str(make_customer().public_id), placement="home").json()["decision"]

    def test_it_is_written_once_however_often_it_is_told(self, made, tell):
        first = tell(made, kind="conversion", value="19.90")
        again = tell(made, kind="conversion", value="19.90")
        assert (first.status_code, again.status_code) == (201, 200)
        assert again["Idempotent-Replayed"] == "true"
        assert first.json() == again.json()
        assert first.json()["value"] == "19.90"
        assert Reward.objects.count() == 1

    def test_the_same_key_with_something_else_is_refused(self, made, tell):
        tell(made, value="1")
        is_problem(tell(made, value="2"), 422, "idempotency_key_reused")
        assert Reward.objects.get().value == 1

    def test_it_may_come_late_but_must_have_happened_in_the_window(self, made, tell, monkeypatch):
        later = NOON + timedelta(days=40)
        monkeypatch.setattr("django.utils.timezone.now", lambda: later)
        within = (NOON + timedelta(days=13)).isoformat()
        assert tell(made, at=within).status_code == 201
        is_problem(tell(made, key="c2"), 422, "outside_window")

    def test_what_did_not_happen_yet_is_refused(self, made, tell):
        errors = is_problem(tell(made, at=(NOON + timedelta(hours=1)).isoformat()), 400, "invalid")
        assert errors == [("/at", "It lies in the future.")]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"kind": "smile"}, "/kind"),
            ({"key": ""}, "/key"),
            ({"key": "k" * 101}, "/key"),
            ({"value": "-1"}, "/value"),
            ({"at": "yesterday"}, "/at"),
            ({"mood": "good"}, "/mood"),
        ],
    )
    def test_the_field_is_named(self, made, tell, body, pointer):
        errors = is_problem(tell(made, **body), 400, "invalid")
        assert [where for where, _ in errors] == [pointer]

    def test_an_unknown_decision_is_nobody_s(self, home, tell):
        is_problem(tell(uuid.uuid4()), 404, "not_found")
