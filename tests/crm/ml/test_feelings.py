"""Feelings told by a list of words."""

import pytest

from crm.ml.feelings import feel


@pytest.mark.parametrize(
    ("text", "label"),
    [("太失望了，什么垃圾", "neg"), ("I love it, great phone", "pos"), ("不好看", "neg"), ("not good at all", "neg"), ("我想买手机", "neu"),
     ("I'd like a phone", "neu"), ("thank you so much", "pos")],
)  # fmt: skip
def test_feelings_are_told(text, label):
    assert feel(text).label == label
