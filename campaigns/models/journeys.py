"""Journeys: what happens to a person step by step, who is where in it, and how they got there."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.models import Customer, Topic


class JourneyQuerySet(models.QuerySet["Journey"]):
    def live(self) -> "JourneyQuerySet":
        return self.filter(state=Journey.State.LIVE)

    def listening(self) -> "JourneyQuerySet":
        """A paused journey lets nobody in, and still hears that somebody reached its goal."""
        return self.filter(state__in=[Journey.State.LIVE, Journey.State.PAUSED])


class Journey(models.Model):
    """A way that customers go at their own pace. `draft` is what staff edit, versions what runs."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        LIVE = "live", _("live")
        PAUSED = "paused", _("paused")
        ENDED = "ended", _("ended")

    class Again(models.TextChoices):
        NEVER = "never", _("never")
        AFTER = "after", _("after they have left it")
        DAYS = "days", _("some days after they entered, when they have left it")

    name = models.CharField(_("name"), max_length=80)
    topic = models.ForeignKey(Topic, models.PROTECT, verbose_name=_("topic"))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.DRAFT)
    draft = models.JSONField(_("draft"), default=dict, blank=True)
    version = models.ForeignKey(
        "JourneyVersion", models.PROTECT, null=True, editable=False, related_name="+"
    )
    again = models.CharField(_("enter again"), max_length=8, choices=Again, default=Again.NEVER)
    again_days = models.PositiveSmallIntegerField(
        _("after so many days"), default=30, validators=[MinValueValidator(1)]
    )
    goal_event = models.CharField(
        _("goal"),
        max_length=64,
        blank=True,
        help_text=_("Who does this has reached the goal, and leaves."),
    )
    goal_days = models.PositiveSmallIntegerField(
        _("goal counted for so many days"), default=14, validators=[MinValueValidator(1)]
    )
    exit_event = models.CharField(
        _("leave on"), max_length=64, blank=True, help_text=_("Who does this leaves at once.")
    )
    holdout_share = models.DecimalField(
        _("holdout share"),
        max_digits=4,
        decimal_places=3,
        default=Decimal("0"),
        validators=[MinValueValidator(0), MaxValueValidator(Decimal("0.9"))],
        help_text=_("The share that gets nothing, to measure what the others did."),
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
    listens = models.JSONField(default=list, editable=False)  # kinds of events it wants to hear of
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    launched_at = models.DateTimeField(_("launched"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    recurred_to = models.DateTimeField(null=True, editable=False)  # the last time of a clock

    objects = JourneyQuerySet.as_manager()

    class Meta:
        verbose_name = _("journey")
        verbose_name_plural = _("journeys")
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_share__gte=0) & Q(holdout_share__lte=Decimal("0.9")),
                name="journey_holdout_in_range",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="journey_quiet_has_both_ends",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["live", "paused"]) | Q(version__isnull=False),
                name="live_journey_has_a_version",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class JourneyVersion(models.Model):
    """The graph as it was launched, or put in place of another one. Never changed."""

    journey = models.ForeignKey(
        Journey, models.CASCADE, related_name="versions", db_index=False, verbose_name=_("journey")
    )
    number = models.PositiveIntegerField(_("number"))
    graph = models.JSONField(_("graph"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("version of a journey")
        verbose_name_plural = _("versions of journeys")
        constraints = [
            models.UniqueConstraint(fields=["journey", "number"], name="journey_version_once")
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class PassageQuerySet(models.QuerySet["Passage"]):
    def walking(self) -> "PassageQuerySet":
        return self.filter(state=Passage.State.WALKING)


class Passage(models.Model):
    """One person's way through a journey, the `number`-th of theirs from 0.

    `key` says what let them in: the same event twice lets them in once. Who stands at a node and
    `rests` there waits until `due_at`; otherwise they have yet to do what the node says.
    """

    class State(models.TextChoices):
        WALKING = "walking", _("inside")
        REACHED = "reached", _("reached the goal")
        LEFT = "left", _("left")
        HELD_OUT = "held_out", _("held out")

    journey = models.ForeignKey(Journey, models.CASCADE, related_name="passages", db_index=False)
    version = models.ForeignKey(JourneyVersion, models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="passages")
    number = models.PositiveIntegerField(_("number"), default=0)
    key = models.CharField(_("let in by"), max_length=100)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.WALKING)
    node = models.CharField(_("node"), max_length=32)
    rests = models.BooleanField(default=False)
    since = models.DateTimeField(_("at this node since"))
    due_at = models.DateTimeField(_("due"), null=True)
    heard_at = models.DateTimeField(null=True)  # when the event happened that they waited for
    steps_taken = models.PositiveIntegerField(default=0)
    entered_at = models.DateTimeField(_("entered"))
    left_at = models.DateTimeField(_("left"), null=True)
    goal_at = models.DateTimeField(_("goal reached"), null=True)

    objects = PassageQuerySet.as_manager()

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        constraints = [
            models.UniqueConstraint(fields=["journey", "customer", "number"], name="passage_once"),
            models.UniqueConstraint(
                fields=["journey", "customer", "key"], name="let_in_once_by_the_same"
            ),
            models.UniqueConstraint(
                fields=["journey", "customer"],
                condition=Q(state="walking"),
                name="one_passage_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="walking") | Q(due_at__isnull=False), name="walking_is_due"
            ),
        ]
        indexes = [
            models.Index(
                fields=["version", "due_at", "id"],
                name="passage_due",
                condition=Q(state="walking"),
            ),
            models.Index(fields=["journey", "state", "node"], name="passage_by_node"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.node}"


class PassageStep(models.Model):
    """What a person met at one node, and why they went on as they did. Rows are only added."""

    passage = models.ForeignKey(Passage, models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveIntegerField(_("position"))
    node = models.CharField(_("node"), max_length=32)
    what = models.CharField(_("what happened"), max_length=16)
    detail = models.JSONField(_("detail"), default=dict)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a passage")
        verbose_name_plural = _("steps of passages")
        constraints = [models.UniqueConstraint(fields=["passage", "position"], name="step_once")]

    def __str__(self) -> str:
        return f"{self.node} {self.what}"


class ProductWatch(models.Model):
    """A product as journeys last saw it: what is cheaper or back since then is told."""

    sku = models.CharField(max_length=64, unique=True)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    is_for_sale = models.BooleanField()

    class Meta:
        verbose_name = _("watched product")
        verbose_name_plural = _("watched products")

    def __str__(self) -> str:
        return self.sku
