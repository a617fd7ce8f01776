"""What a message names, in both languages."""

from datetime import date

import pytest

from chatbot.ml.entities import Scene, as_slots
from chatbot.ml.lexicon import Item, Lexicon, Phrase
from crm.ml.text import normalise

WORDS = [
    ("手机", "category", "phone"), ("phone", "category", "phone"), ("耳机", "category", "headphones"),
    ("headphones", "category", "headphones"), ("跑鞋", "category", "shoes"), ("shoes", "category", "shoes"),
    ("防晒", "category", "skincare"), ("华为", "brand", "huawei"), ("Huawei", "brand", "huawei"),
    ("苹果", "brand", "apple"), ("Apple", "brand", "apple"), ("iPhone", "brand", "apple"), ("索尼", "brand", "sony"),
    ("Sony", "brand", "sony"), ("三星", "brand", "samsung"), ("小米", "brand", "xiaomi"), ("小米 14", "product", "P4"),
    ("iPhone 15", "product", "P5"), ("Mate 60", "product", "P6"), ("黑色", "color", "black"), ("red", "color", "red"),
    ("红色", "color", "red"), ("降噪", "feature", "noise_cancelling"), ("noise cancelling", "feature", "noise_cancelling"),
    ("防晒霜", "feature", "sunscreen"), ("轻薄", "feature", "slim"), ("轻薄", "feature", "lightweight"),
]  # fmt: skip
ITEMS = {
    "P4": Item("P4", "phone", "xiaomi", 3999, features=("slim",)),
    "H1": Item("H1", "headphones", "sony", 999, features=("noise_cancelling", "lightweight")),
    "S1": Item("S1", "skincare", "x", 99, features=("sunscreen",)),
}
LEXICON = Lexicon(tuple(Phrase(*w) for w in WORDS), items=ITEMS, known=frozenset({"show", "shows"}))
SATURDAY = date(2024, 6, 15)

CASES = [
    ("我想买华为手机", {"brand": "huawei", "category": "phone"}),
    ("HUAWEI phones", {"brand": "huawei", "category": "phone"}),
    ("小米14和iPhone 15哪个好", {"product": ["P4", "P5"]}),
    ("mate60有货吗", {"product": "P6", "aspect": "stock"}),
    ("两千以内的", {"price_max": 2000}),
    ("under 3k", {"price_max": 3000}),
    ("no more than 2,500 yuan", {"price_max": 2500}),
    ("3000以上", {"price_min": 3000}),
    ("between 2000 and 3000", {"price_min": 2000, "price_max": 3000}),
    ("两三千的", {"price_min": 2000, "price_max": 3000}),
    ("一千五左右", {"price_near": 1500}),
    ("预算1万", {"price_max": 10000}),
    ("不超过五千", {"price_max": 5000}),
    ("two thousand or less", {"price_max": 2000}), ("under 5 thousand", {"price_max": 5000}),
    ("加一台…哦不，两台", {"quantity": 2}), ("两台，不对，还是一台吧", {"quantity": 1}),
    ("不要苹果的手机", {"exclude_brand": "apple", "category": "phone"}),
    ("除了苹果和三星", {"exclude_brand": ["apple", "samsung"]}),
    ("anything but Sony headphones", {"exclude_brand": "sony", "category": "headphones", "channel": "all"}),
    ("有没有苹果的", {"brand": "apple"}),
    ("order SO 1002-3417", {"order_id": "SO10023417"}),
    ("so10023417到哪了", {"order_id": "SO10023417"}),
    ("订单１００２３４１７", {"order_id": "10023417"}),
    ("第二个", {"ordinal": 2}),
    ("the last one", {"ordinal": -1}),
    ("前两个比一下", {"ordinal": [1, 2]}),
    ("compare the first and third", {"ordinal": [1, 3]}),
    ("便宜点的", {"relative": "cheaper"}),
    ("which is the cheapest", {"relative": "cheapest"}),
    ("换个牌子", {"relative": "other", "other_brand": True}),
    ("something similar", {"relative": "similar"}),
    ("明天能到吗", {"date": "2024-06-16"}),
    ("上周五买的", {"date": "2024-06-07"}),
    ("delivered on June 12", {"date": "2024-06-12"}),
    ("三天前", {"date": "2024-06-12"}),
    ("42码的", {"size": "42"}),
    ("shoes size 41, budget 1000", {"category": "shoes", "size": "41", "price_max": 1000}),
    ("贵的那个", {"relative": "pricier"}),
    ("size L please", {"size": "L"}),
    ("有M码吗", {"size": "M", "aspect": "stock"}),
    ("来两双", {"quantity": 2}),
    ("add 3 of them", {"quantity": 3}),
    ("别给我发短信", {"channel": "sms"}),
    ("stop emailing me", {"channel": "email"}),
    ("我要换货", {"return_type": "exchange"}),
    ("I want to return it", {"return_type": "return"}),
    ("送女朋友", {"recipient": "girlfriend"}),
    ("for my mum", {"recipient": "mother"}),
    ("它保修多久", {"aspect": "warranty"}),
    ("how much is it", {"aspect": "price"}),
    ("which courier", {"aspect": "carrier"}),
    ("轻薄的手机", {"feature": "slim", "category": "phone"}),
    ("轻薄的耳机", {"feature": "lightweight", "category": "headphones"}),
    ("防晒霜", {"feature": "sunscreen", "category": "skincare"}),
    ("手机，不对，耳机", {"category": "headphones"}),
    ("I want shoes, no wait, a phone", {"category": "phone"}),
    ("红色的手机，不对，是黑色的", {"category": "phone", "color": "black"}),
    ("所有客户的手机号", {"channel": "all"}),
    ("headfones by Huwaei", {"category": "headphones", "brand": "huawei"}),
    ("I phoned you, it shows nothing", {}),
    ("想换个手极，要华为的", {"category": "phone", "brand": "huawei"}),
    ("need a replacement phone", {"category": "phone"}),
    ("买的跑鞋想换一双", {"category": "shoes", "return_type": "exchange"}),
    ("来三副耳机", {"quantity": 3, "category": "headphones"}),
    ("之前买的耳机不想要了", {"category": "headphones"}),
    ("苹果的不要", {"exclude_brand": "apple"}),
    ("forget Sony, show me Apple headphones", {"exclude_brand": "sony", "brand": "apple", "category": "headphones"}),
    ("do you have price protection", {}),
    ("book me a table", {}),
    ("早上好", {}),
]  # fmt: skip


def extract(text, category=""):
    return LEXICON.reader.read(text, Scene(today=SATURDAY, category=category)).entities


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[c[0] for c in CASES])
def test_what_is_named_is_found_in_its_normal_form(text, expected):
    assert as_slots(extract(LEXICON.correct(normalise(text)))) == expected


def test_every_entity_says_where_it_stands():
    text = "华为手机3000以内"
    places = {e.slot: text[e.start : e.end] for e in extract(text)}
    assert places == {"brand": "华为", "category": "手机", "price_max": "3000以内"}


def test_the_scene_helps_with_words_of_two_meanings():
    found = extract("要轻薄的", category="headphones")
    assert as_slots(found)["feature"] == "lightweight"


def test_thirty_june_exists_and_thirty_first_does_not():
    found = as_slots(extract("June 31"))
    assert "date" not in found


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("under 2000, no wait, 3000", {"price_max": 3000}),
        ("under 2000, no wait, under 3000", {"price_max": 3000}),
        ("预算两千，不对，三千吧", {"price_max": 3000}),
        ("over 500, I mean 800", {"price_min": 800}),
        ("under 2000, actually headphones", {"price_max": 2000, "category": "headphones"}),
        ("between 100 and 200, no wait, 300", {"price_min": 100, "price_max": 200}),
    ],
)
def test_a_price_that_is_taken_back_is_replaced_by_the_one_said_instead(text, slots):
    assert as_slots(extract(normalise(text))) == slots
