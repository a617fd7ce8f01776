"""A run of chaos.py that is a journey: people wait in it, and become due, among the same faults.

Two workers hear of what happened (some of it twice), move people on and write to them. In the end
everybody who came in has come out, by steps without gaps, with one message and one task for each
step that asked for one.
"""

import time
from collections import Counter
from datetime import timedelta

from tests.campaigns.chaos import OPEN, PEOPLE, SECONDS, Run

BUYERS = 15


class JourneyRun(Run):
    """An event, a wait, two ways by chance, a message, a wait, a task for staff; an order ends it."""

    def play(self):
        self.begin()
        self.server.mails, self.server.rules = {}, self.rules()
        self.server.delay = self.rng.choice([0, 0.001, 0.005])
        try:
            self.make_trouble()
            self.let_it_end()
        finally:
            self.kill_all()

    def begin(self):
        from django.utils import timezone

        from campaigns.journeys import steering
        from campaigns.models import Campaign
        from tests.campaigns.journeys.world import make_journey, reader
        from tests.campaigns.world import make_template

        now = timezone.now()
        self.journey = make_journey(
            self.graph(make_template().pk),
            holdout_share="0.1",
            goal_event="crm.order_placed",
            cap_messages=self.rng.choice([None, 3]),
        )
        steering.launch(self.journey, now=now - timedelta(hours=3))
        self.campaign = Campaign.objects.get(journey=self.journey)
        members = [reader(f"P{i}") for i in range(PEOPLE)]
        self.people = [member.email for member in members]
        self.events = [self.tell(one, "crm.product_added", now) for one in members]
        for one in self.rng.sample(members, BUYERS):
            later = now + timedelta(seconds=1)
            self.events.append(self.tell(one, "crm.order_placed", later))

    def tell(self, customer, kind, at):
        """On the timeline, where it waits to be handed over."""
        from crm import timeline

        key = f"{kind}:{customer.pk}"
        entry = timeline.Entry(
            customer_id=customer.pk,
            kind=kind,
            data={},
            happened_at=at,
            message_id=key,
            source="chaos",
        )
        timeline.record_many([entry], received_at=at)
        event = customer.events.get(message_id=key)
        assert event.dispatched_at is None, "nobody listens"
        return event.pk

    def graph(self, template):
        from tests.campaigns.journeys.world import entry, graph, leave, mail, wait

        split = {"id": "split", "kind": "split", "mode": "random", "percent": 80}
        task = {"id": "task", "kind": "action", "mode": "task", "name_of": "Call", "days": 1}
        return graph(
            entry(),
            wait(to="split"),
            split | {"next": "mail", "otherwise": "rest"},
            mail(template=template, to="rest"),
            wait(id="rest", to="task"),
            task | {"next": "end"},
            leave(),
        )

    def hire(self):
        clock = self.rng.choice([0, 0, 0, -3600, 3600])
        self.counts["wrong clocks"] += bool(clock)
        seed = self.rng.randrange(2**32)
        some = self.rng.sample(self.events, 20)  # what is told twice
        work = {"journey": self.journey.pk, "events": some, "seed": seed, "clock": clock}
        self.workers.append(self.start(**work))

    def look(self):
        """Some of those who wait become due, by every worker's clock."""
        from django.utils import timezone

        from campaigns.models import Passage

        long_ago = timezone.now() - timedelta(hours=2)
        waiting = Passage.objects.walking().filter(journey=self.journey, due_at__gt=long_ago)
        ids = list(waiting.order_by("pk").values_list("pk", flat=True))
        some = self.rng.sample(ids, len(ids) // 2 + len(ids) % 2)
        Passage.objects.filter(pk__in=some, state="walking").update(due_at=long_ago)
        self.campaign.deliveries.filter(status="queued").update(due_at=long_ago)
        return self.is_over(), dict(self.campaign.deliveries.values_list("address", "status"))

    def is_over(self):
        from campaigns.models import Passage
        from crm.models import Event

        came = Passage.objects.filter(journey=self.journey)
        return (
            not Event.objects.filter(pk__in=self.events, dispatched_at=None).exists()
            and came.count() == PEOPLE
            and not came.walking().exists()
            and not self.campaign.deliveries.filter(status__in=OPEN).exists()
        )

    def let_it_end(self):
        end = time.monotonic() + SECONDS
        while not (state := self.look())[0]:
            assert time.monotonic() < end, f"seed {self.seed}: {Counter(state[1].values())}"
            time.sleep(0.05)
        self.kill_all()  # or one that is late writes while we count
        self.judge(dict(self.campaign.deliveries.values_list("address", "status")))
        self.close()

    def close(self):
        """Or the people of the next run would come into this journey too."""
        from django.utils import timezone

        from campaigns.journeys import steering

        steering.end(self.journey, now=timezone.now())

    def judge(self, rows):
        """Nobody forgotten, nobody twice, and the trace says what was done."""
        from campaigns.models import Passage, PassageStep, StaffTask

        received, told = self.server.received, f"seed {self.seed}"
        by_status = {s: {a for a, status in rows.items() if status == s} for s in rows.values()}
        sent, unsure = by_status.get("sent", set()), by_status.get("uncertain", set())
        assert set(by_status) <= {"sent", "failed", "uncertain", "skipped"}, (told, set(by_status))
        assert not received or max(received.values()) == 1, f"{told}: somebody got it twice"
        assert sent <= set(received), f"{told}: {sent - set(received)} never got it"
        assert set(received) <= sent | unsure, f"{told}: more arrived than is told"
        tried = set(rows) - by_status.get("skipped", set())
        assert self.unanswered & tried <= unsure, f"{told}: an answer was made up"
        passages = Passage.objects.filter(journey=self.journey)
        states = Counter(passages.values_list("state", flat=True))
        assert passages.values("customer").distinct().count() == passages.count() == PEOPLE, told
        assert set(states) <= {"reached", "left", "held_out"}, (told, states)
        steps = PassageStep.objects.filter(passage__journey=self.journey)
        positions = {}
        for pk, position in steps.values_list("passage", "position"):
            positions.setdefault(pk, []).append(position)
        for one in passages:
            assert sorted(positions[one.pk]) == list(range(one.steps_taken)), f"{told}: a gap"
        asked = Counter(steps.filter(what__in=["message", "task"]).values_list("what", flat=True))
        assert self.campaign.deliveries.count() == asked["message"], f"{told}: messages"
        tasks = StaffTask.objects.filter(passage__journey=self.journey)
        assert tasks.count() == asked["task"], f"{told}: tasks"
        ends = steps.filter(what__in=["exit", "goal_event", "held_out"]).values("passage")
        assert ends.distinct().count() == ends.count() == PEOPLE, f"{told}: ends"
        self.counts += Counter(
            {f"mails {status}": len(addresses) for status, addresses in by_status.items()}
        )
        self.counts += Counter({f"people {state}": number for state, number in states.items()})
        self.counts["journeys"] += 1
