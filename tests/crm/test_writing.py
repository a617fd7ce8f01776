"""Scores are written set by set; what came out the same is left as it is."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm.models import Artifact, Customer, Score, Segment, Touch
from crm.scores import writing
from crm.scores.writing import Maker, Scored, by_rows, write
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=1)


@pytest.fixture
def people():
    return [make_customer(f"W{number}") for number in range(5)]


def give(people, values=None, *, name="luck", at=NOON, version="w-1", **options):
    values = range(len(people)) if values is None else values
    rows = [
        Scored(person.pk, float(value), {"n": value}, f"luck-{value}")
        for person, value in zip(people, values, strict=True)
    ]
    return write(name, rows, by=Maker(version, at, **options))


def given_at(at):
    return set(Score.objects.filter(at=at).values_list("customer__name", flat=True))


class TestWrite:
    def test_everybody_gets_theirs(self, people):
        artifact = Artifact.objects.create(name="luck", format=1, as_of=NOON, trained_at=NOON)
        assert give(people, artifact=artifact) == 5
        score = Score.objects.get(customer=people[3])
        assert (score.name, score.value, score.label) == ("luck", 3.0, "luck-3")
        assert (score.detail, score.version, score.at) == ({"n": 3}, "w-1", NOON)
        assert score.artifact == artifact

    def test_what_came_out_the_same_is_left_alone(self, people):
        give(people)
        kept = list(Score.objects.order_by("pk").values())
        assert give(people, at=LATER) == 5
        assert list(Score.objects.order_by("pk").values()) == kept

    def test_only_what_is_another_is_written(self, people):
        give(people)
        give(people, [0, 1, 9, 3, 4], at=LATER)
        assert given_at(LATER) == {"W2"}
        assert Score.objects.get(customer=people[2]).detail == {"n": 9}

    @pytest.mark.parametrize("column", ["value", "label", "detail"])
    def test_each_column_counts(self, people, column):
        give(people)
        other = {"value": 7.5, "label": "else", "detail": {"n": 0, "more": 1}}[column]
        row = Scored(people[0].pk, 0.0, {"n": 0}, "luck-0")._replace(**{column: other})
        write("luck", [row], by=Maker("w-1", LATER))
        assert getattr(Score.objects.get(), column) == other

    def test_another_maker_writes_all(self, people):
        give(people)
        give(people, at=LATER, version="w-2")
        assert len(given_at(LATER)) == 5

    def test_whoever_got_none_this_time_has_none_any_more(self, people):
        give(people)
        give(people[:2], at=LATER)
        assert Score.objects.count() == 2
        assert write("luck", [], by=Maker("w-1", LATER)) == 0
        assert not Score.objects.exists()

    def test_scores_of_another_name_are_left_alone(self, people):
        give(people, name="wit")
        give(people[:1])
        assert Score.objects.filter(name="wit").count() == 5

    def test_batches_are_one_set(self, people, monkeypatch):
        monkeypatch.setattr(writing, "BATCH", 2)
        assert give(people) == 5
        assert give(people[1:], at=LATER) == 4
        assert set(Score.objects.values_list("customer__name", flat=True)) == {
            "W1", "W2", "W3", "W4",
        }  # fmt: skip

    def test_the_number_of_queries_does_not_grow(self, people, django_assert_max_num_queries):
        for some in (people[:1], people):
            with django_assert_max_num_queries(20):
                give(some)

    def test_a_rule_that_reads_it_hears_of_it(self, people):
        Segment.objects.create(
            slug="lucky",
            name_en="Lucky",
            kind="rule",
            rule={"score": "luck", "op": ">", "value": 2},
        )
        Touch.objects.all().delete()
        give(people)
        assert Touch.objects.filter(customer_id=None, reads="score:luck").exists()


class TestWords(TestCase):
    @given(
        words=st.dictionaries(
            st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",))),
            st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)))
            | st.integers(-(10**9), 10**9).map(lambda number: number / 1000)
            | st.none(),
            max_size=4,
        ),
        value=st.floats(-1e9, 1e9),
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def test_whatever_is_said_arrives_as_it_was_said(self, words, value):
        ada = make_customer()
        write("said", [Scored(ada.pk, value, words, "tab\tline\nback\\")], by=Maker("w", NOON))
        score = Score.objects.get()
        assert (score.value, score.detail) == (value, words)
        assert score.label == "tab\tline\nback\\"
        write("said", [Scored(ada.pk, value, words, "tab\tline\nback\\")], by=Maker("w", LATER))
        assert Score.objects.get().at == NOON


class TestByRows:
    def test_columns_become_rows_of_plain_numbers(self, monkeypatch):
        monkeypatch.setattr(writing, "BATCH", 2)
        rows = list(by_rows(np.arange(5), np.arange(10).reshape(5, 2) / 4))
        assert rows[4] == (4, [2.0, 2.25])
        assert len(rows) == 5
        assert type(rows[0][0]) is int

    def test_no_rows(self):
        assert list(by_rows(np.zeros(0), np.zeros(0))) == []
        assert not Customer.objects.exists()
