"""The last step is taken back when the customer says so; what stands is said to stand."""

import pytest

from chatbot.models import Conversation
from crm import consent
from crm.models import CartItem, Consent, ConsentChange, Event, Order, Topic
from tests.chatbot.conftest import NOW


@pytest.fixture
def topics(db):
    return {
        slug: Topic.objects.create(slug=slug, name_en=en, name_zh=zh)
        for slug, en, zh in (("offers", "Offers", "优惠活动"), ("news", "News", "新品资讯"))
    }


@pytest.fixture
def agreed(topics, ada):
    for channel in ("email", "sms"):
        for topic in topics.values():
            consent.change(
                ada, channel=channel, topic=topic, is_granted=True, source="test", evidence={}, at=NOW
            )  # fmt: skip
    return topics


def granted(customer):
    rows = Consent.objects.filter(customer=customer, is_granted=True)
    return set(rows.values_list("channel", "topic__slug"))


@pytest.mark.parametrize("said", ["undo that", "撤销", "take it back", "撤回刚才的"])
def test_what_was_put_into_the_cart_is_taken_out_again(chat, ada, said):
    chat.say("add the Giant Escape 3 to my cart")
    assert CartItem.objects.get().quantity == 1
    assert chat.say(said) == "aborted"
    assert chat.args["undone"] == "cart"
    assert "Escape 3" in chat.text
    assert not CartItem.objects.exists()
    assert Event.objects.filter(kind="crm.product_removed").count() == 1


def test_only_as_many_are_taken_out_as_were_put_in(chat, ada):
    chat.say("add the Giant Escape 3 to my cart")
    chat.say("add 2 Giant Escape 3 to my cart")
    before = CartItem.objects.get().quantity
    added = chat.args["quantity"]
    chat.say("undo that")
    assert CartItem.objects.get().quantity == before - added
    chat.say("undo that")
    assert not CartItem.objects.exists()


def test_what_has_left_the_cart_meanwhile_is_not_taken_out_and_a_person_is_offered(chat, ada):
    chat.say("add the Giant Escape 3 to my cart")
    CartItem.objects.all().delete()
    assert chat.say("undo that") == "cannot_undo"
    assert "person" in chat.text
    assert chat.say("yes please") == "handoff"


@pytest.mark.parametrize(
    "said", ["remove it from my cart", "从购物车里拿掉", "take that out of the basket"]
)
def test_out_of_the_cart_also_after_other_talk(chat, ada, said):
    chat.say("add the Giant Escape 3 to my cart")
    chat.say("how much is shipping?")
    assert chat.say(said) == "aborted"
    assert not CartItem.objects.exists()


@pytest.mark.parametrize("said", ["当我没说", "scratch that", "undo"])
def test_a_refinement_is_taken_back_and_the_list_before_comes_again(chat, ada, said):
    chat.say("我想买自行车")
    shown = chat.products
    chat.say("黑色的")
    assert chat.products != shown
    assert chat.say(said) == "aborted"
    assert chat.products == shown
    assert "color" not in chat.row.memory["frame"]
    chat.say("2000以上的")
    assert "B2" in chat.products  # red: black is not wanted any more


def test_words_about_the_last_message_reach_no_further_than_the_last_message(chat, ada):
    chat.say("add the Giant Escape 3 to my cart")
    chat.say("how much is shipping?")
    chat.say("当我没说")
    assert CartItem.objects.count() == 1


def test_nothing_to_take_back_is_no_harm(chat, ada):
    assert chat.say("undo that")
    assert chat.say("撤销")
    assert not Order.objects.filter(status="cancelled").exists()


def test_a_cancelled_order_stays_cancelled_and_a_person_is_offered(chat, ada):
    chat.say("cancel AB1000002")
    chat.say("yes")
    assert chat.say("undo that") == "cannot_undo"
    assert "AB1000002" in chat.text
    assert Order.objects.get(number="AB1000002").status == "cancelled"
    assert chat.say("yes") == "handoff"
    assert Conversation.objects.get(pk=chat.row.pk).state == "queued"


def test_in_the_middle_of_a_flow_it_ends_the_flow(chat, ada):
    chat.say("cancel AB1000002")
    assert chat.say("当我没说") == "aborted"
    assert chat.row.memory["flow"] is None
    assert Order.objects.get(number="AB1000002").status == "processing"


@pytest.mark.parametrize("said", ["撤销AB1000002", "取消订单AB1000002"])
def test_an_order_is_cancelled_by_its_number_as_ever(chat, ada, said):
    chat.say("add the Giant Escape 3 to my cart")
    assert chat.say(said) == "ask_confirm"
    assert CartItem.objects.count() == 1


def test_the_order_that_is_talked_about_is_meant_before_an_older_step(chat, ada):
    chat.say("add the Giant Escape 3 to my cart")
    chat.say("AB1000002")
    assert chat.say("撤销") == "ask_confirm"
    assert CartItem.objects.count() == 1


def test_a_question_how_to_undo_undoes_nothing(chat, ada):
    chat.say("add the Giant Escape 3 to my cart")
    chat.say("how can I undo an order later?")
    assert CartItem.objects.count() == 1


def test_a_subscription_is_set_back_exactly(chat, ada, agreed):
    consent.change(
        ada, channel="sms", topic=agreed["news"], is_granted=False, source="test", evidence={}, at=NOW
    )  # fmt: skip
    before = granted(ada)
    chat.say("stop all messages on every channel")
    assert granted(ada) == set()
    assert chat.say("undo that") == "aborted"
    assert granted(ada) == before
    back = ConsentChange.objects.filter(customer=ada, source="chat", is_granted=True)
    assert all("undoes" in row.evidence for row in back)


def test_what_was_changed_elsewhere_since_stays_as_it_was_left(chat, ada, agreed):
    chat.say("stop texting me")
    consent.change(
        ada, channel="sms", topic=agreed["news"], is_granted=True, source="page", evidence={}, at=NOW
    )  # fmt: skip
    chat.say("undo that")
    assert {("sms", "offers"), ("sms", "news")} <= granted(ada)


def test_nobody_elses_subscriptions_are_touched(chat, visitor, ada, agreed):
    before = granted(ada)
    visitor.say("stop all messages on every channel")
    visitor.say("undo that")
    visitor.say("unsubscribe my wife Ada from the offers")
    assert granted(ada) == before


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("stop texting me offers", {("sms", "offers")}),
        ("别再给我发优惠短信了", {("sms", "offers")}),
        ("取消订阅新品资讯的邮件", {("email", "news")}),
        ("unsubscribe me from the news", {("email", "news"), ("sms", "news")}),
        ("unsubscribe from all emails except the offers", {("email", "news")}),
        ("退订所有短信，保留优惠", {("sms", "news")}),
        ("stop sending me emails", {("email", "offers"), ("email", "news")}),
    ],
)
def test_who_leaves_a_topic_keeps_the_rest(chat, ada, agreed, said, left):
    before = granted(ada)
    assert chat.say(said) == "unsubscribed"
    assert before - granted(ada) == left


def test_the_answer_names_the_topic_in_the_language_of_the_question(chat, ada, agreed):
    chat.say("stop texting me offers")
    assert "Offers (SMS)" in chat.text
    chat.say("取消订阅新品资讯的邮件")
    assert "“新品资讯”（邮件）" in chat.text


def test_and_the_texts_too_means_the_same_topic(chat, ada, agreed):
    chat.say("no more offers by email please, unsubscribe")
    assert chat.say("and the texts too") == "unsubscribed"
    assert granted(ada) == {("email", "news"), ("sms", "news")}


def test_who_subscribes_is_asked_for_what(chat, ada, topics):
    assert chat.say("please subscribe me to your emails") == "ask_topic"
    assert chat.answer.payload["quick_replies"] == ["Offers", "News", "All of it"]
    assert granted(ada) == set()
    assert chat.say("News") == "resubscribed"
    assert granted(ada) == {("email", "news")}


def test_all_of_it_is_an_answer_and_anything_else_is_asked_again(chat, ada, topics):
    chat.say("我想订阅你们的短信")
    assert chat.say("紫色的吧") == "ask_topic"
    assert granted(ada) == set()
    assert chat.say("全部都要") == "resubscribed"
    assert granted(ada) == {("sms", "offers"), ("sms", "news")}


def test_who_comes_back_gets_what_they_had_left(chat, ada, agreed):
    chat.say("取消订阅新品资讯的邮件")
    chat.say("how much is shipping?")
    assert chat.say("之前退订的邮件，帮我重新打开") == "resubscribed"
    assert ("email", "news") in granted(ada)
    assert "新品资讯" in chat.text


def test_a_shop_with_one_topic_asks_for_none(chat, ada):
    Topic.objects.create(slug="offers", name_en="Offers", name_zh="优惠活动")
    assert chat.say("please subscribe me to your emails") == "resubscribed"
    assert granted(ada) == {("email", "offers")}
    chat.say("undo that")
    assert granted(ada) == set()
