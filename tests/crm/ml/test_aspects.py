"""Which aspects a text speaks of, and how each clause feels."""

import pytest

from crm.ml.aspects import DEFAULTS, clauses, default_rows, read, sides

SHIPPED = sides(default_rows())


def told(text, **how):
    return {one.aspect: one.label for one in read(text, SHIPPED, **how)}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("物流慢但是质量不错", {"delivery": "neg", "quality": "pos"}),
        ("质量不好", {"quality": "neg"}),
        ("包装破了，客服不回，不过价格便宜", {"packaging": "neg", "service": "neg", "price": "pos"}),
        ("尺码不偏大，很合身", {"size": "pos"}),
        ("非常快，态度好", {"service": "pos"}),
        ("手机收到了", {}),
        ("The delivery was not slow and the fabric feels nice", {"delivery": "pos", "quality": "pos"}),
        ("battery drains fast but it looks great", {"battery": "neg", "look": "pos"}),
        ("delivery took two days longer", {"delivery": "neg"}),
        ("Great taste, although the box was torn.", {"taste": "pos", "packaging": "neg"}),
        ("", {}),
    ],
)  # fmt: skip
def test_each_clause_feels_for_itself(text, meant):
    assert told(text) == meant


def test_a_contrast_parts_clauses_in_both_languages():
    assert clauses("物流慢但是质量不错") == ["物流慢", "质量不错"]
    assert clauses("Slow, but good.") == ["slow", "good"]


def test_the_feeling_of_the_whole_counts_where_only_one_aspect_is_named():
    assert told("The parcel", overall="neg") == {"delivery": "neg"}
    assert told("the parcel and the box", overall="neg") == {"delivery": "neu", "packaging": "neu"}


def test_every_shipped_aspect_has_names_and_words_in_both_languages():
    for name_en, name_zh, words, praise, blame in DEFAULTS.values():
        assert name_en.isascii()
        assert not name_zh.isascii()
        for listed in (words, praise, blame):
            assert any(word.isascii() for word in listed.split())
            assert not all(word.isascii() for word in listed.split())


def test_words_of_the_staff_count_like_the_shipped_ones():
    own = sides([("warranty", ["warranty", "保修"], ["long"], ["short"])])
    assert [(m.aspect, m.label) for m in read("保修不错，warranty too short", own)] == [
        ("warranty", "pos")
    ]


def test_an_aspect_without_words_is_never_meant():
    assert read("anything at all", sides([("empty", [], [], [])])) == []
