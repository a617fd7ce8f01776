"""What is named in a reason: as little as can be read, as much as carries the score."""

import pytest

from recommendations import naming
from recommendations.explaining import Known
from recommendations.interactions import Touch
from tests.factories import NOON

ELSE = 99  # the product that the reason is about
AUDIO, PHONES = (1, "Headphones", "耳机"), (2, "Phones", "手机")
AURORA, NOVA = (7, "Aurora", "极光"), (8, "Nova", "新星")


def known(*things, deeds=()):
    """Products 1, 2, 3 … of these categories and brands, all bought where nothing else is said."""
    rows = {
        pk: (
            f"T{pk}",
            f"商{pk}",
            category and category[0],
            brand and brand[0],
            10,
            *(category or (0, None, None))[1:],
            *(brand or (0, None, None))[1:],
        )
        for pk, (category, brand) in enumerate(things, start=1)
    }
    told = dict(enumerate(deeds, start=1))
    touches = [Touch(1, pk, told.get(pk, "bought"), NOON) for pk in (*rows, ELSE)]
    return Known(touches, rows)


def plain(count, **more):
    return known(*[(None, None)] * count, **more)


def said(shares, of, language="en"):
    reason = naming.reason(ELSE, shares, of)
    return reason and reason.sentence(language)


def test_up_to_three_are_all_named():
    assert said({1: 0.4}, plain(1)) == "because you bought T1"
    assert said({1: 0.4, 2: 0.2}, plain(2)) == "because you bought T1 and T2"
    assert said({1: 0.1, 2: 0.1, 3: 0.1}, plain(3)) == "because you bought T1, T2 and T3"
    assert said({1: 0.1, 2: 0.1, 3: 0.1}, plain(3), "zh-hans") == "因为您买过商1、商2和商3"


def test_of_more_the_three_that_carry_more_than_half_are_named():
    shares = {1: 0.05, 2: 0.3, 3: 0.2, 4: 0.15}
    reason = naming.reason(ELSE, shares, plain(4))
    assert reason.sentence("en") == "because you bought T2, T3 and T4"
    assert reason.evidence["products"] == [1, 2, 3, 4]  # without which it would not be listed


def test_else_what_they_share_is_named_with_two_examples():
    shares = dict.fromkeys(range(1, 7), 0.1)
    audio = known(*[(AUDIO, None)] * 5, (PHONES, None))
    reason = naming.reason(ELSE, shares, audio)
    assert reason.code == "theme"
    assert reason.sentence("en") == "because of your interest in Headphones (T1, T2 and 3 more)"
    assert reason.sentence("zh-hans") == "因为您关注耳机（商1、商2等5件商品）"


def test_a_brand_is_what_they_share_where_no_category_is():
    kinds = [(AUDIO, AURORA), (PHONES, AURORA), (AUDIO, AURORA), (PHONES, AURORA), (None, NOVA)]
    reason = naming.reason(ELSE, dict.fromkeys(range(1, 6), 0.1), known(*kinds))
    assert reason.sentence("en") == "because of your interest in Aurora (T1, T2 and 2 more)"


def test_what_a_minority_by_weight_shares_is_not_the_reason():
    kinds = [(AUDIO, None)] * 3 + [(PHONES, None)]
    shares = {1: 0.02, 2: 0.02, 3: 0.02, 4: 0.1, 5: 0.02}
    assert naming.reason(ELSE, shares, known(*kinds, (None, None))) is None


def test_many_things_of_many_kinds_are_not_counted():
    assert naming.reason(ELSE, dict.fromkeys(range(1, 9), 0.05), plain(8)) is None


@pytest.mark.parametrize(
    ("deed", "english", "chinese"),
    [
        ("viewed", "you looked at it", "您看过它"),
        ("added", "you put it in your cart", "您把它加入过购物车"),
        ("wished", "you put it on your wish list", "您收藏过它"),
        ("mentioned", "you asked about it", "您咨询过它"),
    ],
)
def test_interest_in_the_product_itself_says_which(deed, english, chinese):
    one = Known([Touch(1, ELSE, deed, NOON)], {ELSE: ("It", "它", None, None, 1, *[None] * 4)})
    assert said({ELSE: 0.7}, one) == english
    assert said({ELSE: 0.7}, one, "zh-hans") == chinese


def test_beside_weightier_choices_the_product_itself_is_not_named():
    assert said({1: 0.4, ELSE: 0.3}, plain(1)) == "because you bought T1"


def test_different_deeds_are_each_said():
    of = plain(3, deeds=("bought", "viewed", "bought"))
    assert said({1: 0.3, 2: 0.2, 3: 0.1}, of) == "because you bought T1 and T3, and looked at T2"
    assert said({1: 0.3, 2: 0.2, 3: 0.1}, of, "zh") == "因为您买过商1和商3，看过商2"
