"""What became of each message: one row per recipient, its links, and who touched it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaigns import Campaign, Variant
from crm.models import Channel, Customer


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def went_out(self) -> "DeliveryQuerySet":
        """Handed to the provider, whatever became of it there."""
        return self.filter(status__in=Delivery.WENT_OUT)


class Delivery(models.Model):
    """One message to one recipient. The row is the truth; tasks only come to look at it."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("skipped")
        UNCERTAIN = "uncertain", _("uncertain")

    WENT_OUT = (Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED)

    # Each index costs a message three writes: those of several columns serve these two as well.
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="deliveries", db_index=False
    )
    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="deliveries", db_index=False
    )
    variant = models.ForeignKey(Variant, models.PROTECT, related_name="deliveries")
    step = models.CharField(_("step"), max_length=32, default="broadcast")
    occurrence = models.PositiveIntegerField(_("occurrence"), default=0)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    address = models.CharField(_("address"), max_length=255, blank=True)
    message_id = models.CharField(_("message id"), max_length=255)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claimed_by = models.CharField(max_length=64, blank=True)
    claimed_until = models.DateTimeField(null=True)  # by the clock of the database
    due_at = models.DateTimeField(_("due"))
    queued_at = models.DateTimeField(_("queued"))
    attempted_at = models.DateTimeField(_("attempted"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    told_at = models.DateTimeField(null=True)  # the timeline knows that it was sent
    opened_at = models.DateTimeField(_("opened"), null=True)
    clicked_at = models.DateTimeField(_("clicked"), null=True)
    unsubscribed_at = models.DateTimeField(_("unsubscribed"), null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["message_id"], name="message_id_once"),
            models.UniqueConstraint(
                fields=["campaign", "step", "address", "occurrence"],
                condition=~Q(address=""),
                name="address_written_to_once",
            ),
            models.UniqueConstraint(
                fields=["campaign", "step", "customer", "occurrence"],
                name="customer_written_to_once",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["failed", "skipped"]) | ~Q(reason=""),
                name="no_failure_without_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["sent", "delivered", "bounced", "complained"])
                | Q(sent_at__isnull=False),
                name="sent_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "due_at", "id"],
                name="delivery_due",
                condition=Q(status="queued"),
            ),
            models.Index(
                fields=["claimed_by"],
                name="delivery_begun",
                condition=Q(status__in=["sending", "uncertain"]),
            ),
            models.Index(
                fields=["id"], name="delivery_untold", condition=Q(status="sent", told_at=None)
            ),
            models.Index(fields=["campaign", "status"], name="delivery_by_status"),
            models.Index(fields=["customer", "attempted_at"], name="delivery_of_customer"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.status}"


class SendingAllowance(models.Model):
    """How many messages may go now to a domain, or ("*") to all together; it fills with time."""

    name = models.CharField(_("domain"), max_length=255, unique=True)
    left = models.FloatField()
    at = models.DateTimeField()  # by the clock of the database

    class Meta:
        verbose_name = _("sending allowance")
        verbose_name_plural = _("sending allowances")

    def __str__(self) -> str:
        return self.name


class LinkTarget(models.Model):
    """Where a tracked link of a campaign leads. The redirect goes here and nowhere else."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="links")
    url = models.CharField(_("address"), max_length=2000)
    digest = models.CharField(max_length=64)  # of the address, which is too long for an index

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "digest"], name="link_of_campaign_once")
        ]

    def __str__(self) -> str:
        return self.url


class Touch(models.Model):
    """An open or a click, and whether a person or a machine did it. Repeats are counted."""

    class Kind(models.TextChoices):
        OPEN = "open", _("open")
        CLICK = "click", _("click")

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="touches")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    link = models.ForeignKey(LinkTarget, models.CASCADE, null=True, related_name="touches")
    key = models.CharField(max_length=32)  # kind, link and who: one row each
    is_machine = models.BooleanField(_("by a machine"), default=False)
    reason = models.CharField(_("why a machine"), max_length=32, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=200, blank=True)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    count = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        verbose_name = _("touch")
        verbose_name_plural = _("touches")
        constraints = [
            models.UniqueConstraint(fields=["delivery", "key"], name="touch_counted_in_one_row")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of #{self.delivery_id}"
