"""What was encoded lately is not encoded again, and texts of one message go together."""

import numpy as np
import pytest

from crm import encoder


class Counting:
    """A row tells how long its text is; every call is written down."""

    def __init__(self):
        self.calls = []

    def encode(self, texts):
        self.calls.append(list(texts))
        return np.array([[len(text)] * 512 for text in texts], np.float32)


@pytest.fixture
def counting(monkeypatch):
    counting = Counting()
    monkeypatch.setattr(encoder, "_encoder", lambda: counting)
    monkeypatch.setattr(encoder, "_kept", {})
    return counting


def lengths(texts):
    return encoder.encode(texts)[:, 0].tolist()


def test_the_parts_of_a_message_are_encoded_together_and_once(counting):
    assert lengths(["hello you", "hello", "hello", "you"]) == [9, 5, 5, 3]
    assert lengths(["you"]) == [3]
    assert lengths(["hello you", "and me"]) == [9, 6]
    assert counting.calls == [["hello you", "hello", "you"], ["and me"]]


def test_no_text_is_no_row(counting):
    assert encoder.encode([]).shape == (0, 512)
    assert counting.calls == []


def test_the_ones_asked_for_longest_ago_are_forgotten(counting, monkeypatch):
    monkeypatch.setattr(encoder, "MOST_KEPT", 2)
    for text in ("a", "bb", "a", "ccc"):
        lengths([text])
    assert list(encoder._kept) == ["a", "ccc"]
    assert lengths(["a", "bb", "ccc", "dddd"]) == [1, 2, 3, 4]


def test_what_is_given_away_may_be_changed(counting):
    encoder.encode(["hello"])[:] = 0
    assert lengths(["hello"]) == [5]


def test_many_texts_are_taken_in_parts_and_not_kept(counting, monkeypatch):
    monkeypatch.setattr(encoder, "AT_ONCE", 10)
    assert lengths(["x" * n for n in range(25)]) == list(range(25))
    assert [len(call) for call in counting.calls] == [10, 10, 5]
    assert encoder._kept == {}


def test_without_the_package_there_are_no_rows(monkeypatch):
    monkeypatch.setattr(encoder, "_encoder", lambda: None)
    assert encoder.encode(["hello"]) is None
