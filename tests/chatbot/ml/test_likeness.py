"""Texts that ask the same, gathered."""

import numpy as np

from chatbot.ml import likeness

TEXTS = [
    "do you repair espresso machines",
    "can you repair an espresso machine?",
    "repair of espresso machines",
    "可以刻字吗",
    "请问可以刻字吗？",
    "what is the meaning of life",
]


def test_wordings_of_one_question_come_together_the_largest_group_first():
    rows = likeness.by_pieces(TEXTS)
    found = likeness.groups(rows, alike=likeness.ALIKE[False])
    assert [sorted(group.members) for group in found] == [[0, 1, 2], [3, 4], [5]]


def test_every_text_is_in_one_group():
    rows = likeness.unit(np.random.default_rng(1).normal(size=(60, 8)))
    found = likeness.groups(rows, alike=0.5)
    assert sorted(m for group in found for m in group.members) == list(range(60))
    sizes = [len(group.members) for group in found]
    assert sizes == sorted(sizes, reverse=True)


def test_the_first_of_a_group_is_near_all_the_others():
    rows = likeness.unit(np.random.default_rng(2).normal(size=(60, 4)))
    for group in likeness.groups(rows, alike=0.6):
        assert (rows[list(group.members)] @ rows[group.centre] >= 0.6 - 1e-6).all()


def test_the_nearest_known_question():
    rows = likeness.by_pieces(["is engraving possible", "zzz"])
    known = likeness.by_pieces(["how much is shipping", "is engraving possible at all"])
    place, alike = likeness.nearest(rows, known)
    assert place[0] == 1
    assert alike[0] > 0.8 > alike[1]


def test_nothing_known_is_nothing_near():
    place, alike = likeness.nearest(likeness.by_pieces(["x"]), likeness.by_pieces([]))
    assert (place[0], alike[0]) == (-1, 0.0)


def test_empty_and_odd_texts_are_texts_too():
    rows = likeness.by_pieces(["", "🙂", "a", "\u202eabc"])
    assert np.isfinite(rows).all()
    assert len(likeness.groups(rows, alike=0.35)) >= 2
    assert likeness.groups(likeness.by_pieces([]), alike=0.35) == []
