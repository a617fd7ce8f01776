"""Which other wordings of an answer are kept, and what leaves the house."""

import pytest

from chatbot.ml.guard import says_the_same
from chatbot.ml.redaction import redacted

LAMP = "Philips Eyecare Lamp: ¥299, in stock.\nColours: white"
LIST = "Here are 2 products for you (up to ¥3,000):"
ZH = "为您找到¥3,000以内的3款商品："


@pytest.mark.parametrize(
    ("original", "reworded"),
    [
        (LAMP, "Lovely choice! Philips Eyecare Lamp: ¥299, in stock. Colours: white"),
        (LIST, "Great, I found 2 products for you, up to ¥3,000:"),
        (ZH, "好的，为您挑选了¥3,000以内的3款商品："),
        ("Hello! How can I help?", "Hi there, how can I help you today?"),
        ("满99元包邮。", "您好，满99元包邮。"),
    ],
)
def test_a_friendlier_wording_is_kept(original, reworded):
    assert says_the_same(original, reworded, names=["Philips Eyecare Lamp"])


@pytest.mark.parametrize(
    ("original", "reworded", "why"),
    [
        (LAMP, "Philips Eyecare Lamp: ¥199, in stock. Colours: white", "another price"),
        (LAMP, "Philips Lamp: ¥299, in stock. Colours: white", "a name cut short"),
        (LAMP, "Philips Eyecare Lamp: ¥299, not in stock. Colours: white", "denied"),
        (LAMP, LAMP + " Free gift!", "a promise"),
        (LAMP, LAMP + " See http://evil.example", "a link"),
        (LAMP, LAMP + " Write to a@evil.example", "an address"),
        (LAMP, LAMP + " Alice bought it too.", "another person"),
        (LAMP, "<b>" + LAMP + "</b>", "markup"),
        (LAMP, LAMP + " {{ secret }}", "template syntax"),
        (LAMP, "飞利浦台灯，¥299，有货。白色", "another language"),
        (LAMP, "", "nothing"),
        (LAMP, LAMP + " nice" * 200, "no end"),
        ("A: ¥10\nB: ¥20", "A: ¥20\nB: ¥10", "prices changed places"),
        (ZH, "为您找到¥3,000以内的3款商品，全部免费退款：", "a promise in Chinese"),
        (ZH, "没有为您找到¥3,000以内的3款商品：", "denied in Chinese"),
        (ZH, "为您找到¥3,000以内的3款商品，请加微信abc：", "a way out of the shop"),
        ("满99元包邮。", "满99元不包邮。", "turned round"),
        ("满99元包邮。", "满九十九元包邮。", "a number in words"),
    ],
)
def test_one_that_says_anything_else_is_not(original, reworded, why):
    assert not says_the_same(original, reworded, names=["Philips Eyecare Lamp", "A", "B"]), why


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mail me at ann.lee@example.com", "mail me at [email]"),
        ("我的电话是138 1234 5678", "我的电话是[number]"),
        ("order SO10023417 please", "order [order] please"),
        ("see https://a.example/x?id=1", "see [link]"),
        ("I am Ann Lee", "I am [name]"),
        ("a phone under 3000", "a phone under 3000"),
        ("两千以内的手机", "两千以内的手机"),
    ],
)
def test_personal_data_become_marks_and_wishes_stay(text, left):
    assert redacted(text, names=["Ann Lee", ""]) == left
