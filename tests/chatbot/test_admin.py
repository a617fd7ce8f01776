"""The staff's inbox."""

import json

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import translation

from chatbot import admin as chat_admin
from chatbot import demo
from chatbot.models import Answer, Conversation, Example, Message
from crm import portrait
from tests.chatbot.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    lin = User.objects.create_superuser("lin", password="x")
    client.force_login(lin, backend="django.contrib.auth.backends.ModelBackend")
    return client


def do(staff, chat, **wanted):
    address = reverse("admin:chatbot_do", args=[chat.row.pk])
    return staff.post(address, json.dumps(wanted), content_type="application/json")


def test_the_list_needs_as_many_queries_for_many_chats_as_for_few(
    staff, chat, ada, django_assert_max_num_queries
):
    address = reverse("admin:chatbot_conversation_changelist")
    staff.get(address)
    for _ in range(60):
        Conversation.objects.create(customer=ada, created_at=NOW, updated_at=NOW)
    with django_assert_max_num_queries(9):
        assert staff.get(address).status_code == 200


@pytest.mark.parametrize("state", Conversation.State)
def test_the_list_says_every_state_and_language_in_the_readers_language(staff, ada, state):
    Conversation.objects.create(
        customer=ada, created_at=NOW, updated_at=NOW, state=state, language="zh"
    )
    staff.cookies["django_language"] = "zh-hans"
    page = staff.get(reverse("admin:chatbot_conversation_changelist")).content.decode()
    with translation.override("zh-hans"):
        label = str(state.label)
    table = page[page.index('id="result_list"') :]
    assert label in table
    assert "中文" in table
    assert label != state.value


def test_the_page_of_a_chat_shows_the_customer_beside_it(
    staff, chat, django_assert_max_num_queries
):
    chat.say("hello")
    with django_assert_max_num_queries(30):
        page = staff.get(reverse("admin:chatbot_conversation_change", args=[chat.row.pk]))
    assert page.status_code == 200
    assert "AB1000001" in page.content.decode()


def test_staff_see_what_is_new_and_what_the_bot_was_unsure_of(staff, chat):
    chat.say("hello")
    Message.objects.filter(seq=1).update(confidence=0.3)
    address = reverse("admin:chatbot_messages", args=[chat.row.pk])
    first, second = staff.get(address).json()["messages"]
    assert first["unsure"]
    assert not second["unsure"]
    assert staff.get(address, {"after": "2"}).json()["messages"] == []


def test_staff_take_over_answer_and_hand_back(staff, chat):
    assert do(staff, chat, action="take_over").json()["state"] == "agent"
    assert do(staff, chat, action="answer", text="Hello!").status_code == 200
    assert chat.say("show me lamps") == "stay_silent"
    assert do(staff, chat, action="release").json()["state"] == "bot"
    assert do(staff, chat, action="resolve").json()["state"] == "resolved"


def test_a_correction_becomes_an_example(staff, chat):
    chat.say("how do I get points")
    message = Message.objects.get(seq=1)
    do(staff, chat, action="correct", message=message.pk, intent="faq")
    example = Example.objects.get()
    assert (example.intent, example.source) == ("faq", "correction")
    answer = Message.objects.get(seq=2)
    assert do(staff, chat, action="correct", message=answer.pk, intent="faq").status_code == 409


@pytest.mark.parametrize("wanted", [{"action": "dance"}, {}, {"action": "answer"}])
def test_an_unreadable_request_is_refused(staff, chat, wanted):
    assert do(staff, chat, **wanted).status_code == 400


def test_an_empty_answer_is_refused_in_words(staff, chat):
    assert do(staff, chat, action="answer", text="  ").json()["error"]


def test_strangers_do_not_get_in(client, chat):
    assert do(client, chat, action="answer", text="hi").status_code == 302
    assert client.get(reverse("admin:chatbot_messages", args=[chat.row.pk])).status_code == 302


def test_staff_without_the_right_may_not_answer(client, chat):
    client.force_login(
        User.objects.create_user("bo", is_staff=True),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert do(client, chat, action="answer", text="hi").status_code == 403
    assert client.get(reverse("admin:chatbot_messages", args=[chat.row.pk])).status_code == 403


@pytest.mark.parametrize("model", ["message", "example", "answer", "ticket", "handoff", "turn"])
def test_every_list_opens(staff, chat, model):
    chat.say("转人工")
    assert staff.get(reverse(f"admin:chatbot_{model}_changelist")).status_code == 200


def test_what_staff_enter_is_marked_as_theirs(staff):
    staff.post(
        reverse("admin:chatbot_example_add"),
        {"text": "do you take crypto", "intent": "faq", "language": "en"},
    )
    assert Example.objects.get().source == "staff"


def test_the_customer_page_lists_the_chats(chat, ada, django_assert_num_queries):
    chat.say("hello")
    panel = next(p for p in portrait.of(ada) if "chatbot" in p["template"])
    assert panel["chats"][0]["last"].seq == 2


def test_the_demo_shop_has_answers_and_finished_chats(shop, ada):
    import numpy as np

    Answer.objects.all().delete()
    assert demo.answers() >= 20
    assert demo.chats([ada], now=NOW, rng=np.random.default_rng(1)) == 1
    chat = Conversation.objects.get(state="resolved")
    assert list(chat.messages.values_list("seq", flat=True)) == list(range(1, chat.last_seq + 1))
    assert Example.objects.count() > 1000


def test_every_intent_that_can_be_taught_is_one_the_dialogue_knows():
    assert {"recommend", "faq", "human", "unsafe"} <= set(chat_admin.TEACHABLE)
