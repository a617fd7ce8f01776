"""Journeys ask of others: staff get tasks, partners are told, the bot speaks in the chat; once."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import channels, sending
from campaigns.journeys import checking, engine
from campaigns.journeys.graph import BadGraph, parse
from campaigns.models import Campaign, Delivery, Passage, PassageStep, StaffTask
from crm.models import Webhook, WebhookMessage
from crm.webhooks import steering
from tests.campaigns.journeys.world import (
    entry,
    graph,
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
from tests.campaigns.world import make_segment, make_template
from tests.factories import NOON, agree, make_partner

pytestmark = pytest.mark.django_db


def act(mode, to="end", id="act", **more):
    node = {"id": id, "kind": "action", "mode": mode, "name_of": "Call them", "next": to}
    return node | more


def with_task(**more):
    return graph(entry(to="act"), act("task", days=2) | more, leave())


def make_webhook(partner=None, **fields):
    partner = partner or make_partner(sees_everybody=True)
    said = {"url": "https://partner.example/", "kinds": [], "name": "Desk"} | fields
    return steering.make(partner, now=NOON, **said)[0]


def with_webhook(webhook):
    return graph(entry(to="act"), act("webhook", webhook=webhook.pk), leave())


def again(one):
    """As if the worker had been killed after the step and before it was written down."""
    PassageStep.objects.filter(passage=one, position__gt=0).delete()
    Passage.objects.filter(pk=one.pk).update(
        state="walking", node="entry", due_at=NOON, left_at=None, steps_taken=1
    )
    engine.advance_all(now=NOON)


class TestATask:
    def test_staff_get_it_with_whom_and_until_when(self):
        group = Group.objects.create(name="Sales")
        journey, ada = launched(with_task(group=group.pk)), reader()
        tell(ada)
        task = StaffTask.objects.get()
        assert (task.title, task.customer, task.group) == ("Call them", ada, group)
        assert task.due_at == NOON + timedelta(days=2)
        assert task.passage == passage(journey)
        assert ("act", "task") in trace(task.passage)

    def test_a_step_played_again_asks_once(self):
        journey = launched(with_task())
        tell(reader())
        again(passage(journey))
        assert StaffTask.objects.count() == 1

    def test_who_comes_again_is_a_task_again(self):
        launched(with_task(), again="after")
        ada = reader()
        tell(ada)
        tell(ada, at=NOON + timedelta(days=1))
        assert StaffTask.objects.count() == 2

    def test_a_group_that_is_gone_leaves_it_to_everybody(self):
        group = Group.objects.create(name="Sales")
        launched(with_task(group=group.pk))
        group.delete()
        tell(reader())
        assert StaffTask.objects.get().group is None

    def test_many_people_cost_no_more_than_few(self):
        launched(graph(entry(), wait(to="act"), act("task", days=2), leave()))

        def cost(number, day):
            at = NOON + timedelta(days=day)
            for _ in range(number):
                tell(reader(), at=at)
            with CaptureQueriesContext(connection) as asked:
                later(now=at, minutes=61)
            return len(asked)

        cost(1, 1)
        assert cost(2, 2) == cost(12, 3)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"days": -1}, "days"),
            ({"days": 366}, "days"),
            ({"days": "2"}, "days"),
            ({"days": None}, "days"),
            ({"name_of": " "}, "name_of"),
            ({"name_of": "x" * 101}, "name_of"),
            ({"group": "sales"}, "group"),
        ],
    )
    def test_what_it_lacks_is_said_of_its_field(self, change, field):
        with pytest.raises(BadGraph) as error:
            parse(with_task(**change))
        assert [(one.node, one.field) for one in error.value.problems] == [("act", field)]

    def test_a_group_that_never_was_is_found_before(self):
        with pytest.raises(BadGraph, match=r"act\.group: there is no such group"):
            checking.checked(with_task(group=99))


class TestAWebhook:
    def test_the_partner_is_told_of_who_and_where(self):
        webhook, ada = make_webhook(), reader()
        journey = launched(with_webhook(webhook))
        tell(ada)
        message = WebhookMessage.objects.get()
        told = json.loads(message.body)
        assert (message.webhook, message.kind) == (webhook, "campaigns.journey_step")
        assert told["data"]["customer"] == {"id": str(ada.public_id)}
        assert told["data"]["name"] == "Call them"
        assert told["data"]["journey"] == {"id": journey.pk, "name": str(journey), "node": "act"}
        assert ("act", "webhook") in trace(passage(journey))

    def test_a_step_played_again_tells_once(self):
        journey = launched(with_webhook(make_webhook()))
        tell(reader())
        again(passage(journey))
        assert WebhookMessage.objects.count() == 1

    def test_of_nobody_whom_the_partner_may_not_see(self):
        partner = make_partner()
        partner.segments.add(make_segment())
        journey = launched(with_webhook(make_webhook(partner)))
        tell(reader())
        assert not WebhookMessage.objects.exists()
        assert passage(journey).state == "left"

    @pytest.mark.parametrize("state", ["paused", "disabled"])
    def test_one_that_was_closed_meanwhile_holds_nobody_up(self, state):
        webhook = make_webhook()
        journey = launched(with_webhook(webhook))
        Webhook.objects.update(state=state)
        tell(reader())
        assert not WebhookMessage.objects.exists()
        assert passage(journey).state == "left"

    def test_one_that_is_gone_holds_nobody_up(self):
        webhook = make_webhook()
        journey = launched(with_webhook(webhook))
        webhook.delete()
        tell(reader())
        assert passage(journey).state == "left"

    def test_it_has_to_be_there_and_enabled(self):
        webhook = make_webhook()
        draft = with_webhook(webhook)
        Webhook.objects.update(state="disabled")
        with pytest.raises(BadGraph, match=r"act\.webhook: the webhook “Desk” is disabled"):
            checking.checked(draft)
        webhook.delete()
        with pytest.raises(BadGraph, match=r"act\.webhook: there is no such webhook"):
            checking.checked(draft)


class TestTheChat:
    """A message by the channel `chat` is what the bot says in the customer's own chat."""

    def said(self, customer):
        from chatbot.models import Message

        found = Message.objects.filter(conversation__customer=customer, sender="bot")
        return list(found.order_by("pk").values_list("text", flat=True))

    def send(self, journey, now):
        for campaign in Campaign.objects.filter(journey=journey).select_related("topic"):
            sending.send_batch(campaign, owner="worker-1", now=now)

    @pytest.fixture
    def journey(self):
        assert channels.get("chat")
        template = make_template()
        node = mail(template=template.pk, channel="chat")
        return launched(graph(entry(to="mail"), node, leave()), again="after")

    def test_it_waits_in_the_chat_of_who_is_away(self, journey):
        ada = reader()
        agree(ada, channel="chat")
        tell(ada)
        self.send(journey, NOON)
        self.send(journey, NOON)
        assert len(self.said(ada)) == 1
        assert Delivery.objects.get().status == "sent"

    def test_who_did_not_agree_to_be_spoken_to_is_left_alone(self, journey):
        ada = reader()
        tell(ada)
        self.send(journey, NOON)
        assert self.said(ada) == []
        assert Delivery.objects.get().status == "skipped"
