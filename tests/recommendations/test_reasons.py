"""A reason is one true sentence in either language."""

import pytest

from recommendations.reasons import NAMES, SENTENCES, Reason, name_of

PHONE = {"en": "Phone", "zh": "手机"}
EVIDENCE = {
    "product": PHONE,
    "category": PHONE,
    "brand": PHONE,
    "theme": PHONE,
    "buyers": 7,
    "asked": {"price_max": "3000.00"},
    "share": 0.4,
    "every": 10,
    "ago": 3,
}


@pytest.mark.parametrize("code", SENTENCES)
def test_every_code_has_a_sentence_in_both_languages(code):
    reason = Reason(code, EVIDENCE)
    assert "{" not in reason.sentence("en") + reason.sentence("zh-hans")
    assert reason.sentence("en") != reason.sentence("zh-hans")


def test_every_code_has_a_name_for_staff():
    assert set(NAMES) == set(SENTENCES)
    assert name_of("bought") == "a purchase"
    assert name_of("of an older version") == "of an older version"


def test_names_come_in_the_language_of_the_reader():
    reason = Reason("bought", {"product": PHONE})
    assert reason.sentence("en") == "because you bought Phone"
    assert reason.sentence("zh-hans") == "因为您买过手机"


def test_a_rule_says_how_sure_it_is():
    reason = Reason("basket", {"product": PHONE, "share": 0.416})
    assert reason.sentence("en") == "42% of baskets with Phone hold it, too"
    assert reason.sentence("zh") == "含有手机的订单中，42%也买了它"


def test_a_product_without_a_chinese_name_keeps_its_own():
    assert Reason("bought", {"product": {"en": "Mug", "zh": ""}}).sentence("zh") == "因为您买过Mug"


def test_prices_are_said_as_people_say_them():
    asked = {"price_min": "1000.00", "price_max": "2999.50"}
    assert Reason("asked", {"asked": asked}).sentence("en").endswith("over 1000, under 2999.5")


def test_what_was_asked_for_comes_before_what_is_known_of_the_reader():
    reason = Reason("bought", {"product": PHONE}).after({"category": PHONE})
    assert reason.code == "asked"
    assert reason.sentence("en") == "matches what you asked for: Phone; because you bought Phone"
    assert reason.sentence("zh") == "符合您的要求：手机，因为您买过手机"


def test_a_reason_that_says_nothing_of_the_reader_is_not_added():
    reason = Reason("in_stock").after({"category": PHONE})
    assert reason.sentence("en") == "matches what you asked for: Phone"


@pytest.mark.parametrize(
    ("ago", "english", "chinese"),
    [(0, "today", "今天"), (1, "yesterday", "1天前"), (9, "9 days ago", "9天前")],
)
def test_days_are_said_as_people_say_them(ago, english, chinese):
    reason = Reason("bought_before", {"ago": ago})
    assert reason.sentence("en") == f"you bought it {english}"
    assert reason.sentence("zh") == f"您{chinese}买过"


def test_every_day_is_not_every_one_days():
    reason = Reason("due", {"every": 1, "ago": 1})
    assert reason.sentence("en") == "you buy it about every day, last yesterday"
