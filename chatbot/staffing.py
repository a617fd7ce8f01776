"""Staff in the conversation: take over, answer, put aside, hand back, resolve."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, IntegerField, Q, Value, When
from django.utils.translation import gettext as _

from chatbot import actions, conversation, transcript, wakeups
from chatbot.events import AgentAnswered, ConversationResolved
from chatbot.models import Conversation, Message, Note
from crm import timeline

State = Conversation.State
NOTES = {
    "agent": ("{name} 加入了对话。", "{name} has joined the chat."),
    "bot": ("智能助手继续为您服务。", "The assistant is back with you."),
    "agreed": ("约定如下：{agreed}", "What we agreed: {agreed}"),
    "resolved": ("对话已结束，感谢您的咨询。", "This chat is closed. Thank you for talking to us."),
    "queued": ("正在为您转接人工客服。", "A colleague will be with you shortly."),
}
LONGEST_SNOOZE = timedelta(days=30)
LONGEST_AGREED = 500
TRIED = 20  # waiting chats, when others take them at the same time


class NotYours(Exception):
    """Another member of staff has this conversation."""


class BadTime(Exception):
    """A chat is put aside until a time to come, within a month."""


class NotWithStaff(Exception):
    """The bot has this conversation, or it is closed: take it over first."""


def handover(conversation_id: int, *, reason: str, now: datetime) -> None:
    """Put a conversation into the staff's queue. Doing it twice changes nothing."""
    with transaction.atomic():
        chat = _locked(conversation_id)
        if not chat.is_with_staff:
            actions.queue(chat, reason=reason, now=now, key=f"{chat.public_id}:{chat.last_seq}")
            _note(chat, "queued", now=now)


def take_over(conversation_id: int, staff: User, *, now: datetime) -> None:
    """A member of staff takes the conversation. Raises NotYours if another one has it.

    Who takes up again what they had put aside does so without a word.
    """
    with transaction.atomic():
        chat = _locked(conversation_id)
        if chat.state == State.SNOOZED and chat.assigned_to_id == staff.pk:
            _become(chat, State.AGENT, staff)
        if chat.state == State.AGENT and chat.assigned_to_id not in (None, staff.pk):
            raise NotYours(_("%(name)s has this conversation.") % {"name": chat.assigned_to})
        if chat.state != State.AGENT or chat.assigned_to_id != staff.pk:
            _take(chat, staff, now=now)


def take_next(staff: User, *, now: datetime) -> Conversation | None:
    """Take the chat that waits longest, first of those meant for this person or for nobody.

    Two who ask at once get two chats: each is looked at again under its lock.
    """
    for_others = Case(
        When(Q(assigned_to=None) | Q(assigned_to=staff), then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    queue = Conversation.objects.waiting_for_staff().annotate(for_others=for_others)
    for pk in queue.order_by("for_others", "queued_at", "id").values_list("pk", flat=True)[:TRIED]:
        with transaction.atomic():
            chat = _locked(pk)
            if chat.state == State.QUEUED:
                _take(chat, staff, now=now)
                return chat
    return None


def answer_as_staff(
    conversation_id: int, staff: User, text: str, *, now: datetime, client_id: str = ""
) -> Message:
    """Say something as a member of staff; takes the conversation over where nobody has it."""
    text = conversation.checked(text)
    take_over(conversation_id, staff, now=now)
    saying = transcript.Saying(Message.Sender.AGENT, text, client_id=client_id, author=staff)
    message = conversation.reply(conversation_id, saying, now=now)
    chat = message.conversation
    first = chat.handoffs.filter(closed_at=None, first_answer_at=None)
    first.update(first_answer_at=now, staff=staff)
    fact = AgentAnswered(conversation=str(chat.public_id), seq=message.seq)
    timeline.record(chat.customer, fact, at=now, key=f"{chat.public_id}:{message.seq}")
    return message


def note(conversation_id: int, staff: User, text: str, *, now: datetime) -> Note:
    """Write something for colleagues only. Raises TooLong and Empty."""
    text = conversation.checked(text)
    return Note.objects.create(
        conversation_id=conversation_id, author=staff, text=text, created_at=now
    )


def snooze(conversation_id: int, staff: User, *, until: datetime, now: datetime) -> None:
    """Put a chat aside until then, or until the customer writes. Raises BadTime, NotWithStaff."""
    if not now < until <= now + LONGEST_SNOOZE:
        raise BadTime(_("Choose a time to come, within a month."))
    with transaction.atomic():
        chat = _locked(conversation_id)
        if not chat.is_with_staff:
            raise NotWithStaff(_("Take the chat over first."))
        chat.handoffs.filter(closed_at=None, accepted_at=None).update(accepted_at=now, staff=staff)
        _become(chat, State.SNOOZED, chat.assigned_to or staff, snoozed_until=until)


def release(conversation_id: int, *, now: datetime, agreed: str = "") -> None:
    """Hand the conversation back to the bot. What was agreed is told to the customer, kept with
    the hand-over, and what the bot repeats when asked."""
    agreed = agreed.replace("\x00", "").strip()[:LONGEST_AGREED]
    with transaction.atomic():
        chat = _locked(conversation_id)
        if not chat.is_with_staff:
            return
        chat.handoffs.filter(closed_at=None).update(closed_at=now, agreed=agreed)
        chat.go_on_with_bot(said=agreed)
        _wake_on_commit(chat)
        if agreed:
            _note(chat, "agreed", now=now, agreed=agreed)
        _note(chat, "bot", now=now)


def resolve(conversation_id: int, *, now: datetime) -> None:
    """Close the conversation; the customer is asked how it was."""
    with transaction.atomic():
        chat = _locked(conversation_id)
        if chat.state == State.RESOLVED:
            return
        chat.handoffs.filter(closed_at=None).update(closed_at=now)
        Conversation.objects.filter(pk=chat.pk).update(resolved_at=now)
        _become(chat, State.RESOLVED, chat.assigned_to)
        _note(chat, "resolved", now=now)
        fact = ConversationResolved(conversation=str(chat.public_id))
        timeline.record(chat.customer, fact, at=now, key=f"{chat.public_id}:{chat.last_seq}")


def _locked(conversation_id: int) -> Conversation:
    rows = Conversation.objects.select_for_update(of=("self",)).select_related("customer")
    return rows.get(pk=conversation_id)


def _take(chat: Conversation, staff: User, *, now: datetime) -> None:
    if not chat.handoffs.filter(closed_at=None).exists():
        chat.handoffs.create(reason="staff", requested_at=now)
    chat.handoffs.filter(closed_at=None, accepted_at=None).update(accepted_at=now, staff=staff)
    _become(chat, State.AGENT, staff)
    _note(chat, "agent", now=now, name=staff.get_full_name() or staff.get_username())


def _become(
    chat: Conversation, state: str, staff: User | None, *, snoozed_until: datetime | None = None
) -> None:
    chat.become(state, staff, snoozed_until=snoozed_until)
    _wake_on_commit(chat)


def _wake_on_commit(chat: Conversation) -> None:
    transaction.on_commit(lambda: wakeups.wake(chat.pk), robust=True)


def _note(chat: Conversation, kind: str, *, now: datetime, **words: str) -> None:
    text = NOTES[kind][0 if chat.language == "zh" else 1].format(**words)
    saying = transcript.Saying(
        Message.Sender.SYSTEM, text, chat.language, payload={"state": chat.state}
    )
    conversation.reply(chat.pk, saying, now=now)
