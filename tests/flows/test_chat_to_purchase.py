"""A visitor asks, narrows, buys, complains, is handed over; staff answer, hand back, learn."""

import pytest
from django.contrib.auth.models import User

from chatbot import inbox, staffing
from chatbot.models import Example, Handoff, Message
from crm import timeline
from crm.models import CartItem
from tests.chatbot.conftest import NOW, Chat, _fresh_catalogue, ada, classifier, shop, trained  # noqa: F401

pytestmark = pytest.mark.django_db


def test_from_the_first_question_to_the_cart_to_a_person_and_back(ada, trained):  # noqa: F811
    chat = Chat(ada, verified=True)
    assert chat.say("我想买辆自行车") == "show_products"
    assert chat.say("两千五以内，黑色的") == "show_products"
    assert chat.say("便宜的那个") == "show_product_detail"
    assert chat.say("加入购物车") == "added_to_cart"
    assert CartItem.objects.get().product.sku == "B3"

    assert chat.say("I want to talk to a person please") == "handoff"
    lin = User.objects.create_user("lin")
    staffing.answer_as_staff(chat.row.pk, lin, "Hello, this is Lin.", now=NOW)
    assert chat.say("is it really black?") == "stay_silent"
    staffing.release(chat.row.pk, now=NOW)
    assert chat.say("thanks") == "welcome"

    asked = Message.objects.get(text="is it really black?")
    inbox.correct(asked, intent="product_info", now=NOW)
    assert Example.objects.get(source="correction").intent == "product_info"
    assert Handoff.objects.get().closed_at == NOW
    kinds = {event.kind for event in timeline.history(ada)}
    assert {"chatbot.message_received", "chatbot.handoff_requested", "crm.product_added"} <= kinds
