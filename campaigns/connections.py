"""Connections to the mail server at work, each a thread: render, write down, hand over, write down.

They never speak to the database; what they need is on the job, and what comes of it on its end.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from django.conf import settings

from campaigns import channels, claiming, journal, mime, rendering, smtp

PATIENCE = (0.2, 1.0, 3.0)  # seconds between attempts to connect
logger = logging.getLogger(__name__)


class NotBegun(Exception):
    """The message was not handed over, and is not to blame for it."""


ENDS = (
    NotBegun,
    rendering.UnknownLink,
    rendering.BrokenTemplate,
    channels.TemporaryFailure,
    channels.PermanentFailure,
    channels.Unclear,
)


@dataclass(slots=True)
class Turn:
    """One batch of claims, and until when (by the monotonic clock) its messages may be begun."""

    until: float


@dataclass(slots=True)
class Job:
    delivery: claiming.Due
    turn: Turn


@dataclass(frozen=True, slots=True)
class End:
    """What became of a job; without a failure it was accepted."""

    job: Job
    failure: Exception | None = None


class Crew:
    """The connections, fed from one queue. Leaving the context lets each end what it is at."""

    def __init__(
        self, renderer: rendering.Renderer, kept: journal.Journal, *, clock: Callable[[], datetime]
    ) -> None:
        self.renderer, self.journal, self.clock = renderer, kept, clock
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[End] = queue.SimpleQueue()
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self.unreachable: list[str] = []  # why, of each connection that was not to be had
        self._threads = [Connection(self) for _ in range(settings.EMAIL_CONNECTIONS)]

    def __enter__(self) -> "Crew":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopped.set()
        for _ in self._threads:
            self.jobs.put(None)
        for thread in self._threads:
            thread.join()
        if error is None and self.error is not None:
            raise self.error

    @property
    def backlog(self) -> int:
        return self.jobs.qsize()

    @property
    def has_no_server(self) -> bool:
        return len(self.unreachable) == len(self._threads)

    @property
    def is_gone(self) -> bool:
        """No connection will do anything more."""
        return self.error is not None or self.has_no_server

    def feed(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.jobs.put(job)

    def ends(self) -> list[End]:
        """What has come to an end since the last time."""
        return [self.done.get() for _ in range(self.done.qsize())]


class Connection(threading.Thread):
    """One connection, opened when there is something to send and again when the server hung up."""

    def __init__(self, crew: Crew) -> None:
        super().__init__(name="smtp", daemon=True)
        self._crew = crew
        self._session: smtp.Session | None = None
        self._sender = mime.Sender(settings.DEFAULT_FROM_EMAIL)

    def run(self) -> None:
        try:
            while (job := self._crew.jobs.get()) is not None:
                if not self._do(job):
                    return
        except BaseException as error:  # told by the thread that waits for us
            self._crew.error = error
        finally:
            if self._session is not None:
                self._session.close()

    def _do(self, job: Job) -> bool:
        """Bring one job to its end. False where there is nobody to hand anything to."""
        failure: Exception | None = None
        try:
            self._send(job)
        except smtp.NoServer as error:
            logger.warning("No connection to the mail server: %s", error)
            self._crew.done.put(End(job, NotBegun(str(error))))
            self._crew.unreachable.append(str(error))
            return False
        except ENDS as end:
            failure = end
        self._crew.done.put(End(job, failure))
        return True

    def _send(self, job: Job) -> None:
        if self._crew.stopped.is_set() or time.monotonic() > job.turn.until:
            raise NotBegun
        delivery = job.delivery
        recipient, mail = self._composed(delivery)
        session = self._announce(recipient)
        self._crew.journal.asked(delivery.pk)
        try:
            session.finish(mail)
        except (channels.TemporaryFailure, channels.PermanentFailure):
            self._crew.journal.refused(delivery.pk)
            raise
        self._crew.journal.accepted(delivery.pk)

    def _composed(self, delivery: claiming.Due) -> tuple[str, bytes]:
        message = self._crew.renderer.render(delivery)
        try:
            recipient = mime.address(delivery.address)
            mail = mime.compose(
                sender=self._sender.header,
                to=recipient,
                subject=message.subject,
                text=message.text,
                html=message.html,
                headers=message.headers,
                message_id=delivery.message_id,
                at=self._crew.clock(),
            )
        except mime.NotSendable as error:
            raise channels.PermanentFailure(str(error)) from error
        return recipient, mime.stuffed(mail)

    def _announce(self, recipient: str) -> smtp.Session:
        """A connection that waits for the message. One that the server has closed in the meantime
        is opened again; a message over which it closes a fresh one has failed for now."""
        while True:
            session = self._connected()
            was_fresh = session.is_fresh
            try:
                session.begin(sender=self._sender.envelope, recipient=recipient)
            except smtp.Lost as error:
                if was_fresh:
                    raise channels.TemporaryFailure(str(error)) from error
            else:
                return session

    def _connected(self) -> smtp.Session:
        if self._session is not None and self._session.is_open:
            return self._session
        for seconds in PATIENCE:
            try:
                self._session = smtp.Session()
            except smtp.NoServer:
                if self._crew.stopped.wait(seconds):
                    break
            else:
                return self._session
        self._session = smtp.Session()
        return self._session
