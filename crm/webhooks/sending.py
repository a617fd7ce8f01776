"""Gets messages to their receivers: claimed, tried for three days, and recorded one by one.

Any number of workers may do so at once. A claim lapses with its time, so what a worker that was
killed had sent and not recorded goes out again, with the same `webhook-id`: the receiver knows it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q

from crm import outgoing, sealing
from crm.models import Webhook, WebhookMessage
from crm.webhooks import kinds, queueing, signing

AT_ONCE = 16  # requests, of one worker
LEASE = timedelta(seconds=60)  # longer than any attempt takes
TRIED_FOR = timedelta(days=3)
FAILING_FOR = timedelta(days=5)  # without a success: then it is disabled
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600)  # seconds; the last again and again
JITTER = 0.1  # of a pause, or all that failed together come together again
Waiting = WebhookMessage.State.WAITING


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. No status: nobody answered."""

    status: int | None
    failure: str
    wait: int = 0  # seconds that the receiver asked for

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def send_due(*, clock: Callable[[], datetime], owner: str) -> int:
    """Make one attempt for a batch of what is due; return how many were made."""
    claimed = claim(now=clock(), owner=owner)
    if not claimed:
        return 0
    with ThreadPoolExecutor(AT_ONCE) as pool:  # the threads ask, and never touch the database
        asked = [(one, pool.submit(_asker(one, clock()))) for one in claimed]
        for message, future in asked:
            record(message, future.result(), owner=owner, now=clock())
    return len(claimed)


def claim(*, now: datetime, owner: str) -> list[WebhookMessage]:
    """Take what is due for as long as the lease, a fair share for each webhook.

    What a partner may not see any more is dropped here.
    """
    with transaction.atomic():
        found = [pk for share in _shares(now) for pk in share]
        mine = WebhookMessage.objects.filter(pk__in=found)
        mine.update(claimed_by=owner, claimed_until=now + LEASE)
    messages = list(
        WebhookMessage.objects.filter(pk__in=found, claimed_by=owner)
        .select_related("webhook__partner", "customer")
        .order_by("id")
    )
    return list(_still_theirs(messages))


def record(message: WebhookMessage, outcome: Outcome, *, owner: str, now: datetime) -> None:
    """Write down what came of it. Who has lost the claim meanwhile writes nothing."""
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update(no_key=True).get(pk=message.webhook_id)
        mine = WebhookMessage.objects.filter(pk=message.pk, claimed_by=owner)
        first = message.tried_first_at or now
        written = mine.update(
            **_next(message, outcome, first=first, now=now),
            attempts=F("attempts") + 1,
            tried_first_at=first,
            tried_at=now,
            status=outcome.status,
            failure=outcome.failure,
            claimed_by="",
            claimed_until=None,
        )
        if written:
            _keep_score(webhook, outcome, now=now)


def pause_after(attempts: int, message_id: str) -> timedelta:
    """How long until the next attempt, after so many; nearly the same for all, not quite."""
    seconds = PAUSES[min(attempts, len(PAUSES)) - 1]
    share = int(sha256(f"{message_id}:{attempts}".encode()).hexdigest()[:8], 16) / 2**32
    return timedelta(seconds=seconds * (1 + JITTER * (2 * share - 1)))


def anything_due(*, now: datetime) -> bool:
    return bool(_due(now).exists())


def _due(now: datetime):  # type: ignore[no-untyped-def]  # a queryset of its own class
    """What may be sent now: of each customer the oldest, of webhooks that are live."""
    older = WebhookMessage.objects.waiting().filter(
        webhook=OuterRef("webhook"), customer=OuterRef("customer"), pk__lt=OuterRef("pk")
    )
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return WebhookMessage.objects.waiting().filter(
        unclaimed,
        ~Exists(older),
        due_at__lte=now,
        webhook__in=Webhook.objects.live(),
    )


def _shares(now: datetime) -> Iterator[list[int]]:
    """For each webhook that has been waiting longest, what it may send in this round; locked."""
    oldest = _due(now).values("webhook").annotate(at=Min("due_at")).order_by("at", "webhook")
    webhooks = [row["webhook"] for row in oldest[:AT_ONCE]]
    for webhook_id in webhooks:
        theirs = _due(now).filter(webhook=webhook_id).order_by("due_at", "id")
        locked = theirs.select_for_update(skip_locked=True, of=("self",))
        yield list(locked.values_list("pk", flat=True)[: AT_ONCE // len(webhooks)])


def _still_theirs(messages: Sequence[WebhookMessage]) -> Iterator[WebhookMessage]:
    by_webhook: dict[int, list[WebhookMessage]] = {}
    for one in messages:
        by_webhook.setdefault(one.webhook_id, []).append(one)
    for theirs in by_webhook.values():
        people = [one.customer for one in theirs if one.customer]
        seen = queueing.visible(theirs[0].webhook, people)
        lost = [one.pk for one in theirs if one.customer_id and one.customer_id not in seen]
        if lost:
            WebhookMessage.objects.filter(pk__in=lost).update(
                state=WebhookMessage.State.DROPPED, claimed_by="", claimed_until=None
            )
        yield from (one for one in theirs if one.pk not in lost)


def _asker(message: WebhookMessage, now: datetime) -> Callable[[], Outcome]:
    """The attempt as a function that needs no database."""
    try:
        headers = signing.headers(message.webhook, message, now=now)
    except sealing.Unsealable as error:
        failure = str(error)
        return lambda: Outcome(None, failure)
    url, body = message.webhook.url, message.body.encode()
    return lambda: _ask(url, body, headers)


def _ask(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    try:
        answer = outgoing.post(url, body, headers)
    except (outgoing.Refused, outgoing.Unreachable, outgoing.NoAnswer) as error:
        return Outcome(None, str(error)[:200])
    if answer.is_success:
        return Outcome(answer.status, "")
    asked = answer.headers.get("retry-after", "")
    wait = int(asked) if asked.isdigit() and len(asked) < 6 else 0
    return Outcome(answer.status, f"HTTP {answer.status}", wait=min(wait, PAUSES[-1]))


def _next(
    message: WebhookMessage, outcome: Outcome, *, first: datetime, now: datetime
) -> dict[str, object]:
    if outcome.is_success:
        return {"state": WebhookMessage.State.DONE}
    pause = pause_after(message.attempts + 1, message.message_id)
    again = now + max(pause, timedelta(seconds=outcome.wait))
    if outcome.status == 410 or again > first + TRIED_FOR:
        return {"state": WebhookMessage.State.DEAD}
    return {"state": Waiting, "due_at": again}


def _keep_score(webhook: Webhook, outcome: Outcome, *, now: datetime) -> None:
    """How the webhook itself is doing; for five days badly, or gone, and it is disabled."""
    theirs = Webhook.objects.filter(pk=webhook.pk)
    if outcome.is_success:
        theirs.update(succeeded_at=now, failing_since=None, failure="")
        return
    since = webhook.failing_since or now
    theirs.update(failing_since=since, failed_at=now, failure=outcome.failure)
    if outcome.status == 410:
        disable(webhook, Webhook.Why.GONE, now=now)
    elif now - since >= FAILING_FOR:
        disable(webhook, Webhook.Why.FAILING, now=now)


def disable(webhook: Webhook, why: str, *, now: datetime) -> None:
    """Nothing is queued or sent any more, until somebody enables it; the contact is told once."""
    from crm import tasks  # tasks import this module

    active = Webhook.objects.filter(pk=webhook.pk, state=Webhook.State.ACTIVE)
    if active.update(state=Webhook.State.DISABLED, why_disabled=why, changed_at=now):
        kinds.forget()
        told = {"webhook_id": webhook.pk}
        transaction.on_commit(lambda: tasks.tell_disabled.delay(**told), robust=True)
