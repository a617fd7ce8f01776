"""Copies that a classifier learns from beside the texts themselves."""

import numpy as np

from chatbot.ml.noise import mistyped, mixed

PAIRS = [("正品", "genuine"), ("订单", "order")]


def rng():
    return np.random.default_rng(3)


def test_a_mistyped_copy_is_nearly_its_text_and_says_which_row():
    copies = mistyped(["where is my order", "hi"], share=1.0, rng=rng())
    assert [row for _, row in copies] == [0]
    assert copies[0][0] != "where is my order"
    assert abs(len(copies[0][0]) - len("where is my order")) <= 2


def test_a_word_is_said_in_the_other_language():
    copies = mixed(["is it genuine?", "是正品吗", "hello"], PAIRS, share=1.0, rng=rng())
    assert copies == [("is it 正品?", 0), ("是 genuine 吗", 1)]


def test_a_part_of_a_word_is_no_word():
    assert mixed(["reorder it"], PAIRS, share=1.0, rng=rng()) == []


def test_no_share_no_copies():
    assert mixed(["my order"], PAIRS, share=0.0, rng=rng()) == []


def test_the_same_chance_makes_the_same_copies():
    texts = ["order and genuine"] * 5
    assert mixed(texts, PAIRS, share=0.5, rng=rng()) == mixed(texts, PAIRS, share=0.5, rng=rng())
