"""Misspelt words of the shop are mended, other words are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.ml import mending
from chatbot.ml.mending import Mender

MENDER = Mender.of(
    phrases=["headphones", "Huawei", "laptop", "Philips", "vacuum cleaner"],
    trade=["cancel", "refund"],
    kinds=["自行车", "吸尘器", "鞋"],
    known=frozenset({"watch", "cancer"}),
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("headfones", "headphones"),
        ("Huwaei", "huawei"),
        ("uhawei", "huawei"),
        ("lapotp", "laptop"),
        ("laptops", "laptops"),
        ("cancle", "cancel"),
        ("cancer", "cancer"),
        ("cancelled", "cancelled"),
        ("lap", "lap"),
        ("想买自形车", "想买自行车"),
        ("洗尘器", "吸尘器"),
        ("谢", "谢"),
        ("", ""),
    ],
)
def test_a_slip_is_mended_and_a_word_of_its_own_is_not(said, meant):
    assert MENDER.mend(said) == meant


def test_what_may_be_two_words_is_left_as_it_was():
    mender = Mender.of(["table", "cable"], [], [], frozenset())
    assert mender.mend("xable") == "xable"
    both = Mender.of(["stable", "staple"], [], [], frozenset())
    assert both.mend("stagle") == "stagle"


@given(
    st.lists(st.text(alphabet="abcde", min_size=5, max_size=9), min_size=1, max_size=8),
    st.text(alphabet="abcdes", min_size=5, max_size=10),
)
def test_looking_at_letters_first_misses_nothing(words, said):
    quick = Mender.of(words, [], [], frozenset()).mend(said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mending, "MOST_OTHERS", 99)
        assert Mender.of(words, [], [], frozenset()).mend(said) == quick


def test_no_more_words_are_remembered_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(mending, "REMEMBERED", 2)
    mender = Mender.of(["headphones"], [], [], frozenset())
    assert mender.mend("headfones headphoens somewhere headfones") == (
        "headphones headphones somewhere headphones"
    )
    assert len(mender.seen) == 2


@given(st.text(max_size=80))
def test_mending_twice_changes_nothing_more(text):
    assert MENDER.mend(MENDER.mend(text)) == MENDER.mend(text)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("想换个手极", "想换个手机"), ("平版电视", "平版电视"), ("到手几天了", "到手几天了"),
     ("二手换新", "二手换新"), ("这手还可以", "这手还可以")],
)  # fmt: skip
def test_two_characters_are_mended_where_they_are_no_part_of_other_words(said, meant):
    mender = Mender.of([], [], ["手机", "手环"], frozenset())
    assert mender.mend(said) == meant


def test_a_word_and_its_plural_are_no_doubt():
    mender = Mender.of(["headphone", "headphones"], [], [], frozenset())
    assert mender.mend("headphons") == "headphones"
