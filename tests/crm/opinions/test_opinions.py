"""What customers say: taken down once, understood, understood anew when something is better."""

from datetime import timedelta

import pytest

from crm import artifacts, customers, opinions, segments
from crm.artifacts import Provenance
from crm.ml.sentiment import SentimentClassifier
from crm.models import Aspect, Feedback, Membership, Mention, Opinion, Segment
from crm.opinions import Said
from crm.opinions.understanding import present_reader
from crm.segments import BadRule
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


def review(customer, text, *, score=None, at=NOON, key=None):
    return Feedback.objects.create(
        customer=customer, kind="review", score=score, text=text, source="test",
        key=key or f"{customer.pk}:{text[:20]}", at=at,
    )  # fmt: skip


def said(customer, text, *, key="1", at=NOON, **fields):
    return Said(customer_id=customer.pk, source="chat", key=key, text=text, at=at, **fields)


@pytest.fixture
def ada():
    return make_customer()


def test_a_review_is_taken_down_once_and_understood(ada):
    review(ada, "物流慢但是质量不错", score=4)
    assert opinions.catch_up(now=NOON) == 1
    assert opinions.catch_up(now=NOON) == 0
    opinion = Opinion.objects.get()
    assert opinion.language == "zh"
    assert opinion.rating == 4
    assert {(m.aspect, m.label) for m in Mention.objects.all()} == {
        ("delivery", "neg"),
        ("quality", "pos"),
    }
    assert opinion.aspects[0]["clause"] == "物流慢"


def test_ratings_without_words_are_no_opinions(ada):
    review(ada, "", score=5)
    assert opinions.catch_up(now=NOON) == 0
    assert not Opinion.objects.exists()


def test_a_chat_message_told_twice_is_one_opinion(ada):
    for _ in range(2):
        opinions.note([said(ada, "delivery was far too slow", heard_as="complaint")])
    opinions.catch_up(now=NOON)
    opinion = Opinion.objects.get()
    assert (opinion.label, opinion.need) == ("neg", "delivery")


def test_blank_texts_are_not_taken_down_and_long_ones_are_cut(ada):
    opinions.note([said(ada, "  "), said(ada, "a" * 5000, key="2")])
    assert len(Opinion.objects.get().text) == 2000


def test_new_words_of_the_staff_make_old_texts_read_anew(ada):
    opinions.note([said(ada, "the zipper is awful")])
    opinions.catch_up(now=NOON)
    assert not Mention.objects.filter(aspect="zipper").exists()
    Aspect.objects.create(slug="zipper", name_en="Zipper", name_zh="拉链", words=["zipper", "拉链"])
    assert opinions.catch_up(now=NOON) == 1
    assert Mention.objects.get(aspect="zipper").label == "neg"


def test_an_aspect_that_is_switched_off_is_forgotten(ada):
    opinions.note([said(ada, "slow delivery")])
    opinions.catch_up(now=NOON)
    Aspect.objects.filter(slug="delivery").update(is_active=False)
    opinions.catch_up(now=NOON)
    assert not Mention.objects.exists()


def test_shipped_words_serve_where_there_is_no_row(ada):
    Aspect.objects.all().delete()
    assert "delivery" in {side.slug for side in opinions.lexicon()}


def test_a_promoted_model_reads_everything_anew_and_says_so(ada):
    opinions.note([said(ada, f"blorf number {n}", key=str(n)) for n in range(3)])
    opinions.catch_up(now=NOON)
    assert set(Opinion.objects.values_list("label", flat=True)) == {"neu"}
    texts = ["blorf number", "fine thing"] * 20
    model = SentimentClassifier().fit(texts, ["neg", "pos"] * 20)
    artifact = artifacts.save(model, Provenance(metrics={"macro_f1": 1.0}), as_of=NOON, now=NOON)
    artifacts.promote(artifact, now=NOON)
    assert opinions.catch_up(now=NOON) == 3
    assert set(Opinion.objects.values_list("label", "artifact")) == {("neg", artifact.pk)}
    assert opinions.catch_up(now=NOON) == 0


def test_a_chunk_costs_a_fixed_number_of_queries(ada, django_assert_max_num_queries):
    opinions.note([said(ada, "slow delivery", key=str(n)) for n in range(200)])
    reader = present_reader()
    with django_assert_max_num_queries(14):
        opinions.understand(list(Opinion.objects.all()), reader, now=NOON)


def test_opinions_follow_a_merge_and_come_back(ada):
    ben = make_customer("Ben")
    opinions.note([said(ben, "slow delivery")])
    opinions.catch_up(now=NOON)
    merge = customers.merge(ada, ben, evidence="test", source="test", at=NOON)
    assert Opinion.objects.get().customer_id == ada.pk
    assert Mention.objects.get().customer_id == ada.pk
    customers.unmerge(merge, at=NOON)
    assert Mention.objects.get().customer_id == ben.pk


class TestRules:
    """Segments of who said what."""

    @pytest.fixture
    def shop(self, ada):
        ben, cleo = make_customer("Ben"), make_customer("Cleo")
        opinions.note([
            said(ada, "slow delivery", at=NOON - timedelta(days=1)),
            said(ada, "delivery was late", key="2", at=NOON - timedelta(days=2)),
            said(ben, "quick delivery", key="3", at=NOON - timedelta(days=1)),
            said(cleo, "slow delivery", key="4", at=NOON - timedelta(days=30)),
        ])  # fmt: skip
        opinions.catch_up(now=NOON)
        return ada, ben, cleo

    @pytest.mark.parametrize(
        ("rule", "who"),
        [
            ({"opinion": {"aspect": "delivery", "sentiment": "negative"}, "days": 7}, "A"),
            ({"opinion": {"aspect": "delivery", "sentiment": "negative"}}, "AC"),
            ({"opinion": {"aspect": "delivery"}, "days": 7}, "AB"),
            ({"opinion": {"aspect": "delivery"}, "op": ">=", "count": 2}, "A"),
            ({"opinion": {"aspect": "delivery"}, "op": "=", "count": 0, "days": 7}, "C"),
            ({"opinion": {"word": "LATE"}}, "A"),
            ({"opinion": {"sentiment": "positive"}}, ""),
            ({"not": {"opinion": {"aspect": "delivery"}, "days": 7}}, "C"),
        ],
    )
    def test_a_rule_finds_who_said_so(self, shop, rule, who):
        found = {c.name[0] for c in segments.matching(rule, now=NOON)}
        assert found == set(who)

    @pytest.mark.parametrize(
        ("rule", "reason"),
        [
            ({"opinion": {}}, "none of aspect, word, sentiment"),
            ({"opinion": "delivery"}, "none of aspect"),
            ({"opinion": {"aspect": "x", "word": "y"}}, "at once"),
            ({"opinion": {"sentiment": "furious"}}, "furious"),
            ({"interest": "colour", "value": "red"}, "colour"),
            ({"interest": "brand"}, "not a text"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, rule, reason):
        with pytest.raises(BadRule, match=reason):
            segments.matching(rule, now=NOON)

    def test_a_new_opinion_moves_its_customer_at_once(self, shop):
        rule = {"opinion": {"aspect": "packaging", "sentiment": "negative"}, "days": 7}
        segment = Segment.objects.create(slug="torn", name_en="Torn", kind="rule", rule=rule)
        segments.refresh(segment, now=NOON)
        opinions.note([said(shop[1], "the box was torn", key="9")])
        opinions.catch_up(now=NOON)
        segments.drain_all(now=NOON)
        assert Membership.objects.get(segment=segment).customer_id == shop[1].pk
