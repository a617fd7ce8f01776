"""Which topics of the shop a message names, as plain words."""

import pytest

from chatbot.ml.lookups import Theme
from chatbot.ml.subscribing import named, slugs_of

THEMES = [
    Theme("offers", "Offers", ("Offers", "优惠活动", "offers")),
    Theme("news", "News", ("News", "新品资讯", "news")),
    Theme("recipes", "Recipes", ("Recipes", "家常菜谱", "recipes")),
]


@pytest.mark.parametrize(
    ("said", "slugs"),
    [
        ("no more offers please", ["offers"]),
        ("stop the deals and promotions", ["offers"]),
        ("别发促销短信", ["offers"]),
        ("菜谱不用发了", ["recipes"]),
        ("新品和菜谱都不要了", ["news", "recipes"]),
        ("stop every mail except the recipes", ["offers", "news"]),
        ("除了优惠，其他都退订", ["news", "recipes"]),
        ("keep the news, but stop the recipes", ["recipes"]),
        ("保留优惠，别的都退订", ["news", "recipes"]),
        ("stop sending me ads", []),
        ("unsubscribe", []),
        ("newsworthy", []),
    ],
)
def test_topics_are_named_by_their_names_and_by_words_of_their_kind(said, slugs):
    assert named(said, THEMES, leaves=True) == slugs


def test_who_only_wants_one_thing_subscribes_to_that():
    assert named("I only want the news", THEMES, leaves=False) == ["news"]
    assert named("all but the rest, just want recipes", THEMES, leaves=True) == ["offers", "news"]


def test_a_word_that_two_topics_share_names_neither():
    twins = [
        Theme("mail", "Weekly offers", ("Weekly offers",)),
        Theme("hot", "Hot offers", ("Hot offers",)),
    ]
    assert named("stop the promotions", twins, leaves=True) == []
    assert named("stop the hot offers", twins, leaves=True) == ["hot"]


def test_an_empty_slot_stands_for_every_topic():
    every = [theme.slug for theme in THEMES]
    assert slugs_of("", every) == slugs_of("all", every) == every
    assert slugs_of("news,recipes", every) == ["news", "recipes"]
