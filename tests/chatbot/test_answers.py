"""Answers: found by words, by meaning, and by what the question is about."""

import pytest

from chatbot import answers, seeds, understanding
from chatbot.models import Answer
from tests.chatbot.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_fresh_catalogue")]


def make(slug, zh, en):
    return Answer.objects.create(
        slug=slug, question_zh=zh, question_en=en, answer_zh=slug, answer_en=slug
    )


@pytest.fixture
def book(db):
    make("delivery_cost", "要付邮费吗，满多少免邮？", "Is there a delivery charge?")
    make("service_time", "人工客服的工作时间是？", "When is customer service open?")
    make("guarantee", "产品质保期有多长？", "How long does the guarantee last?")
    make("engraving", "可以刻字吗？", "Do you engrave?")


def best(question, language="zh"):
    return answers.find(question, language=language, now=NOW)[0]


@pytest.mark.usefixtures("book", "trained")
class TestFar:
    @pytest.mark.parametrize(
        ("question", "slug"),
        [
            ("寄到我们村里快递费谁承担啊", "delivery_cost"),
            ("夜里十一点还有人接待吗", "service_time"),
            ("用半年要是坏掉了你们管不管", "guarantee"),
            ("is anybody around to talk to on a Sunday evening", "service_time"),
        ],
    )
    def test_a_question_in_other_words_finds_its_answer(self, question, slug):
        hit = best(question)
        assert hit.slug == slug
        assert hit.chance > 0.3

    def test_an_answer_about_no_common_topic_is_found_by_its_words(self):
        assert best("请问这个能刻字吗").slug == "engraving"

    def test_word_for_word_nothing_has_to_confirm(self):
        assert best("可以刻字吗？").chance > answers.WORD_FOR_WORD

    def test_a_question_that_no_answer_is_about_fits_none_well(self):
        assert best("怎么开增值税专用发票").chance < 0.3

    def test_a_changed_answer_counts_at_once(self):
        assert best("能上门安装吗").chance < 0.3
        make("fitting", "提供上门安装吗？", "Do you install?")
        assert best("师傅会来家里帮忙装好吗").slug == "fitting"


@pytest.mark.usefixtures("book")
def test_without_a_classifier_words_decide():
    assert understanding.topics("运费多少", now=NOW) == ()
    assert best("邮费要付吗").slug == "delivery_cost"


def test_without_answers_there_are_none():
    assert answers.find("运费多少", language="zh", now=NOW) == []


def test_every_topic_is_asked_in_both_languages():
    chinese, english = (
        {topic for topic, _ in seeds.questions(language)} for language in ("zh", "en")
    )
    assert chinese == english
    assert len(chinese) >= 27
