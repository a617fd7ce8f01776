"""The states of a campaign and the steps between them; each is one UPDATE that one caller wins."""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns import audiences, channels, freezing, rendering
from campaigns.models import AudienceBlock, Campaign, Delivery
from crm import segments

logger = logging.getLogger(__name__)
Status = Campaign.Status
OPEN = (Delivery.Status.QUEUED, Delivery.Status.SENDING)


class NotPossible(Exception):
    """The campaign is not in a state from which this can be done, or is not ready for it."""


NOT_READY = (
    NotPossible,
    audiences.EmptyAudience,
    segments.Stale,
    rendering.BrokenTemplate,
    channels.UnknownChannel,
)


def start(campaign: Campaign, *, now: datetime, stale_is_fine: bool = False) -> bool:
    """Begin: the audience is frozen, and written to from now on. False if it was begun already.

    The segment is brought up to this moment first; where that cannot be done, only somebody who
    says that it is fine may start. Raises Stale, EmptyAudience, NotPossible without a variant,
    BrokenTemplate, UnknownChannel.
    """
    if campaign.segment is None:
        raise NotPossible(f"“{campaign}” belongs to a journey, which starts and stops it.")
    try:
        segments.bring_up_to_date(campaign.segment, now=now)
    except segments.Stale:
        if not stale_is_fine:
            raise
    check_ready(campaign)
    begun = _freeze(campaign, now=now)
    if begun:
        campaign.refresh_from_db()
        _wake(campaign)
    return begun


@transaction.atomic
def _freeze(campaign: Campaign, *, now: datetime) -> bool:
    begun = Campaign.objects.filter(
        pk=campaign.pk, status__in=[Status.DRAFT, Status.SCHEDULED]
    ).update(status=Status.MATERIALISING, started_at=now)
    if begun:
        freezing.freeze(campaign.pk)
    return bool(begun)


def check_ready(campaign: Campaign) -> None:
    """Raise what would keep this campaign from being sent as it should."""
    variants = list(campaign.variants.select_related("template").order_by("pk"))
    if not variants:
        raise NotPossible(f"The campaign “{campaign}” has no variant.")
    channels.get(campaign.channel)
    for variant in variants:
        rendering.check(variant.template)
    audiences.refuse_empty(campaign)


def schedule(campaign: Campaign) -> None:
    """Wait for `scheduled_at`; the sweeper starts it then."""
    if campaign.scheduled_at is None:
        raise NotPossible("A scheduled campaign needs a time to start at.")
    check_ready(campaign)
    _step(campaign, [Status.DRAFT], Status.SCHEDULED)


def start_scheduled(*, now: datetime) -> int:
    """Start the campaigns whose time has come. One that is not ready becomes a draft again."""
    started = 0
    for campaign in Campaign.objects.filter(status=Status.SCHEDULED, scheduled_at__lte=now):
        try:
            started += start(campaign, now=now)
        except NOT_READY:
            logger.exception("Campaign %s cannot start", campaign.pk)
            _step(campaign, [Status.SCHEDULED], Status.DRAFT)
    return started


@transaction.atomic
def pause(campaign: Campaign) -> None:
    """Stop before the next message: without its claim no sender may begin one."""
    _step(campaign, [Status.SENDING], Status.PAUSED)
    claimed = campaign.deliveries.filter(status=Delivery.Status.QUEUED).exclude(claimed_by="")
    claimed.update(claimed_by="", claimed_until=None)


def resume(campaign: Campaign) -> None:
    _step(campaign, [Status.PAUSED], Status.SENDING)
    _wake(campaign)


@transaction.atomic
def cancel(campaign: Campaign, *, now: datetime) -> None:
    """Stop for good: what was not begun is skipped, what is under way ends as it ends."""
    running = [Status.MATERIALISING, Status.SENDING, Status.PAUSED]
    # First, as whoever prepares a block has it before the row of the campaign.
    campaign.blocks.all().delete()
    _step(campaign, [Status.DRAFT, Status.SCHEDULED, *running], Status.CANCELLED)
    Campaign.objects.filter(pk=campaign.pk).update(finished_at=now)
    skip_cancelled()


def skip_cancelled() -> int:
    """Skip what a cancelled campaign has queued, also by a retry that came after."""
    AudienceBlock.objects.filter(campaign__status=Status.CANCELLED).delete()
    queued = Delivery.objects.filter(
        campaign__status=Status.CANCELLED, status=Delivery.Status.QUEUED
    )
    return queued.update(
        status=Delivery.Status.SKIPPED, reason="cancelled", claimed_by="", claimed_until=None
    )


def finish_if_done(campaign_id: int, *, now: datetime) -> bool:
    """Say "finished", unless a single message is to be prepared or sent, or on its way.

    The messages of a journey are never finished: somebody may come to their node any moment.
    """
    unsettled = Delivery.objects.filter(campaign=OuterRef("pk"), status__in=OPEN)
    open_ = Campaign.objects.broadcasts().sending().filter(pk=campaign_id, unprepared=0)
    done = open_.filter(~Exists(unsettled))
    return bool(done.update(status=Status.FINISHED, finished_at=now))


def reopen(campaign: Campaign) -> None:
    """A message of a finished campaign is to be sent after all."""
    Campaign.objects.filter(pk=campaign.pk, status=Status.FINISHED).update(
        status=Status.SENDING, finished_at=None
    )
    _wake(campaign)


def _step(campaign: Campaign, before: list[Status], after: Status) -> None:
    if not Campaign.objects.filter(pk=campaign.pk, status__in=before).update(status=after):
        campaign.refresh_from_db(fields=["status"])
        raise NotPossible(f"The campaign “{campaign}” is {campaign.get_status_display()}.")
    campaign.status = after


def _wake(campaign: Campaign) -> None:
    from campaigns import tasks  # tasks import this module

    def send() -> None:
        tasks.start_campaign.delay(campaign_id=campaign.pk)

    transaction.on_commit(send, robust=True)  # a sweep runs anyway
