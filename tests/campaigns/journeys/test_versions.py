"""A live journey is edited: what the preview says of the people inside is what happens to them."""

from datetime import timedelta

import pytest

from campaigns.journeys import running, versions
from campaigns.journeys.graph import BadGraph, parse
from campaigns.models import Campaign, Delivery, Passage, Variant
from tests.campaigns.journeys.world import (
    cart_reminder,
    entry,
    graph,
    happens,
    hears,
    later,
    launched,
    leave,
    mail,
    make_journey,
    passage,
    reader,
    tell,
    trace,
    wait,
)
from tests.campaigns.world import make_template
from tests.factories import NOON

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(minutes=10)


@pytest.fixture
def template(db):
    return make_template()


def edit(journey, *nodes):
    journey.draft = graph(*nodes)
    journey.save()
    seen = versions.preview(journey, parse(journey.draft))
    versions.publish(journey, now=LATER)
    journey.refresh_from_db()
    return seen


def people(journey, number=3):
    hears(*[happens(reader(f"P{i}")) for i in range(number)])


def test_who_waits_where_the_new_version_waits_too_stays_as_promised(template):
    journey = launched(cart_reminder(template))
    people(journey)
    seen = edit(journey, entry(), wait(minutes=5), mail(template=template.pk), leave())
    assert (seen.stay, seen.move, seen.leave, seen.total) == (3, 0, 0, 3)
    assert set(Passage.objects.values_list("version", "node")) == {(journey.version_id, "pause")}
    later(minutes=59)
    assert not Delivery.objects.exists(), "they wait until the moment they were promised"
    later(minutes=60)
    assert Delivery.objects.count() == 3


def test_who_stands_where_nothing_is_any_more_goes_on_at_the_next_node(template):
    journey = launched(cart_reminder(template))
    people(journey)
    seen = edit(journey, entry(to="mail"), mail(template=template.pk), leave())
    assert (seen.stay, seen.moves, seen.leave) == (0, (("pause", "mail", 3),), 0)
    later(minutes=11)
    assert Delivery.objects.count() == 3
    assert set(Passage.objects.values_list("state", flat=True)) == {"left"}


def test_where_nothing_comes_after_they_leave(template):
    journey = launched(cart_reminder(template))
    people(journey)
    seen = edit(journey, entry(to="other"), mail("other", template.pk, "stop"), leave("stop"))
    assert (seen.stay, seen.move, seen.leaves) == (0, 0, (("pause", 3),))
    assert set(Passage.objects.values_list("state", "left_at")) == {("left", LATER)}
    assert trace(Passage.objects.first())[-1] == ("pause", "no_way")
    assert not Delivery.objects.exists()


def test_a_node_that_means_something_else_is_come_to_anew(template):
    journey = launched(cart_reminder(template))
    people(journey, 1)
    until = {"id": "pause", "kind": "wait", "mode": "until", "at": "18:00", "next": "mail"}
    seen = edit(journey, entry(), until, mail(template=template.pk), leave())
    assert seen.moves == (("pause", "pause", 1),)
    later(minutes=11)
    assert passage(journey).due_at == NOON + timedelta(hours=6)


def test_another_template_is_another_variant_of_the_same_campaign(template):
    journey = launched(cart_reminder(template))
    other = make_template(subject_en="Another")
    edit(journey, entry(), wait(), mail(template=other.pk), leave())
    assert Campaign.objects.filter(journey=journey).count() == 1
    labels = Variant.objects.order_by("pk").values_list("label", "template")
    assert list(labels) == [("v1", template.pk), ("v2", other.pk)]
    tell(reader())
    later(minutes=60)
    assert Delivery.objects.get().variant.template == other


def test_who_was_on_the_way_meanwhile_is_brought_along_later(template):
    journey = launched(cart_reminder(template))
    (old,) = running.of_all([journey])
    edit(journey, entry(to="mail"), mail(template=template.pk), leave())
    from campaigns.journeys import entering

    event = entering.Reason("event:late", NOON, {})
    entering.enter(old, {reader().pk: event}, now=LATER)
    assert versions.carry_over(journey, now=LATER) == 1
    assert versions.carry_over(journey, now=LATER) == 0
    later(minutes=11)
    assert Delivery.objects.count() == 1


def test_a_draft_with_errors_is_not_published(template):
    journey = launched(cart_reminder(template))
    people(journey, 1)
    journey.draft = graph(entry(), wait(), mail(template=template.pk + 1), leave())
    journey.save()
    with pytest.raises(BadGraph, match="mail.template"):
        versions.publish(journey, now=LATER)
    journey.refresh_from_db()
    assert journey.version.number == 1


@pytest.mark.parametrize(
    ("node", "place"),
    [
        (mail(template=10**6), "mail.template"),
        (mail(channel="pigeon"), "mail.channel"),
        (mail(channel="wechat"), "mail.channel"),
    ],
)
def test_what_a_message_names_has_to_be_there(template, node, place):
    journey = make_journey(
        graph(
            entry(),
            wait(),
            node | {"template": node["template"] if node["template"] > 1 else template.pk},
            leave(),
        )
    )
    with pytest.raises(BadGraph, match=place):
        versions.publish(journey, now=NOON)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"event": "crm.moon_rose"}, "entry.event"),
        ({"rule": {"field": "shoe size", "op": "=", "value": 1}}, "entry.rule"),
        ({"trigger": "segment", "segment": "nobody"}, "entry.segment"),
    ],
)
def test_what_the_entry_names_has_to_be_there(template, change, place):
    journey = make_journey(graph(entry() | change, wait(), mail(template=template.pk), leave()))
    with pytest.raises(BadGraph, match=place):
        versions.publish(journey, now=NOON)


def test_a_broken_template_is_found_before_anybody_gets_it():
    template = make_template(body_en="{% if %}")
    journey = make_journey(cart_reminder(template))
    with pytest.raises(BadGraph, match="body_en"):
        versions.publish(journey, now=NOON)
