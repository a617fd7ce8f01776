"""A conversation comes out the same from its record alone, whatever the shop is by then."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from chatbot import catalogue, replaying, understanding
from chatbot.ml import dialogue
from chatbot.ml.commands import Act
from chatbot.models import Turn
from crm import artifacts
from crm.models import Artifact, CartItem, Order, Product, Topic
from tests.chatbot.conftest import NOW
from tests.chatbot.test_dialogues import DIALOGUES

LONG = [
    said
    for name in ("buy", "cancel", "question in the middle", "attack in the middle", "compare", "why", "unsubscribe",
                 "new address", "misspelt", "full width and traditional", "say it again", "order status by its goods")
    for said, _ in DIALOGUES[name]
]  # fmt: skip


@pytest.fixture(autouse=True)
def gone(request, monkeypatch):
    """The classifier of these tests was never saved, so that nobody can be asked again."""
    if "saved" not in request.fixturenames:
        monkeypatch.setattr(understanding, "guess_by", lambda *_: None)


def replayed(chat):
    return replaying.replay(chat.row)


def run(name):
    out, err = StringIO(), StringIO()
    try:
        call_command("replay_chat", str(name), stdout=out, stderr=err)
    except CommandError as error:
        return json.loads(out.getvalue() or "null"), error, err.getvalue()
    return json.loads(out.getvalue()), None, err.getvalue()


@pytest.fixture
def held(chat):
    for said in LONG:
        chat.say(said)
    return chat


def test_a_long_conversation_is_the_same_again(held):
    result = replayed(held)
    assert result.turns == len(LONG)
    assert result.is_equal, result.differences


@pytest.mark.parametrize("name", ["buy in English", "return", "exchange", "complaint", "coupons"])
def test_so_are_short_ones(chat, name):
    for said, _ in DIALOGUES[name]:
        chat.say(said)
    assert replayed(chat).is_equal, replayed(chat).differences


def test_changes_of_subscriptions_and_steps_taken_back_too(chat):
    Topic.objects.create(slug="offers", name_en="Offers", name_zh="优惠活动")
    Topic.objects.create(slug="news", name_en="News", name_zh="新品资讯")
    for said in ("subscribe me to your emails", "News", "undo that", "我想买自行车", "黑色的",
                 "当我没说", "加入购物车", "撤销"):  # fmt: skip
        chat.say(said)
    assert replayed(chat).is_equal, replayed(chat).differences


def test_nothing_of_the_present_shop_comes_in(held, django_assert_max_num_queries):
    Product.objects.update(price=1, title_en="Changed", is_active=False, stock=0)
    Order.objects.all().delete()
    CartItem.objects.all().delete()
    catalogue.forget()
    with django_assert_max_num_queries(2):
        assert replayed(held).is_equal


def test_it_writes_nothing(held):
    before = list(Turn.objects.order_by("pk").values())
    replayed(held)
    assert list(Turn.objects.order_by("pk").values()) == before
    held.row.refresh_from_db()
    assert held.row.last_seq == 2 * len(LONG)


def test_a_write_that_came_too_late_is_no_difference(chat):
    chat.say("add the Giant Escape 3 to my cart")
    CartItem.objects.all().delete()
    assert chat.say("undo that") == "cannot_undo"
    assert replayed(chat).is_equal, replayed(chat).differences


def test_changed_code_is_found_by_its_act(held, monkeypatch):
    def rude(command, memory, look):
        return memory, [Act("bye")]

    monkeypatch.setattr(dialogue, "HANDLERS", dialogue.HANDLERS | {"thanks": rude})
    result = replayed(held)
    assert [(one.what, one.now[0]["name"]) for one in result.differences if one.what == "acts"] == [
        ("acts", "bye")
    ]


def test_code_that_asks_something_else_of_the_shop_is_found(held, monkeypatch):
    def nosy(command, memory, look):
        return memory, [Act("greet", {"n": len(look.categories())})]

    monkeypatch.setattr(dialogue, "HANDLERS", dialogue.HANDLERS | {"thanks": nosy})
    asked = [one for one in replayed(held).differences if one.what == "asked"]
    assert len(asked) == 1
    assert "categories" in asked[0].now


def test_a_row_that_was_changed_by_hand_is_found(held):
    turn = Turn.objects.order_by("pk")[2]
    turn.memory_before["frame"]["color"] = "red"
    turn.save()
    differences = replayed(held).differences
    assert differences
    assert {one.seq for one in differences} == {turn.message.seq}


def test_turns_from_before_look_ups_were_kept_are_said_to_be_missing(held):
    Turn.objects.update(heard={"language": "en"})
    result = replayed(held)
    assert result.unrecorded == result.turns == len(LONG)
    assert not result.is_equal


def test_the_words_of_the_customer_are_not_copied_into_the_record(chat):
    chat.say("my secret is 4711 blue elephants, where is my ordr AB1000001")
    kept = json.dumps(Turn.objects.get().heard)
    assert "elephants" not in kept
    assert "4711" not in kept
    assert replayed(chat).is_equal, replayed(chat).differences


@pytest.fixture
def saved(classifier, monkeypatch):
    """The version of an artifact from which the classifier of these tests can be read."""
    artifact = artifacts.save(classifier, artifacts.Provenance(metrics={}), as_of=NOW, now=NOW)
    version = f"{classifier.name}#{artifact.pk}"
    monkeypatch.setattr(understanding, "version", lambda **_: version)
    return version


def test_who_understood_then_is_asked_again_where_they_are_still_kept(chat, saved):
    chat.say("where is my package?")
    chat.say("bycicle under 3000")
    result = replayed(chat)
    assert result.is_equal, result.differences
    assert result.unread == 0
    Artifact.objects.all().delete()
    assert replayed(chat).unread == 2
    assert replayed(chat).is_equal


def test_another_reading_of_that_classifier_is_a_difference(chat, saved):
    chat.say("hello")
    turn = Turn.objects.get()
    turn.heard["intents"][0][1] -= 0.01
    turn.save()
    assert [one.what for one in replayed(chat).differences] == ["intents"]


def test_a_reading_that_a_language_model_proposed_is_taken_as_it_was(chat, saved):
    chat.say("hello")
    turn = Turn.objects.get()
    turn.heard |= {"intents": [["greet", 0.6], ["thanks", 0.4]], "proposed": True}
    turn.save()
    result = replayed(chat)
    assert result.unread == 1
    assert "intents" not in {one.what for one in result.differences}


def test_what_staff_did_in_between_changes_nothing(chat):
    for said in ("cancel AB1000002", "talk to a person please", "are you there?"):
        chat.say(said)
    chat.release()
    for said in ("cancel AB1000002", "yes", "再说一遍"):
        chat.say(said)
    assert replayed(chat).turns == 6
    assert replayed(chat).is_equal, replayed(chat).differences


class TestCommand:
    def test_says_equal_by_either_id(self, held):
        for name in (held.row.public_id, held.row.pk):
            told, error, _ = run(name)
            assert error is None
            assert told["equal"] is True
            assert told["turns"] == len(LONG)
            assert told["differences"] == []

    def test_says_where_it_differs_and_fails(self, held):
        Turn.objects.filter(pk=Turn.objects.first().pk).update(commands=[])
        told, error, said = run(held.row.public_id)
        assert error.returncode == 1
        assert told["equal"] is False
        assert told["differences"][0]["what"] == "commands"
        assert "message 1, commands" in said

    @pytest.mark.parametrize(("name", "status"), [("nonsense", 2), ("0", 1), ("9" * 40, 2)])
    def test_names_what_it_cannot_find(self, db, name, status):
        told, error, _ = run(name)
        assert told is None
        assert error.returncode == status

    def test_an_empty_conversation_is_equal(self, chat):
        told, error, _ = run(chat.row.pk)
        assert error is None
        assert told["turns"] == 0
