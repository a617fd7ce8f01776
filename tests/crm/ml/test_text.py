"""One spelling, one language, words."""

import pytest

from crm.ml.text import clauses_of, language_of, normalise, tokens_of


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ＭａｃＢｏｏｋ　Ａｉｒ", "MacBook Air"),
        ("我想買這個", "我想买这个"),
        ("a\u200bb\u202ec", "abc"),
        (" a\n\tb ", "a b"),
        ("it’s", "it's"),
    ],
)
def test_what_looks_the_same_is_written_the_same(written, meant):
    assert normalise(written) == meant


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我想买手机", "zh"), ("I want a phone", "en"), ("do you sell 华为 tablets", "en"), ("有没有iPhone", "zh"),
        ("推荐一个good的手机", "zh"), ("hi", "en"), ("嗨", "zh"),
    ],
)  # fmt: skip
def test_the_language_is_that_of_the_words_between_the_names(text, language):
    assert language_of(text, names=("华为", "iPhone")) == language


@pytest.mark.parametrize("before", ["zh", "en"])
@pytest.mark.parametrize("text", ["SO10023417", "42", "😀", "..."])
def test_what_has_no_language_keeps_the_one_before(text, before):
    assert language_of(text, before=before) == before


def test_words_are_cut_in_both_languages():
    assert tokens_of("我想买iPhone 15")[-2:] == ["iphone", "15"]


def test_a_message_falls_into_its_parts():
    assert clauses_of("查订单，另外运费多少") == ["查订单", "运费多少"]
    assert len(clauses_of("hello. where is it?")) == 2
