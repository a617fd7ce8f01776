"""A split by decision: who comes to it is decided for, and goes the way of what was chosen."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import decisions, sending, tracking
from campaigns.decisions import messages
from campaigns.journeys import checking, choices, describing, drawing, editing, engine, simulating
from campaigns.journeys import graph as graphs
from campaigns.models import Action, Campaign, Decision, Delivery, LinkTarget, Passage, Veto
from campaigns.tasks import reward_message
from crm.models import Customer, Event
from tests.campaigns.decisions.world import make_action, make_placement
from tests.campaigns.journeys.world import (
    entry,
    graph,
    happens,
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
from tests.factories import NOON, make_customer, make_order, make_product, make_topic

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"


@pytest.fixture
def placement():
    found = make_placement("basket", topic=make_topic())
    make_action(found, "ten", channel="email")
    make_action(found, "gift", channel="email")
    return found


def split(branches, *, otherwise="end", id="choose"):
    return {
        "id": id,
        "kind": "split",
        "mode": "decision",
        "placement": "basket",
        "branches": branches,
        "otherwise": otherwise,
    }


def offering(*more, **branches):
    """Put into the cart; a mail for each action, nothing for the others."""
    template = make_template()
    mails = [mail(id=way, template=template.pk) for way in sorted(set(branches.values()))]
    return graph(entry(to="choose"), split(branches), *mails, *more, leave())


def only(placement, slug):
    placement.actions.exclude(slug=slug).update(is_active=False)


def test_from_the_event_to_the_reward(placement, outbox_of_channel):
    journey = launched(offering(ten="mail-ten", gift="mail-gift"))
    only(placement, "gift")
    ada = reader()
    assert tell(ada) == 1
    row = Decision.objects.get()
    one = passage(journey)
    assert trace(one) == [
        ("entry", "entered"),
        ("entry", "passed"),
        ("choose", "decided"),
        ("mail-gift", "message"),
        ("end", "exit"),
    ]
    assert one.steps.get(what="decided").detail == {
        "action": "gift",
        "placement": "basket",
        "decision": str(row.public_id),
        "chance": 1.0,
    }
    for campaign in Campaign.objects.filter(journey=journey).select_related("topic"):
        sending.send_batch(campaign, owner="worker-1", now=NOON)
    assert [message["to"] for message in outbox_of_channel] == [ada.email]

    at, delivery = NOON + timedelta(hours=1), Delivery.objects.get()
    link = LinkTarget.objects.get(campaign=delivery.campaign_id)
    tracking.clicked(delivery.pk, link.pk, tracking.Visit("GET", BROWSER, at))
    assert reward_message(event_id=Event.objects.get(kind="campaigns.message_clicked").pk) == 1
    order = make_order(ada, make_product(), at=at)
    assert decisions.credit_order(order, now=at) == 1
    assert sorted(row.rewards.values_list("kind", flat=True)) == ["click", "conversion"]


def test_everybody_goes_the_way_of_what_was_chosen_for_them(placement):
    journey = launched(offering(ten="mail-ten", gift="mail-gift"))
    people = [reader() for _ in range(12)]
    for person in people:
        tell(person)
    chosen = dict(Decision.objects.values_list("customer", "choice"))
    sent = dict(Delivery.objects.values_list("customer", "step"))
    assert sent == {pk: f"mail-{slug}" for pk, slug in chosen.items()}
    assert set(chosen.values()) == {"ten", "gift"}
    assert Passage.objects.filter(journey=journey, state="left").count() == 12


def test_an_action_without_a_branch_goes_the_other_way(placement):
    journey = launched(offering(ten="mail-ten"))
    only(placement, "gift")
    tell(reader())
    assert trace(passage(journey))[-2:] == [("choose", "decided"), ("end", "exit")]
    assert not Delivery.objects.exists()


def test_nothing_may_have_a_branch_of_its_own(placement):
    placement.actions.update(is_active=False)
    journey = launched(offering(ten="mail-ten", nothing="mail-none"))
    tell(reader())
    assert Delivery.objects.get().step == "mail-none"
    assert passage(journey).steps.get(what="decided").detail["action"] == "nothing"


def test_where_the_placement_was_closed_meanwhile_they_go_the_other_way(placement):
    journey = launched(offering(ten="mail-ten"))
    placement.is_active = False
    placement.save()
    tell(reader())
    step = passage(journey).steps.get(what="decided")
    assert step.detail == {"action": "nothing", "placement": "basket"}
    assert describing.why("decided", step.detail) == "nothing is decided at “basket” now"
    assert not Decision.objects.exists()


def test_what_is_for_the_morning_waits_until_it_is_morning_there(placement):
    only(placement, "ten")
    Action.objects.filter(slug="ten").update(slot="morning")
    journey = launched(offering(ten="mail-ten"))
    tell(reader(timezone="Asia/Shanghai"))  # eight in the evening there
    one = passage(journey)
    assert (one.node, one.due_at) == ("mail-ten", NOON + timedelta(hours=12))
    later(hours=11, minutes=59)
    assert not Delivery.objects.exists()
    later(hours=12)
    assert Delivery.objects.get().step == "mail-ten"


def test_it_is_decided_when_they_come_to_it_and_not_before(placement):
    only(placement, "ten")
    draft = offering(wait(to="choose"), ten="mail-ten")
    draft["nodes"][0]["next"] = "pause"
    launched(draft)
    tell(reader())
    assert not Decision.objects.exists()
    Veto.objects.create(action=placement.actions.get(slug="ten"), reason="Stop", at=NOON)
    moment = later(minutes=60)
    assert (Decision.objects.get().choice, Decision.objects.get().decided_at) == ("nothing", moment)
    assert not Delivery.objects.exists()


def test_who_is_moved_again_before_it_was_written_down_is_decided_for_once(placement):
    journey = launched(offering(ten="mail-ten", gift="mail-gift"))
    tell(reader())
    one, graph_ = passage(journey), graphs.parse(journey.draft)
    one.node, one.rests = "choose", False
    first, second = (choices.at_splits(graph_, [one], now=NOON) for _ in range(2))
    assert first == second
    assert Decision.objects.filter(key=f"passage {one.pk} {one.steps_taken}").count() == 1


def test_who_comes_again_is_decided_for_anew(placement):
    journey = launched(offering(ten="mail-ten", gift="mail-gift"), again="after")
    ada = reader()
    for day in range(3):
        tell(ada, at=NOON + timedelta(days=day))
    assert Decision.objects.count() == Passage.objects.filter(journey=journey).count() == 3
    assert len(set(Decision.objects.values_list("key", flat=True))) == 3


def test_two_decisions_in_a_row_are_two(placement):
    draft = graph(
        entry(to="choose"),
        split({"ten": "again", "gift": "again"}),
        split({"ten": "end"}, id="again"),
        leave(),
    )
    journey = launched(draft)
    tell(reader())
    assert [what for _, what in trace(passage(journey))].count("decided") == 2
    assert Decision.objects.count() == 2


def test_who_was_merged_is_not_decided_for(placement):
    draft = offering(wait(to="choose"), ten="mail-ten")
    draft["nodes"][0]["next"] = "pause"
    launched(draft)
    ada, other = reader(), make_customer()
    tell(ada)
    Customer.objects.filter(pk=ada.pk).update(merged_into=other)
    later(minutes=60)
    assert not Decision.objects.exists()


def test_a_click_rewards_the_decision_on_the_way_to_the_message_and_no_other(placement):
    only(placement, "ten")
    journey = launched(offering(ten="mail-ten"), again="after")
    ada = reader()
    tell(ada)
    tell(ada, at=NOON + timedelta(days=1))
    first, second = Delivery.objects.select_related("campaign").order_by("occurrence")
    rows = list(Decision.objects.order_by("pk"))
    assert messages.behind(first) == [rows[0]]
    assert messages.behind(second) == [rows[1]]
    assert Passage.objects.filter(journey=journey).count() == 2


def test_a_batch_costs_the_same_for_few_and_many(placement):
    counts = []
    draft = offering(wait(to="choose"), ten="mail-ten", gift="mail-gift")
    draft["nodes"][0]["next"] = "pause"
    journey = launched(draft)
    for day, number in enumerate((2, 12)):
        at = NOON + timedelta(days=day)
        for _ in range(number):
            tell(reader(), at=at)
        with CaptureQueriesContext(connection) as queries:
            engine.advance(journey.version, now=at + timedelta(hours=1))
            engine.advance(journey.version, now=at + timedelta(hours=1))
        counts.append(len(queries))
    assert counts[1] <= counts[0] <= 40
    assert Decision.objects.count() == 14


class TestTheGraph:
    @pytest.mark.parametrize(
        ("change", "field", "reason"),
        [
            ({"branches": {}}, "branches", "1 to 20 actions"),
            ({"branches": ["mail"]}, "branches", "1 to 20 actions"),
            ({"placement": ""}, "placement", "not a text"),
            ({"branches": {"ten": "nowhere"}}, "branches", "there is no node “nowhere”"),
            ({"otherwise": ""}, "otherwise", "leads nowhere"),
        ],
        ids=str,
    )
    def test_what_is_wrong_is_said_of_its_field(self, placement, change, field, reason):
        draft = offering(ten="mail-ten")
        draft["nodes"][1] |= change
        with pytest.raises(graphs.BadGraph) as caught:
            checking.checked(draft)
        told = {problem.field: problem.reason for problem in caught.value.problems}
        assert reason in told[field]

    def test_it_names_a_placement_and_actions_that_are_there(self, placement):
        draft = offering(ten="mail-ten", tenn="mail-ten")
        with pytest.raises(graphs.BadGraph, match="choose.branches: there is no action “tenn”"):
            checking.checked(draft)
        draft["nodes"][1] |= {"placement": "attic"}
        with pytest.raises(graphs.BadGraph, match="there is no placement “attic”"):
            checking.checked(draft)

    def test_a_round_through_a_branch_needs_a_wait(self, placement):
        draft = graph(entry(to="choose"), split({"ten": "choose"}), leave())
        with pytest.raises(graphs.BadGraph, match="a round without a wait"):
            checking.checked(draft)

    def test_every_branch_is_drawn_with_the_name_of_its_action(self, placement):
        draft = offering(ten="mail-ten", gift="mail-gift")
        picture = drawing.draw(draft, describing.Names.all())
        assert {"ten", "gift", "others"} <= {edge.label for edge in picture.edges}
        box = next(box for box in picture.boxes if box.node.id == "choose")
        assert box.said == "decided at “Basket”"

    def test_a_draft_without_branches_is_drawn_too(self):
        draft = graph(entry(to="choose"), split("no branches"), leave())
        assert len(drawing.draw(draft, describing.Names()).boxes) == 3

    def test_the_editor_knows_the_placements_and_their_actions(self, placement):
        fields = {f["name"]: f for f in editing.grammar(describing.Names.all())["fields"]["split"]}
        assert fields["placement"]["options"] == [["basket", "Basket"]]
        assert fields["branches"]["actions"] == {
            "basket": [["ten", "Ten"], ["gift", "Gift"], ["nothing", "nothing"]]
        }
        assert fields["branches"]["when"] == ["mode", ["decision"]]


def test_a_simulation_plays_what_todays_policy_would_choose_and_logs_nothing(placement):
    only(placement, "gift")
    journey = launched(offering(ten="mail-ten", gift="mail-gift"))
    before = NOON - timedelta(days=2)
    for _ in range(3):
        happens(reader(), at=before)
    made = simulating.simulate(journey, graphs.parse(journey.draft), now=NOON)
    assert made.messages == {"mail-gift": 3}
    placement.is_active = False
    placement.save()
    closed = simulating.simulate(journey, graphs.parse(journey.draft), now=NOON)
    assert (closed.passages, closed.total) == (3, 0)
    assert not Decision.objects.exists()


def test_the_passage_tells_what_was_decided_and_with_which_chance(placement):
    journey = launched(offering(ten="mail-ten", gift="mail-gift"))
    tell(reader())
    row = Decision.objects.get()
    said = describing.why("decided", passage(journey).steps.get(what="decided").detail)
    assert said == f"“{row.choice}” at “basket”, with a chance of 50 %"
