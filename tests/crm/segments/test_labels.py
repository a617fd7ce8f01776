"""Members follow the labels of a score, set by set, and are told of it with the reason."""

from datetime import timedelta

import pytest

from crm import customers, segments, statements, timeline
from crm.events import SegmentEntered, SegmentLeft
from crm.models import Event, Membership, Score, Segment, Touch
from crm.segments import labels
from crm.segments.language import version
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=1)


def score(customer, label, *, name="mood", **detail):
    values = {"value": 1.0, "label": label, "detail": detail, "version": "x", "at": NOON}
    Score.objects.update_or_create(customer=customer, name=name, defaults=values)


@pytest.fixture
def named():
    return {
        label: Segment.objects.create(
            slug=f"mood-{label}",
            name_en=label,
            kind="label",
            rule={"score": "mood", "label": label},
        )
        for label in ("good", "bad")
    }


@pytest.fixture
def people(named):
    """Ada and Bob in a good mood, Cid in a bad one: known, and told to nobody."""
    people = [make_customer(name) for name in ("Ada", "Bob", "Cid")]
    for person, label in zip(people, ("good", "good", "bad"), strict=True):
        score(person, label, songs=3)
    assert follow(named, now=NOON) == {"good": 2, "bad": 1}
    return people


def follow(named, *, now=LATER, **options):
    named = {label: Segment.objects.get(pk=segment.pk) for label, segment in named.items()}
    return segments.follow_labels("mood", named, now=now, **options)


def members(segment):
    return {row.customer.name for row in segment.memberships.select_related("customer")}


class TestMembers:
    def test_the_first_time_nobody_is_told(self, named, people):
        assert members(named["good"]) == {"Ada", "Bob"}
        assert not Event.objects.exists()
        kept = Segment.objects.get(slug="mood-good")
        assert (kept.size, kept.refreshed_at) == (2, NOON)
        assert kept.filled_version == version(kept.rule)

    def test_who_has_another_label_moves(self, named, people):
        score(people[0], "bad")
        assert follow(named) == {"good": 1, "bad": 2}
        assert members(named["bad"]) == {"Ada", "Cid"}
        entered = Membership.objects.get(customer=people[0])
        assert (entered.segment, entered.entered_at) == (named["bad"], LATER)

    def test_who_has_no_score_any_more_leaves(self, named, people):
        Score.objects.filter(customer=people[2]).delete()
        assert follow(named) == {"good": 2, "bad": 0}

    def test_a_label_without_a_segment_is_nobodys(self, named, people):
        score(people[0], "strange")
        assert follow(named) == {"good": 1, "bad": 1}

    def test_other_scores_and_segments_are_left_alone(self, named, people):
        other = Segment.objects.create(slug="hand", name_en="Hand", kind="static")
        Membership.objects.create(segment=other, customer=people[0], entered_at=NOON)
        score(people[0], "bad", name="weather")
        assert follow(named) == {"good": 2, "bad": 1}
        assert members(other) == {"Ada"}

    def test_a_second_look_changes_nothing(self, named, people):
        before = list(Membership.objects.order_by("pk").values())
        follow(named)
        assert list(Membership.objects.order_by("pk").values()) == before

    def test_who_is_in_two_of_them_leaves_the_wrong_one(self, named, people):
        Membership.objects.create(segment=named["bad"], customer=people[0], entered_at=NOON)
        follow(named)
        assert members(named["bad"]) == {"Cid"}

    def test_only_some_may_be_looked_at(self, named, people):
        for person in people[:2]:
            score(person, "bad")
        statements.keep_for_now("just_bob", "customer_id bigint")
        statements.run("INSERT INTO just_bob VALUES (%s)", [people[1].pk])
        assert follow(named, among="just_bob") == {"good": 1, "bad": 2}
        assert members(named["good"]) == {"Ada"}

    def test_the_number_of_queries_does_not_grow_with_those_who_move(
        self, named, people, django_assert_max_num_queries
    ):
        for count in (1, 12):
            for number in range(count):
                score(make_customer(f"N{count}-{number}"), "good")
            with django_assert_max_num_queries(45):
                follow(named)


class TestWhatIsTold:
    def test_the_reason_is_the_one_worked_out_when_asked_for(self, named, people):
        score(people[0], "bad", songs=1, tone="minor")
        follow(named)
        kept = Membership.objects.get(customer=people[0])
        said = dict(kept.reason)
        Membership.objects.filter(pk=kept.pk).update(reason={})
        assert segments.why(people[0], named["bad"], now=LATER) == said
        assert said["because"][0]["detail"] == {"songs": 1, "tone": "minor"}

    def test_entering_and_leaving_are_on_the_timeline(self, named, people):
        score(people[0], "bad", songs=1)
        follow(named)
        told = {event.kind: event.data for event in people[0].events.all()}
        rule = {"score": "mood", "label": "good"}
        assert told[SegmentLeft.kind] == {
            "segment": "mood-good",
            "because": [{"rule": rule, "value": "bad", "holds": False, "detail": {"songs": 1}}],
        }
        assert told[SegmentEntered.kind]["segment"] == "mood-bad"
        assert told[SegmentEntered.kind]["because"][0]["holds"] is True
        event = people[0].events.first()
        assert (event.happened_at, event.received_at, event.source) == (LATER, LATER, "rapport")

    def test_leaving_without_a_score_is_told_without_its_detail(self, named, people):
        Score.objects.all().delete()
        follow(named)
        [item] = people[2].events.get().data["because"]
        assert item == {
            "rule": {"score": "mood", "label": "bad"}, "value": None, "holds": False,
        }  # fmt: skip

    def test_a_merged_visitor_is_told_nothing(self, named, people):
        customers.merge(
            people[0], people[2], evidence="looked", source="admin", at=NOON, kind="staff"
        )
        score(people[2], "good")
        follow(named)
        assert not Event.objects.filter(customer=people[2], kind__contains="segment").exists()

    def test_so_many_at_once_get_their_reason_when_asked_for(self, named, people, monkeypatch):
        monkeypatch.setattr(labels, "EXPLAINED", 1)
        for person in people[:2]:
            score(person, "bad")
        follow(named)
        assert Membership.objects.get(customer=people[0]).reason == {}
        assert segments.why(people[0], named["bad"], now=LATER)["because"]

    def test_a_rule_built_on_it_hears_who_moved(self, named, people):
        Segment.objects.create(
            slug="both", name_en="Both", kind="rule",
            rule={"all": [
                {"segment": "mood-bad"},
                {"event": "crm.segment_entered", "op": ">=", "count": 1},
            ]},
        )  # fmt: skip
        Touch.objects.all().delete()
        score(people[0], "bad")
        follow(named)
        assert set(Touch.objects.values_list("customer_id", "reads")) == {
            (people[0].pk, "segment:mood-bad"),
            (people[0].pk, "event:crm.segment_entered"),
        }


class TestRecordFound:
    def found(self, **options):
        sql = "SELECT id AS customer_id, '{}' AS data, 'k' || id AS message_id FROM crm_customer"
        if labels._json() == "jsonb":
            sql = sql.replace("'{}'", "'{}'::jsonb")
        return timeline.record_found(sql, [], kind="crm.thing", at=NOON, **options)

    def test_each_row_is_an_entry_once(self):
        ada, bob = make_customer("Ada"), make_customer("Bob")
        assert self.found() == 2
        assert self.found() == 0
        assert set(Event.objects.values_list("customer", "message_id")) == {
            (ada.pk, f"k{ada.pk}"),
            (bob.pk, f"k{bob.pk}"),
        }
        assert not Event.objects.waiting().exists()

    def test_what_somebody_asked_for_waits_to_be_handed_over(self, settings):
        make_customer()
        settings.EVENT_SUBSCRIPTIONS = {"crm.thing": []}
        self.found()
        assert Event.objects.waiting().count() == 1
