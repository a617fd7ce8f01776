"""People come in once, move on when they are due, and nobody takes a step twice."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns import sending
from campaigns.journeys import doing, engine, entering, hearing, running, steering
from campaigns.models import Campaign, Delivery, Passage, PassageStep
from crm import customers
from crm.models import Consent, Customer
from tests.campaigns.journeys.world import (
    ADDED,
    ORDERED,
    cart_reminder,
    entry,
    graph,
    happens,
    hears,
    later,
    launched,
    leave,
    mail,
    passage,
    reader,
    tell,
    trace,
    wait,
)
from tests.campaigns.world import make_template
from tests.factories import NOON, agree, make_customer

pytestmark = pytest.mark.django_db
State = Passage.State


def send(journey, *, now):
    for campaign in Campaign.objects.filter(journey=journey).select_related("topic"):
        sending.send_batch(campaign, owner="worker-1", now=now)


def test_from_the_event_to_the_message(outbox_of_channel):
    journey, ada = launched(), reader()
    assert tell(ada) == 1
    assert passage(journey).node == "pause"
    moment = later(minutes=59)
    send(journey, now=moment)
    assert outbox_of_channel == []
    moment = later(minutes=60)
    send(journey, now=moment)
    assert [m["to"] for m in outbox_of_channel] == [ada.email]
    assert passage(journey).state == State.LEFT
    assert trace(passage(journey)) == [
        ("entry", "entered"),
        ("entry", "passed"),
        ("pause", "waits"),
        ("pause", "waited"),
        ("mail", "message"),
        ("end", "exit"),
    ]


def test_an_event_delivered_twice_lets_in_once():
    journey, ada = launched(again="after"), reader()
    event = happens(ada)
    assert (hears(event), hears(event), hears(event, event)) == (1, 0, 0)
    later(minutes=60)
    assert hears(event) == 0, "not even after they have left"
    assert Delivery.objects.count() == 1
    assert passage(journey).steps.filter(what="entered").count() == 1


def test_one_may_be_inside_once_at_a_time():
    journey, ada = launched(again="after"), reader()
    assert (tell(ada), tell(ada, at=NOON + timedelta(minutes=1))) == (1, 0)
    one = passage(journey)
    one.pk, one.number, one.key = None, 1, "another"
    with pytest.raises(IntegrityError), transaction.atomic():
        one.save()


@pytest.mark.parametrize(
    ("again", "days", "returns"),
    [("never", 1, False), ("after", 1, True), ("days", 2, False), ("days", 1, True)],
)
def test_entering_again_goes_by_the_rule(again, days, returns):
    journey, ada = launched(again=again, again_days=days), reader()
    tell(ada)
    later(minutes=60)
    assert bool(tell(ada, at=NOON + timedelta(days=1))) is returns
    later(days=1, minutes=60)
    numbers = Passage.objects.filter(journey=journey).values_list("number", flat=True)
    assert sorted(numbers) == ([0, 1] if returns else [0])
    assert Delivery.objects.count() == len(numbers)


def test_conditions_of_the_event_and_a_rule_decide_who_enters():
    conditions = [{"property": "price", "op": ">=", "value": 100}]
    rule = {"field": "country", "op": "=", "value": "France"}
    draft = cart_reminder(make_template())
    draft["nodes"][0] |= {"where": conditions, "rule": rule}
    launched(draft)
    french, dutch = reader(country="France"), reader(country="Netherlands")
    assert tell(french, price="99.5") == 0
    assert tell(french, price="free") == 0
    assert tell(french) == 0, "what is missing meets no condition"
    assert tell(dutch, price="100") == 0
    assert tell(french, price="100") == 1


def test_who_reaches_the_goal_leaves_and_the_waiting_message_is_withdrawn(recorder):
    journey, ada = launched(goal_event=ORDERED), reader()
    tell(ada)
    moment = later(minutes=60)
    assert Delivery.objects.get().status == "queued"
    tell(ada, ORDERED, at=moment + timedelta(minutes=1))
    one = passage(journey)
    assert one.goal_at == moment + timedelta(minutes=1)
    assert one.state == State.LEFT, "they had left already: it still counts as the goal"


def test_a_message_that_was_not_begun_is_not_sent_after_the_goal(outbox_of_channel):
    draft = graph(
        entry(to="mail"), mail(template=make_template().pk, to="pause"), wait(to="end"), leave()
    )
    journey, ada = launched(draft, goal_event=ORDERED), reader()
    tell(ada)
    assert passage(journey).state == State.WALKING
    tell(ada, ORDERED, at=NOON + timedelta(minutes=1), number="SO1")
    send(journey, now=NOON + timedelta(minutes=2))
    assert outbox_of_channel == []
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == ("skipped", "left_journey")
    one = passage(journey)
    assert one.state == State.REACHED
    last = one.steps.order_by("position").last()
    assert (last.what, last.detail["number"]) == ("goal_event", "SO1")


def test_a_goal_before_or_long_after_does_not_count():
    journey, ada = launched(goal_event=ORDERED, goal_days=3), reader()
    tell(ada, ORDERED, at=NOON - timedelta(minutes=1))
    tell(ada)
    assert passage(journey).goal_at is None
    tell(ada, ORDERED, at=NOON + timedelta(days=3, seconds=1))
    assert passage(journey).goal_at is None


def test_an_order_heard_of_before_the_cart_keeps_them_from_being_reminded():
    journey, ada = launched(goal_event=ORDERED), reader()
    cart = happens(ada, ADDED, at=NOON)
    order = happens(ada, ORDERED, at=NOON + timedelta(seconds=1))
    moment = NOON + timedelta(seconds=2)
    hears(order, now=moment)
    hears(cart, now=moment)
    later(minutes=61)
    assert passage(journey).state == State.REACHED
    assert not Delivery.objects.exists()


def test_the_exit_event_ends_it_without_the_goal():
    journey, ada = launched(exit_event="crm.product_removed"), reader()
    tell(ada)
    tell(ada, "crm.product_removed", at=NOON + timedelta(minutes=1))
    one = passage(journey)
    assert (one.state, one.goal_at) == (State.LEFT, None)
    assert trace(one)[-1] == ("pause", "exit_event")


def waits_for_an_order(template):
    waits = {
        "id": "order",
        "kind": "wait",
        "mode": "event",
        "event": ORDERED,
        "minutes": 60,
        "next": "thanks",
        "otherwise": "mail",
    }
    return graph(
        entry(to="order"), waits, leave("thanks", "goal"), mail(template=template.pk), leave()
    )


def test_a_wait_for_an_event_is_woken_by_it():
    journey, ada = launched(waits_for_an_order(make_template())), reader()
    tell(ada)
    tell(ada, ORDERED, at=NOON + timedelta(minutes=5))
    one = passage(journey)
    assert (one.state, one.left_at) == (State.REACHED, NOON + timedelta(minutes=5))
    assert ("order", "heard") in trace(one)


def test_a_wait_for_an_event_times_out():
    journey, ada = launched(waits_for_an_order(make_template())), reader()
    tell(ada)
    later(minutes=60)
    assert ("order", "not_heard") in trace(passage(journey))
    assert Delivery.objects.count() == 1


def test_an_event_nobody_told_of_is_found_when_the_time_is_over():
    journey, ada = launched(waits_for_an_order(make_template())), reader()
    tell(ada)
    happens(ada, ORDERED, at=NOON + timedelta(minutes=5))
    later(minutes=60)
    assert passage(journey).state == State.REACHED


def test_an_event_before_the_wait_does_not_end_it():
    draft = waits_for_an_order(make_template())
    journey, ada = launched(draft), reader()
    order = happens(ada, ORDERED, at=NOON - timedelta(minutes=1))
    tell(ada)
    hears(order, now=NOON + timedelta(minutes=1))
    assert passage(journey).node == "order"


def splitting(rule):
    return graph(
        entry(to="mark"),
        {"id": "mark", "kind": "action", "mode": "tag", "name_of": "seen", "next": "split"},
        {
            "id": "split",
            "kind": "split",
            "mode": "rule",
            "rule": rule,
            "next": "won",
            "otherwise": "end",
        },
        leave("won", "goal"),
        leave(),
    )


def test_a_rule_after_an_action_sees_what_the_action_did():
    journey, ada = launched(splitting({"trait": "tags.seen", "op": "=", "value": True})), reader()
    ada.traits = {"plan": "gold", "tags": {"old": True}}
    ada.save()
    tell(ada)
    ada.refresh_from_db()
    assert ada.traits == {"plan": "gold", "tags": {"old": True, "seen": True}}
    assert passage(journey).state == State.REACHED


def test_a_trait_is_set_beside_the_others():
    action = {
        "id": "mark",
        "kind": "action",
        "mode": "trait",
        "name_of": "plan",
        "value": "gold",
        "next": "end",
    }
    launched(graph(entry(to="mark"), action, leave()))
    ada = reader()
    Customer.objects.filter(pk=ada.pk).update(traits={"plan": "none", "age": 3})
    tell(ada)
    assert Customer.objects.get(pk=ada.pk).traits == {"plan": "gold", "age": 3}


def test_a_random_split_shares_out_and_stays_the_same():
    split = {
        "id": "split",
        "kind": "split",
        "mode": "random",
        "percent": 30,
        "next": "won",
        "otherwise": "end",
    }
    journey = launched(
        graph(entry(to="split"), split, leave("won", "goal"), leave()), again="after"
    )
    people = [make_customer(f"P{i}") for i in range(200)]
    hears(*[happens(person) for person in people])
    won = set(Passage.objects.filter(state=State.REACHED).values_list("customer", flat=True))
    assert 40 <= len(won) <= 80
    hears(*[happens(person) for person in people], now=NOON + timedelta(minutes=1))
    again = Passage.objects.filter(number=1, state=State.REACHED, journey=journey)
    assert set(again.values_list("customer", flat=True)) == won


def test_a_round_through_a_wait_writes_each_time():
    draft = graph(entry(to="mail"), mail(template=make_template().pk, to="pause"), wait(to="mail"))
    journey, ada = launched(draft), reader()
    tell(ada)
    later(minutes=60)
    later(minutes=120)
    assert Delivery.objects.count() == 3
    assert len(set(Delivery.objects.values_list("message_id", flat=True))) == 3
    assert passage(journey).state == State.WALKING


def test_reasons_of_the_door_are_those_of_every_message(recorder):
    journey = launched()
    ada, silent, nobody = reader(), make_customer("Silent"), reader("Nobody", email="")
    twin = make_customer("Twin", email=None)
    Customer.objects.filter(pk=twin.pk).update(email=ada.email)
    agree(twin)
    for person in (ada, silent, nobody, twin):
        tell(person)
    send(journey, now=later(minutes=60))
    found = dict(Delivery.objects.values_list("customer", "reason"))
    assert found == {
        ada.pk: "",
        silent.pk: "no_consent",
        nobody.pk: "no_address",
        twin.pk: "same_address",
    }


def test_a_no_given_while_they_wait_counts(recorder):
    journey, ada = launched(), reader()
    tell(ada)
    Consent.objects.update(is_granted=False)
    send(journey, now=later(minutes=60))
    assert recorder.sent == []
    assert Delivery.objects.get().reason == "no_consent"


def test_a_paused_journey_lets_nobody_in_and_moves_nobody(recorder):
    journey, ada, eve = launched(goal_event=ORDERED), reader(), reader("Eve")
    tell(ada)
    steering.pause(journey)
    assert tell(eve, at=NOON + timedelta(minutes=1)) == 0
    later(minutes=90)
    assert passage(journey).node == "pause"
    steering.resume(journey)
    later(minutes=90)
    assert passage(journey, ada).state == State.LEFT
    assert Campaign.objects.get(journey=journey).status == "sending"


def test_who_buys_while_it_is_paused_is_not_written_to_afterwards():
    journey, ada = launched(goal_event=ORDERED), reader()
    tell(ada)
    steering.pause(journey)
    tell(ada, ORDERED, at=NOON + timedelta(minutes=5))
    steering.resume(journey)
    later(minutes=90)
    assert not Delivery.objects.exists()


def test_ending_takes_everybody_out_and_sends_no_more(recorder):
    journey, ada = launched(), reader()
    tell(ada)
    later(minutes=60)
    bob = reader("Bob")
    tell(bob, at=NOON + timedelta(minutes=61))
    steering.end(journey, now=NOON + timedelta(minutes=62))
    send(journey, now=NOON + timedelta(hours=3))
    assert recorder.sent == []
    assert not Passage.objects.walking().exists()
    assert Delivery.objects.get().reason == "cancelled"
    assert tell(reader("Cy"), at=NOON + timedelta(minutes=63)) == 0
    with pytest.raises(steering.NotPossible, match="ended"):
        steering.resume(journey)


def test_who_was_merged_into_another_leaves_and_the_other_walks_on():
    journey, ada, bob = launched(), reader(), reader("Bob")
    tell(ada)
    tell(bob)
    customers.merge(ada, bob, evidence="test", source="test", at=NOON)
    later(minutes=60)
    states = dict(Passage.objects.filter(journey=journey).values_list("customer", "state"))
    assert states == {ada.pk: "left", bob.pk: "left"}
    assert Delivery.objects.get().customer == ada


def test_the_held_out_get_nothing_and_their_goals_are_counted():
    journey = launched(holdout_share="0.5", goal_event=ORDERED)
    people = [reader(f"P{i}") for i in range(40)]
    hears(*[happens(person) for person in people])
    later(minutes=60)
    out = Passage.objects.filter(state=State.HELD_OUT)
    assert 10 <= out.count() <= 30
    assert Delivery.objects.count() == 40 - out.count()
    lucky = out.first()
    tell(lucky.customer, ORDERED, at=NOON + timedelta(days=1))
    assert passage(journey, lucky.customer).goal_at == NOON + timedelta(days=1)
    assert passage(journey, lucky.customer).state == State.HELD_OUT


def test_a_worker_killed_before_the_commit_changes_nothing(monkeypatch):
    journey, ada = launched(), reader()
    tell(ada)
    for where in ("carry_out", "_queue"):
        real = getattr(doing, where)

        def dies(*args, **kwargs):
            real(*args, **kwargs)  # noqa: B023
            raise SystemExit

        monkeypatch.setattr(doing, where, dies)
        with pytest.raises(SystemExit), transaction.atomic():
            engine.advance_all(now=NOON + timedelta(minutes=60))
        monkeypatch.setattr(doing, where, real)
        assert passage(journey).node == "pause"
        assert not Delivery.objects.exists()
    later(minutes=60)
    later(minutes=60)
    assert Delivery.objects.count() == 1
    positions = list(PassageStep.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(6))


def test_a_worker_killed_between_entering_and_moving_on_is_made_up_for():
    journey, ada = launched(), reader()
    hearing.hear([happens(ada)], now=NOON)  # and nobody moves on
    assert passage(journey).node == "entry"
    later(seconds=10)
    assert passage(journey).node == "pause"


@pytest.mark.parametrize("number", [3, 25])
def test_a_batch_costs_the_same_however_many_people(number):
    rule = {"field": "language", "op": "=", "value": "en"}
    split = {
        "id": "split",
        "kind": "split",
        "mode": "rule",
        "rule": rule,
        "next": "mail",
        "otherwise": "end",
    }
    draft = graph(entry(), wait(to="split"), split, mail(template=make_template().pk), leave())
    journey = launched(draft)
    hears(*[happens(reader(f"P{i}")) for i in range(number)])
    version = journey.version
    with CaptureQueriesContext(connection) as seen:
        assert engine.advance(version, now=NOON + timedelta(minutes=60)) == number
    asked = [q["sql"] for q in seen if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    batches = [sql for sql in asked if sql.startswith("INSERT")]
    assert len(asked) - len(batches) == 4, asked
    assert Delivery.objects.count() == number


def test_an_outside_system_lets_in_by_key():
    draft = cart_reminder(make_template())
    draft["nodes"][0] = {"id": "entry", "kind": "entry", "trigger": "api", "next": "pause"}
    journey, ada = launched(draft), reader()
    journey.refresh_from_db()
    (one,) = running.of_all([journey])
    assert entering.enter_by_request(one, ada, "order-7", now=NOON)
    assert not entering.enter_by_request(one, ada, "order-7", now=NOON)
    steering.pause(journey)
    with pytest.raises(entering.NotLive):
        entering.enter_by_request(one, ada, "order-8", now=NOON)
