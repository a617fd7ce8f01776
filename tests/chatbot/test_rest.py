"""REST: a text is understood as in the chat, for who may write in chats."""

import pytest

from crm.models import Scope
from tests.factories import make_brand, make_category, make_partner, make_product
from tests.rest import Caller, is_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(client):
    return Caller(client, make_partner(requests_per_second=1_000), Scope.CHAT_WRITE)


def test_chinese_is_read_with_words_places_and_feeling(call):
    make_product("P1", title_zh="华为手机", category=make_category(), brand=make_brand())
    text = "有没有3000以下的华为手机"
    body = call.post("nlu/", {"text": text}).json()
    assert body["language"].startswith("zh")
    assert len(body["tokens"]) > 2
    assert body["intent"] == body["intents"][0]["name"]
    assert 0 <= body["confidence"] <= 1
    places = {e["slot"]: (e["value"], text[e["start"] : e["end"]]) for e in body["entities"]}
    assert places == {"price_max": (3000, "3000以下"), "product": ("P1", "华为手机")}
    assert body["sentiment"]["label"] in ("pos", "neu", "neg")
    assert body["made_by"]


def test_english_is_read_too(call):
    body = call.post("nlu/", {"text": "I am very disappointed, this is terrible"}).json()
    assert body["language"] == "en"
    assert body["sentiment"]["label"] == "neg"


@pytest.mark.parametrize("said", [{}, {"text": ""}, {"text": "x" * 2_001}, {"text": 5}])
def test_what_is_no_text_is_an_error(call, said):
    errors = is_problem(call.post("nlu/", said), 400, "invalid")
    assert [where for where, _ in errors] == ["/text"]


def test_it_needs_its_scope(client):
    reader = Caller(client, make_partner(), Scope.CUSTOMERS_READ)
    is_problem(reader.post("nlu/", {"text": "hello"}), 403, "permission_denied")


def test_addresses_that_nobody_knows_are_still_problems(client):
    is_problem(client.get("/api/v1/nothing/"), 404, "not_found")
