"""Who is at the other end."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from chatbot import visits
from chatbot.visits import Claim
from crm import customers
from crm.models import Identity
from tests.chatbot.conftest import NOW, SECRET

pytestmark = pytest.mark.django_db


def signed(user_id, secret=SECRET):
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def token(payload, *, secret=SECRET, header=None):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    body = f"{part(header or {'alg': 'HS256', 'typ': 'JWT'})}.{part(payload)}"
    digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def enter(**claim):
    return visits.enter(Claim(**claim), secret=SECRET, now=NOW)


def soon(minutes=30):
    return (NOW + timedelta(minutes=minutes)).timestamp()


def test_a_visitor_gets_a_token_and_keeps_their_chat():
    first = enter()
    again = enter(visitor=first.visitor)
    assert again.conversation == first.conversation
    assert not again.is_verified


def test_who_comes_back_costs_two_questions_and_no_change(django_assert_num_queries):
    first = enter()
    claim = {"visitor": first.visitor, "conversation": str(first.conversation.public_id)}
    enter(**claim)  # the first time, statements are written
    with django_assert_num_queries(2):
        assert enter(**claim).conversation == first.conversation


def test_a_claimed_user_id_without_proof_counts_for_nothing():
    visit = enter(user_id="ada")
    assert not visit.is_verified
    assert not visit.customer.is_known


def test_a_proven_user_is_known_and_takes_their_visits_along():
    before = enter()
    visit = enter(visitor=before.visitor, user_id="ada", proof=signed("ada"))
    assert visit.is_verified
    assert visit.customer.is_known
    assert customers.find("anonymous_id", before.visitor) == visit.customer


@pytest.mark.parametrize(
    "proof", ["0" * 64, "é", "x.y.z", "..", signed("bob"), signed("ada", "other secret")]
)
def test_a_wrong_proof_is_refused(proof):
    with pytest.raises(visits.Unauthorised):
        enter(user_id="ada", proof=proof)


def test_a_signed_token_takes_the_place_of_the_hash():
    visit = enter(user_id="ada", proof=token({"user_id": "ada", "exp": soon()}))
    assert visit.is_verified


@pytest.mark.parametrize(
    "proof",
    [
        token({"user_id": "ada", "exp": soon(-1)}),
        token({"user_id": "ada", "exp": soon(61)}),
        token({"user_id": "ada"}),
        token({"user_id": "bob", "exp": soon()}),
        token({"user_id": "ada", "exp": soon()}, secret="other"),
        token({"user_id": "ada", "exp": soon()}, header={"alg": "none"}),
        token([1]),
    ],
)
def test_a_token_that_is_late_long_foreign_or_forged_is_refused(proof):
    with pytest.raises(visits.Unauthorised):
        enter(user_id="ada", proof=proof)


def test_without_proof_nobody_gets_back_into_a_proven_chat():
    proven = enter(user_id="ada", proof=signed("ada"))
    with pytest.raises(visits.UnknownConversation):
        enter(visitor=proven.visitor, conversation=str(proven.conversation.public_id))
    assert enter(visitor=proven.visitor).conversation != proven.conversation


def test_two_people_at_one_computer_do_not_share_a_chat():
    ada = enter(user_id="ada", proof=signed("ada"))
    bob = enter(visitor=ada.visitor, user_id="bob", proof=signed("bob"))
    assert bob.customer != ada.customer
    assert bob.visitor != ada.visitor
    assert bob.conversation != ada.conversation


@pytest.mark.parametrize("foreign", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_conversation_is_unknown(foreign):
    with pytest.raises(visits.UnknownConversation):
        enter(conversation=foreign)


def test_an_old_chat_is_not_taken_up_again():
    first = enter()
    later = visits.enter(Claim(visitor=first.visitor), secret=SECRET, now=NOW + timedelta(days=8))
    assert later.conversation != first.conversation


def test_a_proof_verifies_the_user_id_and_a_claim_does_not():
    visit = enter(user_id="ada")
    assert not Identity.objects.exclude(verified_at=None).exists()
    visit = enter(user_id="ada", proof=signed("ada"))
    verified = visit.customer.identities.exclude(verified_at=None)
    assert list(verified.values_list("kind", "value")) == [("user_id", "ada")]
