"""To whom something is said: campaigns, their variants, and who got which."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.content import Template
from campaigns.models.journeys import Journey
from crm.models import Channel, Customer, Segment, Topic

BY_PHONE = (Channel.SMS, Channel.WECHAT, Channel.WHATSAPP)  # addressed by a telephone number


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def broadcasts(self) -> "CampaignQuerySet":
        return self.filter(journey=None)

    def materialising(self) -> "CampaignQuerySet":
        return self.filter(status=Campaign.Status.MATERIALISING)

    def sending(self) -> "CampaignQuerySet":
        return self.filter(status=Campaign.Status.SENDING)

    def unprepared(self) -> "CampaignQuerySet":
        """Some of their audience have no arm and no message yet."""
        return self.filter(unprepared__gt=0)


class Campaign(models.Model):
    """One broadcast: a segment, a topic, variants, and a share who get nothing to compare with.

    Or the messages of one node of a journey: nobody is chosen beforehand, it is sending for as
    long as the journey is live, and messages are queued as people come to the node.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SCHEDULED = "scheduled", _("scheduled")
        MATERIALISING = "materialising", _("choosing recipients")
        SENDING = "sending", _("sending")
        PAUSED = "paused", _("paused")
        FINISHED = "finished", _("finished")
        CANCELLED = "cancelled", _("cancelled")

    class Design(models.TextChoices):
        """When a verdict may be given (`campaigns/looking.py`)."""

        ANY = "any", _("at any look, as often as you like")
        LOOKS = "looks", _("at four planned looks")
        ONCE = "once", _("once, when the window has ended")

    name = models.CharField(_("name"), max_length=100)
    segment = models.ForeignKey(Segment, models.PROTECT, null=True, verbose_name=_("segment"))
    journey = models.ForeignKey(
        Journey, models.CASCADE, null=True, editable=False, related_name="campaigns"
    )
    node = models.CharField(max_length=32, blank=True, editable=False)  # of the journey
    topic = models.ForeignKey(Topic, models.PROTECT, verbose_name=_("topic"))
    channel = models.CharField(_("channel"), max_length=16, choices=Channel, default=Channel.EMAIL)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DRAFT)
    holdout_share = models.DecimalField(
        _("holdout share"),
        max_digits=4,
        decimal_places=3,
        default=Decimal("0.1"),
        validators=[MinValueValidator(0), MaxValueValidator(Decimal("0.9"))],
        help_text=_("The share of the audience that gets nothing, to measure what the rest did."),
    )
    attribution_days = models.PositiveSmallIntegerField(
        _("attribution window in days"), default=14, validators=[MinValueValidator(1)]
    )
    design = models.CharField(
        _("judged"),
        max_length=8,
        choices=Design,
        default=Design.ANY,
        help_text=_(
            "The fewer the looks, the smaller the differences that can be shown; four looks stop "
            "early only for the very clear."
        ),
    )
    cap_messages = models.PositiveSmallIntegerField(
        _("at most this many messages"),
        null=True,
        blank=True,
        default=3,
        help_text=_("Over all campaigns of the channel, to one customer. Empty: no limit."),
    )
    cap_days = models.PositiveSmallIntegerField(
        _("within this many days"), default=7, validators=[MinValueValidator(1)]
    )
    quiet_from = models.TimeField(
        _("quiet from"), null=True, blank=True, help_text=_("In the customer's own time zone.")
    )
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    scheduled_at = models.DateTimeField(_("start at"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    audience_size = models.PositiveIntegerField(_("audience"), default=0)
    holdout_size = models.PositiveIntegerField(_("held out"), default=0)
    # Frozen in blocks, and not given arms and messages yet; once cancelled it never will be.
    unprepared = models.PositiveIntegerField(_("not yet prepared"), default=0)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_share__gte=0) & Q(holdout_share__lte=Decimal("0.9")),
                name="holdout_share_in_range",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="quiet_hours_have_both_ends",
            ),
            models.CheckConstraint(
                condition=Q(segment__isnull=False, journey=None)
                | Q(segment=None, journey__isnull=False),
                name="campaign_has_segment_or_journey",
            ),
            models.UniqueConstraint(
                fields=["journey", "node", "channel"], name="campaign_of_node_once"
            ),
        ]
        indexes = [models.Index(fields=["status"], name="campaign_by_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_editable(self) -> bool:
        """Once customers have their arms, changing what was promised would spoil the result."""
        return self.status in (self.Status.DRAFT, self.Status.SCHEDULED)

    @property
    def to_be_written_to(self) -> int:
        """All but those held out; while it is prepared, not all of those have been drawn."""
        return self.audience_size - self.holdout_size


class Variant(models.Model):
    """One way of saying it. The audience is shared out by weight."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="variants")
    label = models.CharField(_("label"), max_length=32)
    template = models.ForeignKey(Template, models.PROTECT, verbose_name=_("template"))
    weight = models.PositiveIntegerField(
        _("weight"), default=1, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "label"], name="variant_label_once"),
            models.CheckConstraint(condition=Q(weight__gte=1), name="variant_has_weight"),
        ]

    def __str__(self) -> str:
        return self.label


class AudienceBlock(models.Model):
    """Some customers of a frozen audience, as numbers; gone once they have arms and messages."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="blocks", db_index=False)
    place = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    customers = models.BinaryField()  # their ids, `freezing.unpacked`

    class Meta:
        verbose_name = _("block of an audience")
        verbose_name_plural = _("blocks of audiences")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "place"], name="audience_block_once")
        ]

    def __str__(self) -> str:
        return f"#{self.campaign_id} {self.place}"


class Assignment(models.Model):
    """Which arm one customer is in, and with what chance: audience and experiment in one row."""

    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="assignments", db_index=False
    )
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="assignments")
    variant = models.ForeignKey(
        Variant, models.PROTECT, null=True, related_name="assignments"
    )  # null: held out
    propensity = models.FloatField(_("propensity"))
    policy = models.CharField(_("policy"), max_length=64)
    reason = models.JSONField(_("reason"), default=dict)
    assigned_at = models.DateTimeField(_("assigned"))

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "customer"], name="one_arm_per_customer"),
            models.CheckConstraint(
                condition=Q(propensity__gt=0) & Q(propensity__lte=1), name="propensity_is_a_chance"
            ),
        ]
        indexes = [models.Index(fields=["campaign", "variant"], name="assignment_by_arm")]

    def __str__(self) -> str:
        return f"#{self.customer_id} {self.arm}"

    @property
    def arm(self) -> str:
        return self.variant.label if self.variant else "holdout"
