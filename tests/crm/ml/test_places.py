"""Every character of a normalised text knows where it stood when it was typed."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm.ml.places import carried, places_of
from crm.ml.text import normalise, simplified


def stood(text, said):
    """The typed characters from which these characters of the normalised text came."""
    at = normalise(text).index(said)
    places = places_of(text)[at : at + len(said)]
    return text[places[0][0] : places[-1][1]]


@pytest.mark.parametrize(
    ("typed", "said", "as_typed"),
    [
        ("想买手机", "手机", "手机"),
        ("我想買ＧＩＡＮＴ的腳踏車", "GIANT", "ＧＩＡＮＴ"),
        ("我想買ＧＩＡＮＴ的腳踏車", "脚踏车", "腳踏車"),
        ("㍿的手機", "手机", "手機"),
        ("①② 手機", "手机", "手機"),
        ("😀😀手機😀", "手机", "手機"),
        ("e\u0301clair phone", "éclair", "e\u0301clair"),
        ("ﬁne phone", "fine", "ﬁne"),
        ("  two \t\n\u3000 phones ", "two phones", "two \t\n\u3000 phones"),
        ("pho\u200bne", "phone", "pho\u200bne"),
        ("\u1112\u1161\u11ab phone", "phone", "phone"),
        ("it’s", "it's", "it’s"),
    ],
)
def test_what_was_said_is_found_again_where_it_was_typed(typed, said, as_typed):
    assert stood(typed, said) == as_typed


@given(
    st.text(max_size=60)
    | st.text(alphabet="手機買ＧI ﬁ㍿①😀é\u0301\u200b\u3000\n’x\u1161\u11ab\u1112가", max_size=30)
)
@example("\u0344")
@example("\u09c7\u09be")
def test_every_character_has_a_place_and_they_follow_each_other(text):
    clean, places = normalise(text), places_of(text)
    assert len(places) == len(clean)
    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in zip(places, places[1:], strict=False))


@given(st.text(max_size=40))
def test_a_character_came_from_what_stood_at_its_place(text):
    for char, (start, end) in zip(normalise(text), places_of(text), strict=True):
        origin = simplified(unicodedata.normalize("NFKC", text[start:end])).replace("’", "'")
        assert char in origin.replace("‘", "'") or char == " " or len(text[start:end]) != 1


@given(st.text(alphabet="abc手机 ", max_size=20), st.text(alphabet="abc手机 ", max_size=20))
def test_a_changed_text_keeps_as_many_places_as_it_has_characters(before, after):
    places = carried(before, after, [(at, at + 1) for at in range(len(before))])
    assert len(places) == len(after)
    assert all(start <= end <= len(before) for start, end in places)


def test_a_word_that_was_mended_stands_where_the_misspelt_one_stood():
    before, after = "a headfones please", "a headphones please"
    places = carried(before, after, [(at, at + 1) for at in range(len(before))])
    at = after.index("headphones")
    start, end = places[at][0], places[at + len("headphones") - 1][1]
    assert before[start:end] == "headfones"
    assert before[places[after.index("please")][0] :] == "please"
