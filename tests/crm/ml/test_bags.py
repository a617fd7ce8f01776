"""Texts as counts of words and of runs of characters."""

import numpy as np

from crm.ml.bags import LONGEST, Bag, runs_of, words_of

TEXTS = ["物流很慢！", "快递 慢", "slow delivery!", "Slow, slow delivery", "slow food"]


def test_words_come_with_their_neighbours():
    assert list(words_of("Slow delivery")) == ["slow", "delivery", "slow delivery"]


def test_chinese_runs_are_short_and_count_signs():
    assert {"慢!", "很慢", "物流很慢"} <= set(runs_of("物流很慢！"))


def test_latin_runs_stay_within_words():
    assert {" sl", "slow", "low "} <= set(runs_of("slow food"))
    assert not [run for run in runs_of("slow food") if "w f" in run]


def test_terms_used_by_few_are_left_out():
    bag = Bag("words", fewest=2)
    counts = bag.fit_transform(TEXTS)
    assert set(bag.terms_) == {"慢", "slow", "delivery", "slow delivery"}
    assert counts.shape == (5, 4)


def test_the_commonest_terms_stay_where_there_are_too_many():
    bag = Bag("words", most=1)
    bag.fit_transform(TEXTS)
    assert bag.terms_ == ["slow"]


def test_counting_again_gives_the_same_rows_and_strangers_count_nothing():
    bag = Bag("words")
    counts = bag.fit_transform(TEXTS)
    assert np.array_equal(bag.transform(TEXTS).toarray(), counts.toarray())
    assert bag.transform(["zzz"]).nnz == 0
    assert counts[3, bag.terms_.index("slow")] == 2


def test_terms_survive_as_bytes_in_every_script():
    bag = Bag("characters")
    bag.fit_transform([*TEXTS, "a\u2028b \x85 😀"])
    again = Bag.from_array("characters", bag.array())
    assert again.terms_ == bag.terms_
    assert np.array_equal(again.transform(TEXTS).toarray(), bag.transform(TEXTS).toarray())


def test_nothing_to_count_is_an_empty_bag():
    bag = Bag("words")
    assert bag.fit_transform(["", " "]).shape == (2, 0)
    assert Bag.from_array("words", bag.array()).transform(["hello"]).shape == (1, 0)


def test_only_the_beginning_of_an_endless_text_counts():
    assert sum(1 for _ in words_of("a " * 10 * LONGEST)) < 2 * LONGEST
