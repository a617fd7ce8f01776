"""Encoders by name: what is there, and what a text is by each."""

import numpy as np
import pytest

from crm import encoders
from crm.encoders import MissingEncoder
from crm.ml.joined import JOINED, MULTILINGUAL, WIDTH, WIDTHS, WORTH
from tests.crm.encoding import NEEDS_ENCODER, meant

TEXTS = ["where is my order", "我的订单在哪里", "return 这个 please", ""]


@pytest.fixture
def have(monkeypatch):
    """Install these of the two encoders; the texts that the English one was asked are noted."""
    asked = []

    def english(texts):
        asked.extend(texts)
        return meant(texts, 384)

    def install(*names):
        first = (lambda texts: meant(texts, 512)) if "encoder" in names else (lambda _: None)
        second = english if "english" in names else (lambda _: None)
        monkeypatch.setattr(encoders.encoder, "encode", first)
        monkeypatch.setattr(encoders.english_encoder, "encode", second)
        monkeypatch.setattr(encoders.english_encoder, "is_usable", lambda: "english" in names)
        return asked

    return install


@pytest.mark.parametrize(
    ("installed", "strongest"),
    [
        (("encoder", "english"), JOINED),
        (("encoder",), MULTILINGUAL),
        (("english",), ""),  # what reads no Chinese does not stand alone
        ((), ""),
    ],
)
def test_the_strongest_is_of_what_is_installed(have, installed, strongest):
    have(*installed)
    assert encoders.strongest() == strongest
    assert encoders.is_usable(strongest)
    assert encoders.is_usable(JOINED) == (strongest == JOINED)


def test_each_name_has_its_width(have):
    have("encoder", "english")
    for name, width in WIDTHS.items():
        assert encoders.encode_by(name, TEXTS).shape == (4, width)
        assert encoders.encode_by(name, []).shape == (0, width)


def test_no_name_is_no_embedding(have):
    have("encoder", "english")
    assert encoders.encode_by("", TEXTS) is None
    assert encoders.is_usable("")


def test_what_has_chinese_in_it_is_the_first_encoders_alone(have):
    asked = have("encoder", "english")
    rows = encoders.encode_by(JOINED, TEXTS)
    assert (rows[1:3, WIDTH:] == 0).all()
    assert np.linalg.norm(rows[:3], axis=1) == pytest.approx(1, abs=1e-5)
    plain = encoders.encode_by(MULTILINGUAL, TEXTS)
    assert rows[1, :WIDTH] == pytest.approx(plain[1] / np.linalg.norm(plain[1]), abs=1e-6)
    assert asked == [TEXTS[0], TEXTS[3]], "and the second is not asked in vain"


def test_chinese_alone_asks_nothing_of_the_second(have):
    asked = have("encoder", "english")
    assert (encoders.encode_by(JOINED, ["你好"])[:, WIDTH:] == 0).all()
    assert asked == []


@pytest.mark.parametrize(
    ("installed", "name"),
    [(("encoder",), JOINED), ((), JOINED), (("english",), JOINED), ((), MULTILINGUAL)],
)
def test_what_is_missing_is_named(have, installed, name):
    have(*installed)
    assert not encoders.is_usable(name)
    with pytest.raises(MissingEncoder, match=name.replace("+", r"\+")):
        encoders.encode_by(name, TEXTS)


def test_a_name_that_nobody_knows_is_missing_too(have):
    have("encoder", "english")
    assert not encoders.is_usable("bert-large")
    with pytest.raises(MissingEncoder, match="bert-large"):
        encoders.encode_by("bert-large", TEXTS)


@NEEDS_ENCODER
@pytest.mark.scale
def test_with_the_extra_both_have_their_say_in_english_and_chinese_is_as_before():
    english = ["my card has not arrived", "still waiting for my card", "I lost my card"]
    chinese = ["我的卡被拒了", "商店不收我的卡", "我的卡丢了"]
    assert encoders.strongest() == JOINED
    plain, both = (encoders.encode_by(n, english + chinese) for n in (MULTILINGUAL, JOINED))
    plain, second = cosines(plain), cosines(encoders.english_encoder.encode(english))
    told = (1 - WORTH) * plain[:3, :3] + WORTH * second
    assert cosines(both)[:3, :3] == pytest.approx(told, abs=1e-5)
    assert np.abs(second - plain[:3, :3]).max() > 0.02, "it is not the same encoder twice"
    assert cosines(both)[3:, 3:] == pytest.approx(plain[3:, 3:], abs=1e-5)


def cosines(rows):
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T
