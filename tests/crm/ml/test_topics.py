"""Topics: phrases that hold together, and the texts that share them."""

import numpy as np

from crm.ml.topics import phrase_table, risen, topics

ZH = [
    "仓库爆仓了，一直不发货",
    "又是仓库爆仓，等了一周",
    "屏幕很清晰，喜欢",
    "屏幕清晰，颜色漂亮",
] * 6
EN = [
    "the warehouse backlog again",
    "a warehouse backlog, they say",
    "battery life is short",
    "short battery life",
] * 6


def test_words_that_stand_together_become_a_phrase():
    _, phrases = phrase_table(EN, fewest=5, most=100)
    assert {"warehouse backlog", "battery life"} <= set(phrases)
    assert "the warehouse" not in phrases


def test_chinese_phrases_are_written_without_a_gap():
    _, phrases = phrase_table(ZH, fewest=5, most=100)
    assert "屏幕" in phrases
    assert any("爆仓" in phrase for phrase in phrases)
    assert not any(" " in phrase for phrase in phrases)


def test_texts_that_share_phrases_share_a_topic():
    found = topics(EN, count=2)
    assert len(found) == 2
    places = [set((topic.texts % 4).tolist()) for topic in found]
    assert sorted(map(sorted, places)) == [[0, 1], [2, 3]]
    assert any("warehouse backlog" in topic.phrases for topic in found)


def test_the_same_seed_finds_the_same():
    one, two = topics(ZH, count=3), topics(ZH, count=3)
    assert [t.phrases for t in one] == [t.phrases for t in two]
    assert all(np.array_equal(a.texts, b.texts) for a, b in zip(one, two, strict=True))


def test_too_few_texts_have_no_topics():
    assert topics([], count=5) == []
    assert topics(["hello"], count=5) == []
    assert topics(["", " "] * 20, count=5) == []


def test_no_phrase_reaches_over_a_sign():
    _, phrases = phrase_table(["质量不错，价格划算"] * 20 + ["其他"] * 30, fewest=5, most=100)
    assert not [phrase for phrase in phrases if "错价" in phrase]


def test_a_phrase_that_rises_is_a_topic_of_its_own():
    past = ["delivery was quick", "love the colour", "solid quality", "fair price"] * 50
    week = ["a warehouse backlog, they said"] * 8 + past[:20]
    recent = np.array([False] * len(past) + [True] * len(week))
    (topic,) = risen([*past, *week], recent, level=0.05)
    assert "warehouse backlog" in topic.phrases
    assert topic.texts.tolist() == list(range(200, 208))
    assert topic.p < 0.05


def test_weeks_alike_have_nothing_that_rose():
    rng = np.random.default_rng(0)
    words = [f"word{n}" for n in range(60)]
    found = 0
    for _ in range(40):
        texts = [" ".join(rng.choice(words, 5)) for _ in range(400)]
        found += bool(risen(texts, np.arange(400) >= 350, level=0.05))
    assert found <= 4
