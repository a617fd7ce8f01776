"""The two pipelines: words that are never cut through, and things named that stand where they say."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.ml import pipeline
from chatbot.ml.entities import Scene
from chatbot.ml.lexicon import Item, Lexicon, Phrase
from crm.ml.text import normalise

PHRASES = (
    Phrase("手机", "category", "phone"),
    Phrase("phone", "category", "phone"),
    Phrase("帕斯塔克", "brand", "pastak"),
    Phrase("Nova", "brand", "nova"),
    Phrase("Nova Air 3", "product", "P3"),
    Phrase("星河蓝", "color", "blue"),
    Phrase("轻薄", "feature", "slim"),
)
LEXICON = Lexicon(PHRASES, items={"P3": Item("P3", "phone", "nova", 1999, features=("slim",))})
SCENE = Scene(today=date(2024, 6, 15))
SAID = (  # parts of messages, to be mixed
    *("我想买", "帕斯塔克", "手机", "ＮＯＶＡ　ａｉｒ", "nova-air 3", "星河藍的", "3000以内", "第二个", "two phones"),
    *("under ３k", "AB 100 2003", "明天", "不要", "不对，是", "actually", "送女朋友", "for my mum", "42码", "有货吗"),
    *("來兩個", "😀", "é", "e\u0301", "ﬁ", "㍿", "①", "\u200b", " ", "\n", "，", "?", "x", "İ"),
)  # fmt: skip


def read(text, lexicon=LEXICON):
    return lexicon.reader.read(text, SCENE)


def test_words_of_the_catalogue_are_never_cut_through():
    assert read("想看看帕斯塔克手机的星河蓝").tokens[-5:] == (
        "看看",
        "帕斯塔克",
        "手机",
        "的",
        "星河蓝",
    )
    assert read("is the Nova Air 3 thin?").tokens == ("is", "the", "Nova Air 3", "thin", "?")
    assert "帕斯塔克" not in read("想看看帕斯塔克手机", Lexicon()).tokens


def test_an_order_number_is_one_word():
    assert read("where is AB-100 2003 now").tokens == ("where", "is", "AB-100 2003", "now")


def test_a_word_is_cut_where_something_named_ends_in_it():
    told = read("nova第二款")
    assert [e.slot for e in told.entities] == ["brand", "ordinal"]
    assert "".join(told.tokens) == "nova第二款"


def test_two_things_at_one_place_are_both_told():
    told = {e.slot: (e.value, e.start, e.end) for e in read("2000到3000的").entities}
    assert told["price_min"][0] == 2000
    assert told["price_max"][0] == 3000
    assert told["price_min"][1:] == told["price_max"][1:]


def test_names_belong_to_no_language_and_kinds_of_goods_do():
    assert read("帕斯塔克的 Nova Air 3 手机").names == ("帕斯塔克", "Nova Air 3")


def test_a_text_may_be_of_both_languages():
    told = {e.slot: e.value for e in read("show me 帕斯塔克 phones 两千以内").entities}
    assert told == {"brand": "pastak", "category": "phone", "price_max": 2000}


@pytest.mark.parametrize("text", ["", " ", "，", "😀😀", "a" * 2000, "手" * 2000, "\ud800"])
def test_a_text_in_which_nothing_is_named_tells_nothing(text):
    told = read(normalise(text))
    assert told.entities == ()
    assert "".join(told.tokens) == normalise(text)


@given(st.lists(st.sampled_from(SAID), max_size=8).map("".join) | st.text(max_size=60))
@example("150 to 350 maybe")
@example("① ② 个")
def test_whatever_is_said_every_thing_named_stands_where_it_says(text):
    clean = normalise(text)
    told = read(clean)
    assert "".join(told.tokens).replace(" ", "") == clean.replace(" ", "")
    for entity in told.entities:
        said = clean[entity.start : entity.end]
        assert said
        assert said == said.strip()
        assert 0 <= entity.start < entity.end <= len(clean)


@given(st.text(max_size=60))
def test_a_document_says_what_was_said(text):
    assert pipeline.Words(pipeline.Vocab(), LEXICON)(text).text == text


def test_words_nobody_knew_are_forgotten_again():
    read("warm up 预热")
    vocabularies = [pipeline._pipeline(language).vocab for language in ("zh", "en")]
    before = [(sum(1 for _ in v), len(v.strings)) for v in vocabularies]
    for number in range(300):
        read(f"qwx{number:03d}zz abc{number}def")
        read(f"想买qwx{number:03d}zz的手机")
    assert [(sum(1 for _ in v), len(v.strings)) for v in vocabularies] == before


def test_readers_of_two_catalogues_on_many_threads_keep_to_their_own():
    other = Lexicon((Phrase("手机", "category", "other"),))
    texts = [f"{'我想买手机' if i % 3 else 'nova phone'} {i}" for i in range(60)]
    alone = [(read(text), read(text, other)) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        ours, theirs = (
            list(pool.map(lambda text, lexicon=lexicon: read(text, lexicon), texts))
            for lexicon in (LEXICON, other)
        )
    assert list(zip(ours, theirs, strict=True)) == alone


def test_components_follow_each_other_in_both_languages():
    for language in ("zh", "en"):
        nlp = pipeline._pipeline(language)
        assert nlp.lang == language
        assert tuple(nlp.pipe_names) == pipeline.COMPONENTS


def test_spans_are_to_be_had_from_the_document_itself():
    nlp = pipeline._pipeline("zh")
    nlp.tokenizer = pipeline.Words(nlp.vocab, LEXICON)
    settings = {name: {"scene": SCENE} for name in pipeline.COMPONENTS}
    doc = nlp("要3000以内的手机", component_cfg=settings)
    spans = doc.spans[pipeline.SPANS]
    assert [(span.label_, span.text) for span in spans] == [
        ("price_max", "3000以内"),
        ("category", "手机"),
    ]
    assert spans.attrs["values"] == [3000, "phone"]
