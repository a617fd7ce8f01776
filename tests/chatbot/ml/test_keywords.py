"""Words that leave no doubt: who wants no more messages is never signed up for them."""

import pytest

from chatbot.ml.goodstalk import ABOUT_COUPONS, CODE
from chatbot.ml.keywords import GOODBYE, match, near_certain
from chatbot.ml.ordertalk import CANCEL_IT


@pytest.mark.parametrize(
    "text",
    [
        "把邮件订阅关了",
        "短信通知都给我停掉",
        "微信推送取消一下",
        "营销短信全关了吧",
        "退订短信",
        "不要再发广告邮件了",
        "stop all marketing",
        "please turn off your notifications",
        "cancel my subscription",
        "stop the newsletters",
        "no more texts",
        "所有渠道的推销都关掉",
    ],
)
def test_no_more_messages(text):
    assert near_certain(text) == "unsubscribe"
    assert match(text).name == "unsubscribe"


@pytest.mark.parametrize(
    "text",
    [
        "我想订阅邮件",
        "短信验证码收不到",
        "关于邮件订阅有什么优惠",
        "把订单取消了",
        "重新打开短信通知,之前关了",
        "turn the emails back on",
        "cancel order SO20010001",
        "sign me up for the newsletter",
        "when does the promotion end",
    ],
)
def test_no_word_about_stopping_messages(text):
    assert near_certain(text) != "unsubscribe"


@pytest.mark.parametrize("text", ["转人工", "我要找真人", "talk to a human", "get me a supervisor"])
def test_a_person(text):
    assert near_certain(text) == "human"


@pytest.mark.parametrize(
    "text",
    [
        "你是机器人还是真人",
        "你是真人还是AI呀",
        "are you a real person",
        "are you an actual human?",
        "客服几点上班",
    ],
)
def test_a_question_about_persons_is_no_call_for_one(text):
    assert near_certain(text) == ""


@pytest.mark.parametrize("text", ["再会", "好的，回头见", "拜拜", "bye bye"])
def test_goodbye(text):
    assert GOODBYE.search(text)


@pytest.mark.parametrize("text", ["VIP20这个码我能用吗", "可以use VIP20吗", "does SPRING50 work"])
def test_codes_of_coupons(text):
    assert CODE.search(text)
    assert ABOUT_COUPONS.search(text)


@pytest.mark.parametrize(
    "text", ["then just cancel it", "那就帮我取消吧", "ok, well cancel that", "直接取消"]
)
def test_cancel_it(text):
    assert CANCEL_IT.search(text)
