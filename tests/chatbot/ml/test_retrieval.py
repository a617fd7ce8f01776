"""The question book, its BM25, and the groups of words that mean the same."""

import math

import numpy as np
import pytest

from chatbot.answers import _groups
from chatbot.ml.retrieval import K1, B, Bm25, Entry, QuestionBook


class TestBm25:
    DOCUMENTS = [["how", "much", "shipping"], ["return", "policy"], ["how", "return", "return"]]

    def test_a_text_asked_word_for_word_scores_one(self):
        book = Bm25(self.DOCUMENTS)
        for row, document in enumerate(self.DOCUMENTS):
            assert book.score(document)[row] == pytest.approx(1.0)

    def test_scores_are_those_of_the_formula(self):
        scores = Bm25(self.DOCUMENTS).score(["return"])
        mean, seen = 8 / 3, 2
        idf = math.log(1 + (3 - seen + 0.5) / (seen + 0.5))
        rare = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
        length = K1 * (1 - B + B * 2 / mean)
        of_return, of_policy = (w * (K1 + 1) / (1 + length) for w in (idf, rare))
        assert scores[1] == pytest.approx(of_return / (of_return + of_policy))
        assert scores[0] == 0

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
