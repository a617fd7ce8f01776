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


@dataclass(slots=True)
class Composed:
    """A job with the mail it came to, or why it came to none."""

    job: Job
    envelope: smtp.Envelope | None = None
    mail: bytes = b""
    failure: Exception | None = None


class Connection(threading.Thread):
    """One connection, opened when there is something to send and again when the server hung up.

    While the server waits for a message the next one is composed, and announced with its end.
    """

    def __init__(self, crew: Crew) -> None:
        super().__init__(name="smtp", daemon=True)
        self._crew = crew
        self._session: smtp.Session | None = None
        self._sender = mime.Sender(settings.DEFAULT_FROM_EMAIL)
        self._next: Composed | None = None
        self._accepted: int | None = None  # by the server, and not in the journal yet
        self._is_called_off = False

    def run(self) -> None:
        try:
            while (composed := self._take()) is not None:
                if not self._do(composed):
                    return
        except BaseException as error:  # told by the thread that waits for us
            self._crew.error = error
        finally:
            self._note_accepted()
            self._give_back_next()
            if self._session is not None:
                self._session.close()

    def _take(self) -> Composed | None:
        """The message announced already, or the next one; None when there are to be no more."""
        if self._next is not None:
            composed, self._next = self._next, None
            return composed
        if self._is_called_off:
            return None
        if self._crew.jobs.empty():
            self._note_accepted()  # nobody knows how long it takes until the next
        job = self._crew.jobs.get()
        return None if job is None else self._composed(job)

    def _do(self, composed: Composed) -> bool:
        """Bring one job to its end. False where there is nobody to hand anything to."""
        job, failure = composed.job, composed.failure
        try:
            if failure is None:
                self._send(composed)
        except smtp.NoServer as error:
            logger.warning("No connection to the mail server: %s", error)
            self._crew.done.put(End(job, NotBegun(str(error))))
            self._crew.unreachable.append(str(error))
            return False
        except ENDS as end:
            failure = end
        self._crew.done.put(End(job, failure))
        return True

    def _send(self, composed: Composed) -> None:
        job, envelope = composed.job, composed.envelope
        assert envelope is not None, "a message without an envelope has failed before"
        self._refuse_late(job)
        session = self._announce(envelope)
        self._next = self._look_ahead()
        try:
            self._refuse_late(job)
        except NotBegun:
            session.close()  # it waits for a message, and there is no other way out
            raise
        self._note_asked(job.delivery.pk)
        try:
            session.finish(composed.mail, ahead=self._next.envelope if self._next else None)
        except (channels.TemporaryFailure, channels.PermanentFailure):
            self._crew.journal.refused(job.delivery.pk)
            raise
        self._accepted = job.delivery.pk

    def _refuse_late(self, job: Job) -> None:
        if self._crew.stopped.is_set() or time.monotonic() > job.turn.until:
            raise NotBegun

    def _look_ahead(self) -> Composed | None:
        """The next message, where one is waiting."""
        try:
            job = self._crew.jobs.get_nowait()
        except queue.Empty:
            return None
        if job is None:
            self._is_called_off = True
            return None
        return self._composed(job)

    def _note_asked(self, delivery_id: int) -> None:
        """In the journal before the dot, with the answer to the one before it."""
        if self._accepted is None:
            self._crew.journal.asked(delivery_id)
        else:
            self._crew.journal.accepted_and_asked(self._accepted, delivery_id)
            self._accepted = None

    def _note_accepted(self) -> None:
        if self._accepted is not None:
            self._crew.journal.accepted(self._accepted)
            self._accepted = None

    def _give_back_next(self) -> None:
        if self._next is not None:
            self._crew.done.put(End(self._next.job, NotBegun()))
            self._next = None

    def _composed(self, job: Job) -> Composed:
        """The mail, or what kept it from being one; the job is not begun by this."""
        delivery = job.delivery
        try:
            self._refuse_late(job)
            message = self._crew.renderer.render(delivery)
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
            return Composed(job, failure=channels.PermanentFailure(str(error)))
        except ENDS as failure:
            return Composed(job, failure=failure)
        envelope = smtp.Envelope(self._sender.envelope, recipient)
        return Composed(job, envelope, mime.stuffed(mail))

    def _announce(self, envelope: smtp.Envelope) -> smtp.Session:
        """A connection that waits for the message. One that the server has closed in the meantime
        is opened again; a message over which it closes a fresh one has failed for now."""
        while True:
            session = self._connected()
            was_fresh = session.is_fresh
            try:
                session.begin(envelope)
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
