"""The shop's words in a text: the longest wins, and every one stands where it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.ml.lexicon import Item, Lexicon, Phrase, squeeze

PHRASES = (
    Phrase("手机", "category", "phone"),
    Phrase("手机壳", "category", "case"),
    Phrase("phone", "category", "phone"),
    Phrase("美的", "brand", "midea"),
    Phrase("Mate 60", "product", "P6"),
    Phrase("Mate 60 Pro", "product", "P7"),
    Phrase("防晒", "category", "skincare"),
    Phrase("防晒霜", "feature", "sunscreen"),
    Phrase("轻薄", "feature", "slim"),
    Phrase("轻薄", "feature", "light"),
    Phrase("鞋", "category", "shoes"),
)
ITEMS = {
    "P6": Item("P6", "phone", "huawei", 5999, features=("slim",)),
    "P7": Item("P7", "phone", "huawei", 6999, features=("light",)),
}
LEXICON = Lexicon(PHRASES, items=ITEMS)


def named(text):
    return [(f.slot, f.values, text[f.start : f.end]) for f in LEXICON.find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("买手机壳", [("category", ("case",), "手机壳")]),
        ("mate-60 or MATE60PRO", [("product", ("P6",), "mate-60"), ("product", ("P7",), "MATE60PRO")]),
        ("mate 601", []),
        ("two phones", [("category", ("phone",), "phones")]),
        ("I phoned", []),
        ("完美的", []),
        ("美的", [("brand", ("midea",), "美的")]),
        ("防晒霜", [("category", ("skincare",), "防晒霜"), ("feature", ("sunscreen",), "防晒霜")]),
        ("轻薄", [("feature", ("slim", "light"), "轻薄")]),
        ("鞋", [("category", ("shoes",), "鞋")]),
        ("İ phone İ 手机", [("category", ("phone",), "phone"), ("category", ("phone",), "手机")]),
        ("", []),
    ],
)  # fmt: skip
def test_what_the_shop_sells_is_found_by_any_spelling_and_nothing_else(text, found):
    assert named(text) == found


def test_features_of_a_category_come_from_its_products():
    assert LEXICON.features_of("phone") == {"slim", "light"}
    assert LEXICON.features_of("boat") == set()


def longest_first(text):
    """What `find` promises, the slow way: every place for every length, the longest first."""
    low = text.lower()
    places = [at for at, c in enumerate(low) if squeeze(c)]
    squeezed = squeeze(low)
    keys = {squeeze(p.text) for p in PHRASES}
    taken, spans = set(), set()
    for length in sorted({len(key) for key in keys}, reverse=True):
        for start in range(len(squeezed) - length + 1):
            here = set(range(start, start + length))
            if here & taken or squeezed[start : start + length] not in keys:
                continue
            taken |= here
            spans.add((places[start], places[start + length - 1] + 1))
    return spans


@given(st.text(alphabet="手机壳美的防晒霜鞋 ，", max_size=24))
def test_the_longest_words_win_and_never_overlap(text):
    assert {(f.start, f.end) for f in LEXICON.find(text)} == longest_first(text)


@given(st.text(max_size=60))
def test_whatever_is_said_a_name_found_is_the_name_said(text):
    keys = {squeeze(p.text) for p in PHRASES}
    for found in LEXICON.find(text):
        said = squeeze(text[found.start : found.end])
        assert any(said in (key, f"{key}s", f"{key}es") for key in keys), said
