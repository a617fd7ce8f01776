"""Deeds and titles in few words, whatever the titles."""

import pytest

from recommendations import phrases
from recommendations.reasons import NAMES

LONG = "A title of a product that says everything about it in one breath"


def named(*deeds_and_titles):
    return [{"deed": deed, "product": {"en": title, "zh": ""}} for deed, title in deeds_and_titles]


@pytest.mark.parametrize("chinese", [False, True])
@pytest.mark.parametrize("deed", phrases.DEEDS)
def test_every_deed_has_a_phrase_in_both_languages(deed, chinese):
    assert deed in NAMES
    assert "{" not in phrases.own(deed, chinese)
    assert phrases.own(deed, False) != phrases.own(deed, True)


def test_titles_are_listed_as_people_list_them():
    assert phrases.listed(["A"], 0, False) == "A"
    assert phrases.listed(["A", "B"], 5, False) == "A, B and 5 more"
    assert phrases.listed(["A", "B"], 5, True) == "A、B等7件商品"
    assert phrases.listed(["A", "B"], 0, True) == "A和B"


def test_the_same_title_is_said_once():
    assert phrases.listed(["Shoe", "Shoe", "Sock"], 0, False) == "Shoe and Sock"


def test_long_titles_are_counted_instead_but_for_the_first():
    assert phrases.listed([LONG, LONG + "!"], 0, False) == f"{LONG} and 1 more"
    assert phrases.listed([LONG * 3, "B"], 1, True) == f"{LONG * 3}等3件商品"
    assert phrases.listed(["很长的商品名称" * 5, "茶", "杯"], 0, True).endswith("茶和杯")


def test_a_sentence_that_cannot_name_all_of_different_deeds_says_none_of_them():
    told = named(("bought", LONG), ("viewed", LONG + "!"))
    assert phrases.because(told, False) == f"because of your interest in {LONG} and 1 more"
    assert phrases.because(told, True) == f"因为您对{LONG}等2件商品感兴趣"


def test_of_one_deed_it_still_says_which():
    told = named(("bought", LONG), ("bought", LONG + "!"))
    assert phrases.because(told, False) == f"because you bought {LONG} and 1 more"


def test_a_click_is_a_look():
    told = named(("viewed", "A"), ("clicked", "B"))
    assert phrases.because(told, False) == "because you looked at A and B"


def test_three_deeds_make_one_sentence():
    told = named(("bought", "A"), ("added", "B"), ("viewed", "C"))
    expected = "because you bought A, put B in your cart and looked at C"
    assert phrases.because(told, False) == expected
    assert phrases.because(told, True) == "因为您买过A，把B加入过购物车，看过C"
