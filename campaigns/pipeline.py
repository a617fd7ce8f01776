"""Many messages a second by SMTP: claim in turns, send on several connections, and write down ten
times a second what became of them.

Only the thread that runs `send` speaks to the database. What is in the journal and not yet in the
table is settled after a crash (`claiming.settle_abandoned`).
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from campaigns import (
    allowances,
    channels,
    claiming,
    journal,
    mail,
    outcomes,
    preparing,
    rendering,
    smtp,
)
from campaigns.connections import Crew, End, Job, NotBegun, Turn
from campaigns.models import Campaign
from campaigns.pacing import Pacing

BATCH = 1000
MOST_HELD_BACK = 4 * BATCH  # for domains that have to be written to slowly
PAUSE = 0.1  # seconds between two writings
LEASE = claiming.LEASE.total_seconds()
MARGIN = 10.0  # seconds before the end of a lease from which no message is begun


def fits(campaign: Campaign) -> bool:
    """Whether its channel is Django's own SMTP."""
    return type(channels.get(campaign.channel)) is mail.Email and smtp.is_configured()


def send(campaign: Campaign, *, owner: str, clock: Callable[[], datetime]) -> int:
    """Send what is due of a campaign until nothing is, or it is paused.

    Returns how many messages were looked at. May run in several workers. Raises NoServer after
    it has given back what it could not send. Whatever else it raises, the journal stays, and the
    next sweep settles what it tells of.
    """
    kept, is_settled = journal.Journal(owner), False
    try:
        with Crew(rendering.Renderer(campaign), kept, clock=clock) as crew:
            run = Run(campaign, crew, owner=owner, clock=clock)
            run.work()
        run.finish()
        is_settled = True
    finally:
        kept.close(is_settled=is_settled)
    if crew.has_no_server:
        raise smtp.NoServer(f"“{campaign}” waits for the mail server: {crew.unreachable[-1]}")
    return run.total


class Run:
    """One sender at work on one campaign."""

    def __init__(
        self, campaign: Campaign, crew: Crew, *, owner: str, clock: Callable[[], datetime]
    ) -> None:
        self.total = 0
        self._campaign, self._crew = campaign, crew
        self._owner, self._clock = owner, clock
        self._is_prepared = not campaign.unprepared
        self._open: dict[int, Job] = {}  # claimed, and the end not written down yet
        self._pacing: Pacing[Job] = Pacing(
            settings.EMAIL_RATE, settings.EMAIL_DOMAIN_RATES, take=allowances.take
        )

    def work(self) -> None:
        written = time.monotonic()
        while not self._crew.is_gone and self._is_sending():
            has_more = self._has_enough() or self._claim()
            self._crew.feed(self._pacing.release())
            if not (self._open or has_more):
                return
            time.sleep(max(0.0, written + PAUSE - time.monotonic()))
            written = time.monotonic()
            self._write(self._crew.ends())
            self._renew()

    def finish(self) -> None:
        """After the crew has gone home: write down what it did, give back what it did not."""
        self._write(self._crew.ends())
        claiming.give_back(list(self._open), owner=self._owner)

    def _is_sending(self) -> bool:
        return Campaign.objects.sending().filter(pk=self._campaign.pk).exists()

    def _claim(self) -> int:
        """Take a turn, and prepare for turns to come while the connections have work.

        Returns how many messages were looked at or prepared.
        """
        turn, now = Turn(time.monotonic() + LEASE - MARGIN), self._clock()
        claimed = claiming.claim(
            self._campaign, owner=self._owner, now=now, limit=BATCH, begun=True
        )
        looked_at = len(claimed.deliveries) + claimed.refused
        self.total += looked_at
        jobs = [Job(delivery, turn) for delivery in claimed.deliveries]
        self._open |= {job.delivery.pk: job for job in jobs}
        self._crew.renderer.prepare(claimed.deliveries, now=now)
        self._pacing.add((job.delivery.address, job) for job in jobs)
        self._crew.feed(self._pacing.release())
        return looked_at + self._prepare()

    def _prepare(self) -> int:
        """A block of two turns after each turn, so that it never has to be waited for."""
        if self._is_prepared:
            return 0
        prepared = preparing.prepare(self._campaign.pk, now=self._clock())
        self._is_prepared = not prepared  # or another worker is at the last blocks
        return prepared

    def _has_enough(self) -> bool:
        return self._crew.backlog >= BATCH // 2 or len(self._pacing) >= MOST_HELD_BACK

    def _write(self, ends: Sequence[End]) -> None:
        """Write ends to the table, in one transaction with what the timeline hears of them."""
        if not (ended := [end for end in ends if not self._goes_on(end)]):
            return
        now = self._clock()
        with transaction.atomic():
            sent = [end.job.delivery.pk for end in ended if end.failure is None]
            self._note(sent, outcomes.sent(now))
            for end in ended:
                if end.failure is not None:
                    self._note_failure(end.job.delivery, end.failure, now=now)
            outcomes.tell(sent, sent_at=now)
        for end in ended:
            del self._open[end.job.delivery.pk]
        self._crew.renderer.forget(end.job.delivery for end in ended)

    def _goes_on(self, end: End) -> bool:
        """A message with a link of its own is rendered again once the link has its number."""
        if not isinstance(end.failure, rendering.UnknownLink):
            return False
        self._crew.renderer.learn(end.failure.url)
        self._crew.feed([end.job])
        return True

    def _note_failure(self, delivery: claiming.Due, failure: Exception, *, now: datetime) -> None:
        if isinstance(failure, NotBegun):
            claiming.give_back([delivery.pk], owner=self._owner)
            return
        delivery.attempts += 1
        self._note([delivery.pk], outcomes.failed(delivery, failure, now=now))

    def _note(self, delivery_ids: list[int], outcome: outcomes.Outcome) -> None:
        tried = outcome | {"attempts": F("attempts") + 1}
        claiming.end_all(delivery_ids, owner=self._owner, **tried)

    def _renew(self) -> None:
        """Hold on to what waits for a slow server."""
        now = time.monotonic()
        late = [job for job in self._open.values() if job.turn.until < now + LEASE / 3]
        if late:
            claiming.renew([job.delivery.pk for job in late], owner=self._owner)
            for job in late:
                job.turn.until = now + LEASE - MARGIN
