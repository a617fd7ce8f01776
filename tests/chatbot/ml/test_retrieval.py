"""The question book, its BM25, and the groups of words that mean the same."""

import math

import numpy as np
import pytest

from chatbot.answers import _groups
from chatbot.ml.retrieval import K1, B, Bm25, Entry, QuestionBook


class TestBm25:
    DOCUMENTS = [["how", "much", "shipping"], ["return", "policy"], ["how", "return", "return"]]

    def test_texts_asked_word_for_word_score_one_in_the_mean(self):
        book = Bm25(self.DOCUMENTS)
        own = [book.score(document)[row] for row, document in enumerate(self.DOCUMENTS)]
        assert np.mean(own) == pytest.approx(1.0)

    def test_a_text_that_says_more_of_what_is_asked_beats_one_that_says_only_a_part(self):
        scores = Bm25([["return"], ["return", "an", "opened", "box"]]).score(["return", "opened"])
        assert scores[1] > scores[0] > 0

    def test_scores_are_those_of_the_formula(self):
        scores = Bm25(self.DOCUMENTS).score(["return"])
        mean, number = 8 / 3, 3

        def worth(times, seen, length):
            idf = math.log(1 + (number - seen + 0.5) / (seen + 0.5))
            return idf * times * (K1 + 1) / (times + K1 * (1 - B + B * length / mean))

        first = worth(1, 2, 3) + worth(1, 1, 3) + worth(1, 1, 3)
        second = worth(1, 2, 2) + worth(1, 1, 2)
        third = worth(1, 2, 3) + worth(2, 2, 3)
        scale = (first + second + third) / number
        assert scores == pytest.approx([0, worth(1, 2, 2) / scale, worth(2, 2, 3) / scale])

    def test_strange_words_score_nothing(self):
        assert Bm25(self.DOCUMENTS).score(["piano"]).tolist() == [0, 0, 0]

    @pytest.mark.parametrize("documents", [[], [[]], [[], ["a"]]])
    def test_empty_texts_are_no_trouble(self, documents):
        assert len(Bm25(documents).score(["a"])) == len(documents)


class TestTheBook:
    BOOK = QuestionBook(
        [
            Entry("fee", "How much is shipping?"),
            Entry("fee", "运费怎么算？"),
            Entry("returns", "What is your return policy?"),
        ],
        groups=_groups(),
    )

    def test_each_answer_is_named_once_best_first(self):
        hits = self.BOOK.ask("邮费贵吗")
        assert [slug for slug, _ in hits] == ["fee", "returns"]
        assert hits[0][1] > 0.5 > hits[1][1]

    def test_words_of_a_group_stand_for_each_other_in_both_languages(self):
        assert self.BOOK.ask("who pays for delivery")[0][0] == "fee"

    def test_meaning_counts_where_there_are_embeddings(self):
        dense = np.eye(3, dtype=np.float32)
        book = QuestionBook(self.BOOK.entries, dense)
        assert book.ask("zzz", dense[2])[0][0] == "returns"

    def test_a_country_alone_is_no_question_about_shipping_abroad(self):
        book = QuestionBook([Entry("abroad", "能寄到国外吗？")], groups=_groups())
        assert book.ask("可以寄到美国吗")[0][1] > 0.5
        assert book.ask("美国大选谁会赢")[0][1] < 0.2
