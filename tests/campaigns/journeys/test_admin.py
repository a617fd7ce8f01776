"""The pages of a journey: who may do what, what is kept, what is told before and after."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.journeys import describing, engine, recipes, results, versions
from campaigns.journeys.graph import parse
from campaigns.models import Delivery, Journey, Passage
from tests.campaigns.journeys.world import (
    ORDERED,
    cart_reminder,
    entry,
    graph,
    happens,
    hears,
    launched,
    leave,
    mail,
    make_journey,
    passage,
    reader,
    tell,
)
from tests.campaigns.world import make_template
from tests.factories import NOON, make_topic

pytestmark = pytest.mark.django_db
STEPS = ("launch", "publish", "pause", "resume", "end")


@pytest.fixture
def staff(admin_client):
    return admin_client


def user_with(client, *names):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


def url(name, journey):
    return reverse(f"admin:campaigns_journey_{name}", args=[journey.pk])


def page(client, name, journey, **data):
    answer = client.get(url(name, journey), data)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def send(client, journey, draft):
    return client.post(url("canvas", journey), json.dumps(draft), content_type="application/json")


def test_a_new_journey_begins_with_a_recipe_and_leads_to_its_canvas(staff):
    make_template()
    form = {"name": "Carts", "topic": make_topic().pk, "recipe": "cart"}
    answer = staff.post(reverse("admin:campaigns_journey_add"), form)
    journey = Journey.objects.get()
    assert answer.url == url("canvas", journey)
    assert (journey.again, journey.again_days, journey.goal_event) == ("days", 7, ORDERED)
    shown = page(staff, "canvas", journey)
    assert "put a product into the…" in shown or "put a product into" in shown
    assert "journey-grammar" in shown


@pytest.mark.parametrize("code", sorted(recipes.RECIPES))
def test_every_recipe_can_be_launched_as_it_is(code, staff):
    template = make_template()
    journey = make_journey(recipes.RECIPES[code].make(template.pk), name=code)
    assert versions.publish(journey, now=NOON).number == 1


def test_the_canvas_keeps_a_draft_and_says_what_is_wrong_with_it(staff):
    journey = make_journey()
    draft = graph(entry(to="mail"), mail(template=10**6), leave())
    told = send(staff, journey, draft).json()
    assert [(p["node"], p["label"]) for p in told["problems"]] == [("mail", "Template")]
    assert "journey-bad" in told["picture"]
    journey.refresh_from_db()
    assert journey.draft == draft
    good = cart_reminder(make_template())
    assert send(staff, journey, good).json()["problems"] == []


@pytest.mark.parametrize("body", ["", "[]", '{"nodes": 3}', '{"nodes": [3]}', "{"])
def test_what_is_no_draft_is_refused_and_the_old_one_stays(staff, body):
    journey = make_journey()
    answer = staff.post(url("canvas", journey), body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert Journey.objects.get().draft == journey.draft


def test_a_draft_has_a_largest_size(staff):
    journey = make_journey()
    draft = graph(*[leave(f"n{i}") | {"name": "x" * 1000} for i in range(250)])
    assert send(staff, journey, draft).status_code == 413


@pytest.mark.parametrize(
    "draft",
    [
        {},
        {"nodes": [{"id": "<b>", "kind": "wait"}]},
        {"nodes": [{"kind": "split", "id": "a", "next": "a"}]},
        graph(entry(to="mail"), mail(to="mail")),
    ],
)
def test_a_draft_in_any_state_is_drawn(staff, draft):
    journey = make_journey(draft)
    shown = page(staff, "canvas", journey)
    assert "<b>" not in re.search(r"data-picture.*?</svg>", shown, re.DOTALL)[0]


def test_rules_are_edited_as_sentences_by_who_may_edit(staff, client):
    journey = make_journey()
    shown = page(staff, "canvas", journey)
    assert "<template data-rule>" in shown
    assert shown.index("crm/rule_editor") < shown.index("campaigns/journey_editor")
    assert "data-rule-editor" in shown
    looker = user_with(client, "view_journey")
    assert "data-rule-editor" not in page(looker, "canvas", journey)


@pytest.mark.parametrize(
    ("field", "said"),
    [("shares[2]", "Ways and their weights (3)"), ("rule", "Rule"), ("nodes[0].id", "Graph")],
)
def test_fields_are_called_as_in_the_editor(field, said):
    assert describing.field_name(field) == said


def test_launching_asks_first_and_acts_by_post(staff):
    journey = make_journey()
    assert "Launch this journey?" in page(staff, "launch", journey)
    assert Journey.objects.get().state == "draft"
    staff.post(url("launch", journey))
    assert Journey.objects.get().state == "live"
    answer = staff.post(url("launch", journey), follow=True)
    assert "is live" in answer.content.decode()
    assert Journey.objects.get().version.number == 1


def test_what_cannot_be_launched_says_why_and_has_no_button(staff):
    journey = make_journey(graph(entry(to="mail"), mail(template=10**6), leave()))
    shown = page(staff, "launch", journey)
    assert "there is no such template" in shown
    assert 'name="confirm"' not in shown
    staff.post(url("launch", journey))
    assert Journey.objects.get().state == "draft"


def test_pause_resume_and_end(staff):
    journey = launched()
    for step, state in (("pause", "paused"), ("resume", "live"), ("end", "ended")):
        staff.post(url(step, journey))
        assert Journey.objects.get().state == state
    assert send(staff, journey, journey.draft).status_code == 403


@pytest.mark.parametrize("step", STEPS)
def test_who_may_only_look_cannot_steer(client, step):
    journey = make_journey() if step == "launch" else launched()
    before = Journey.objects.get().state
    viewer = user_with(client, "view_journey")
    assert viewer.post(url(step, journey)).status_code == 403
    assert viewer.get(url(step, journey)).status_code == 403
    assert Journey.objects.get().state == before


def test_who_may_only_look_sees_the_canvas_and_cannot_edit(client):
    journey = make_journey()
    viewer = user_with(client, "view_journey")
    assert "data-journey-editor" not in page(viewer, "canvas", journey)
    assert send(viewer, journey, graph(leave())).status_code == 403
    assert Journey.objects.get().draft == journey.draft


@pytest.mark.parametrize("name", ["canvas", "result", *STEPS])
def test_who_may_not_look_sees_nothing(client, name):
    journey = make_journey()
    stranger = user_with(client, "view_customer")
    assert stranger.get(url(name, journey)).status_code in (302, 403)


def test_publishing_previews_who_stays_moves_and_leaves(staff):
    journey = launched()
    hears(*[happens(reader(f"P{i}")) for i in range(4)])
    journey.draft = graph(
        entry(to="other"), mail("other", make_template().pk, "stop"), leave("stop")
    )
    journey.save()
    assert "This draft differs" in page(staff, "canvas", journey)
    shown = page(staff, "publish", journey)
    assert "4 people are inside: 0 will stay where they are, 0 will move, 4 will leave." in shown
    assert versions.preview(journey, parse(journey.draft)).leave == 4
    staff.post(url("publish", journey))
    assert set(Passage.objects.values_list("state", flat=True)) == {"left"}


def test_before_the_launch_it_tells_what_last_month_would_have_sent(staff):
    journey = make_journey(goal_event=ORDERED, again="after")
    now = timezone.now()
    people = [reader(f"P{i}") for i in range(3)]
    for person in people:
        happens(person, at=now - timedelta(days=3))
    happens(people[0], ORDERED, at=now - timedelta(days=3) + timedelta(minutes=5))
    happens(people[1], at=now - timedelta(days=2))
    happens(people[2], at=now - timedelta(days=40))
    before = (Passage.objects.count(), Delivery.objects.count())
    shown = page(staff, "launch", journey)
    assert "3 people would have come in, 3 messages would have been written, 1 reached" in shown
    assert "3 of these messages are to people who agree" in shown
    assert (Passage.objects.count(), Delivery.objects.count()) == before == (0, 0)


def test_the_result_counts_people_and_messages_and_its_sums_hold(staff):
    journey, ada = launched(goal_event=ORDERED), reader()
    tell(ada)
    tell(reader("Bob", email=""))
    engine.advance_all(now=NOON + timedelta(hours=1))
    tell(ada, ORDERED, at=NOON + timedelta(hours=2))
    result = results.of(journey)
    every = result.messages
    assert (
        every.total == every.sent + every.failed + every.skipped + every.uncertain + every.waiting
    )
    assert (every.total, every.waiting, every.skipped) == (2, 1, 1)
    assert (result.walked.hits, result.walked.size) == (1, 2)
    shown = page(staff, "result", journey)
    assert "1 of 2 who came in reached the goal." in shown
    assert "No address for this channel" in shown


def test_why_a_person_got_this(staff):
    journey, ada = launched(), reader()
    tell(ada, sku="tea")
    engine.advance_all(now=NOON + timedelta(hours=1))
    shown = page(staff, "result", journey, customer=ada.pk)
    trace = shown[shown.index('id="trace"') :]
    assert "put a product into the cart (tea)" in trace
    assert "was to get a message" in trace
    assert "queued" in trace


def test_the_held_out_are_compared(staff):
    journey = launched(goal_event=ORDERED, holdout_share="0.5")
    people = [reader(f"P{i}") for i in range(60)]
    hears(*[happens(person) for person in people])
    for person in people[:30]:
        tell(person, ORDERED, at=NOON + timedelta(minutes=5))
    shown = page(staff, "result", journey)
    assert "percentage points because of the journey" in shown
    result = results.of(journey)
    assert result.walked.size + result.held_out.size == 60
    assert result.walked.hits + result.held_out.hits == 30


@pytest.mark.parametrize(("name", "most"), [("canvas", 16), ("result", 22)])
def test_pages_ask_the_same_however_many_people(staff, name, most):
    journey = launched()
    asked = []
    for number in (2, 12):
        hears(*[happens(reader(f"P{number}-{i}")) for i in range(number)])
        page(staff, name, journey)
        with CaptureQueriesContext(connection) as seen:
            page(staff, name, journey)
        asked.append(len(seen))
    assert asked[0] == asked[1] <= most


def test_the_list_counts_people_with_one_query(staff):
    for _ in range(3):
        tell(reader(), at=NOON)
        launched()
    with CaptureQueriesContext(connection) as seen:
        answer = staff.get(reverse("admin:campaigns_journey_changelist"))
    assert answer.status_code == 200
    assert sum("campaigns_passage" in q["sql"] for q in seen) == 1


def test_messages_of_journeys_are_not_among_the_campaigns(staff):
    journey = launched()
    answer = staff.get(reverse("admin:campaigns_campaign_changelist"))
    assert journey.name not in answer.content.decode()
    campaign = journey.campaigns.get()
    answer = staff.get(reverse("admin:campaigns_campaign_result", args=[campaign.pk]))
    assert answer.status_code == 404


def test_quiet_hours_changed_later_hold_for_the_messages_too(staff):
    journey = launched()
    form = {
        "name": journey.name,
        "topic": journey.topic_id,
        "cap_messages": 2,
        "cap_days": 5,
        "quiet_from": "22:00",
        "quiet_until": "07:00",
    }
    answer = staff.post(url("change", journey), form)
    assert answer.status_code == 302, answer.context["errors"]
    campaign = journey.campaigns.get()
    assert (campaign.cap_messages, campaign.cap_days, campaign.quiet_from.hour) == (2, 5, 22)
    assert campaign.status == "sending"


def test_the_customer_page_names_the_journey(staff):
    journey, ada = launched(), reader()
    tell(ada)
    engine.advance_all(now=NOON + timedelta(hours=1))
    assert passage(journey).state == "left"
    from campaigns import panel

    (delivery,) = panel.build(ada)["deliveries"]
    assert delivery.campaign.journey == journey
