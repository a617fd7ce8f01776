"""What was said, in order, and how each turn came about."""

import uuid
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.models import Customer

UNSURE = 0.6  # a guess with less confidence is worth a look by staff


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def open(self) -> "ConversationQuerySet":
        return self.exclude(state=Conversation.State.RESOLVED)

    def waiting_for_staff(self) -> "ConversationQuerySet":
        return self.filter(state=Conversation.State.QUEUED).order_by("queued_at", "id")


class Conversation(models.Model):
    """One chat. `last_seq` is raised only while this row is locked, so numbers have no gaps."""

    class State(models.TextChoices):
        BOT = "bot", _("with the bot")
        QUEUED = "queued", _("waiting for staff")
        AGENT = "agent", _("with staff")
        SNOOZED = "snoozed", _("snoozed")
        RESOLVED = "resolved", _("resolved")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="conversations", verbose_name=_("customer")
    )
    visitor = models.CharField(_("visitor token"), max_length=64, blank=True, db_index=True)
    is_verified = models.BooleanField(_("identity proven"), default=False)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.BOT)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="conversations",
        verbose_name=_("assigned to"),
    )
    language = models.CharField(_("language"), max_length=2, default="en")
    memory = models.JSONField(_("memory"), default=dict, blank=True)
    last_seq = models.PositiveIntegerField(_("messages"), default=0)
    customer_read = models.PositiveIntegerField(_("read by the customer"), default=0)
    staff_read = models.PositiveIntegerField(_("read by staff"), default=0)
    created_at = models.DateTimeField(_("started"))
    updated_at = models.DateTimeField(_("last message"), db_index=True)
    queued_at = models.DateTimeField(_("waiting since"), null=True, blank=True)
    assigned_at = models.DateTimeField(_("assigned"), null=True, blank=True)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("last resolved"), null=True, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        indexes = [
            models.Index(fields=["state", "queued_at"], name="conversation_queue"),
            models.Index(fields=["customer", "-updated_at"], name="conversation_of_customer"),
        ]

    def __str__(self) -> str:
        return _("Chat %(id)s") % {"id": str(self.public_id)[:8]}

    @property
    def is_with_staff(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.AGENT, self.State.SNOOZED)

    def become(
        self, state: str, staff: Any, *, queued_at: Any = None, snoozed_until: Any = None
    ) -> None:
        """Another state, with whom. The caller holds the row's lock, and wakes who listens."""
        self.state, self.assigned_to = state, staff
        self.queued_at, self.snoozed_until = queued_at, snoozed_until
        self.save(update_fields=["state", "assigned_to", "queued_at", "snoozed_until"])

    def go_on_with_bot(self, *, said: str = "") -> None:
        """The bot has the word again; `said` is what it repeats when it is asked to."""
        self.memory = {**self.memory, "owner": "bot", "flow": None}
        if said:
            self.memory["last_reply"] = {"text": said, "products": []}
        self.become(self.State.BOT, None)
        self.save(update_fields=["memory"])


class MessageQuerySet(models.QuerySet["Message"]):
    def after(self, seq: int) -> "MessageQuerySet":
        return self.filter(seq__gt=seq).order_by("seq")

    def missed(self) -> "MessageQuerySet":
        """What customers said to the bot and it was not sure of, or asked what was meant."""
        unsure = Q(confidence__lt=UNSURE) | Q(payload__act__0="fallback_clarify")
        to_bot = Q(payload__act__0__isnull=True) | ~Q(payload__act__0="stay_silent")
        return self.filter(unsure, to_bot, sender=Message.Sender.CUSTOMER)

    def unanswered(self) -> "MessageQuerySet":
        """What customers said and no turn has dealt with yet."""
        return self.filter(sender=Message.Sender.CUSTOMER, turn=None).order_by("id")


class Message(models.Model):
    """One message. Numbered 1, 2, 3 … in its conversation."""

    class Sender(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        BOT = "bot", _("bot")
        AGENT = "agent", _("staff")
        SYSTEM = "system", _("system")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", verbose_name=_("conversation")
    )
    seq = models.PositiveIntegerField(_("number"))
    client_id = models.CharField(max_length=64, blank=True)
    sender = models.CharField(_("from"), max_length=16, choices=Sender)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    text = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=2, blank=True)
    payload = models.JSONField(
        _("understood and shown"), default=dict, blank=True, encoder=DjangoJSONEncoder
    )
    confidence = models.FloatField(_("confidence"), null=True, blank=True)
    rating = models.SmallIntegerField(_("customer's thumb"), null=True, blank=True)
    comment = models.CharField(_("customer's comment"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("at"))

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["conversation", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_number_once"),
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                condition=~Q(client_id=""),
                name="message_sent_once",
            ),
        ]
        indexes = [models.Index(fields=["sender", "confidence"], name="message_unsure")]

    def __str__(self) -> str:
        return f"{self.sender} #{self.seq}"


class Turn(models.Model):
    """How one customer message was dealt with. Rows are only ever added.

    `heard` is what was understood, and what the step then asked the shop and was told: with
    `memory_before` it gives the same acts again (`chatbot/replaying.py`).
    """

    message = models.OneToOneField(Message, models.CASCADE, related_name="turn")
    heard = models.JSONField(_("heard"), default=dict)
    memory_before = models.JSONField(_("memory before"), default=dict)
    memory_after = models.JSONField(_("memory after"), default=dict)
    commands = models.JSONField(_("commands"), default=list)
    acts = models.JSONField(_("acts"), default=list, encoder=DjangoJSONEncoder)
    latency_ms = models.FloatField(_("milliseconds"), default=0)
    version = models.CharField(_("understood by"), max_length=64)
    created_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")

    def __str__(self) -> str:
        return f"#{self.pk}"


class HandoffQuerySet(models.QuerySet["Handoff"]):
    def open(self) -> "HandoffQuerySet":
        return self.filter(closed_at=None).order_by("id")


class Handoff(models.Model):
    """A customer was handed to staff: why, when, when a person first answered, and what they
    were told while they waited."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="handoffs")
    reason = models.CharField(_("reason"), max_length=64)
    requested_at = models.DateTimeField(_("requested"))
    accepted_at = models.DateTimeField(_("taken over"), null=True, blank=True)
    first_answer_at = models.DateTimeField(_("first answer"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("answered by"),
    )
    told_at = models.DateTimeField(_("told that it takes longer"), null=True, blank=True)
    offered_at = models.DateTimeField(_("offered a ticket"), null=True, blank=True)
    agreed = models.CharField(_("agreed"), max_length=500, blank=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        indexes = [models.Index(fields=["requested_at"], name="handoff_requested")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.reason}"


class Ticket(models.Model):
    """Something that somebody has to look after: a complaint, or a customer to call back."""

    class Kind(models.TextChoices):
        COMPLAINT = "complaint", _("complaint")
        CALL_BACK = "call_back", _("call back")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    number = models.CharField(_("number"), max_length=32, unique=True)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="tickets")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="tickets")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.COMPLAINT)
    subject = models.CharField(_("subject"), max_length=300)
    contact = models.CharField(_("contact"), max_length=254, blank=True)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField(_("opened"))

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")

    def __str__(self) -> str:
        return self.number
