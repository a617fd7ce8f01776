"""Staff in the conversation: take over, answer, hand back, resolve."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from chatbot import actions, conversation, wakeups
from chatbot.events import AgentAnswered, ConversationResolved
from chatbot.ml.memory import Memory
from chatbot.models import Conversation, Message
from crm import timeline

State = Conversation.State
NOTES = {
    "agent": ("{name} 加入了对话。", "{name} has joined the chat."),
    "bot": ("智能助手继续为您服务。", "The assistant is back with you."),
    "resolved": ("对话已结束，感谢您的咨询。", "This chat is closed. Thank you for talking to us."),
    "queued": ("正在为您转接人工客服。", "A colleague will be with you shortly."),
}


class NotYours(Exception):
    """Another member of staff has this conversation."""


def handover(conversation_id: int, *, reason: str, now: datetime) -> None:
    """Put a conversation into the staff's queue. Doing it twice changes nothing."""
    with transaction.atomic():
        chat = _locked(conversation_id)
        if not chat.is_with_staff:
            actions.queue(chat, reason=reason, now=now, key=f"{chat.public_id}:{chat.last_seq}")
            _note(chat, "queued", now=now)


def take_over(conversation_id: int, staff: User, *, now: datetime) -> None:
    """A member of staff takes the conversation. Raises NotYours if another one has it."""
    with transaction.atomic():
        chat = _locked(conversation_id)
        if chat.state == State.AGENT and chat.assigned_to_id not in (None, staff.pk):
            raise NotYours(f"{chat.assigned_to} has this conversation")
        if chat.state == State.AGENT and chat.assigned_to_id == staff.pk:
            return
        if not chat.handoffs.filter(closed_at=None).exists():
            chat.handoffs.create(reason="staff", requested_at=now)
        chat.handoffs.filter(closed_at=None, accepted_at=None).update(accepted_at=now)
        _become(chat, State.AGENT, staff)
        _note(chat, "agent", now=now, name=staff.get_full_name() or staff.get_username())


def answer_as_staff(
    conversation_id: int, staff: User, text: str, *, now: datetime, client_id: str = ""
) -> Message:
    """Say something as a member of staff; takes the conversation over where nobody has it."""
    text = conversation.checked(text)
    take_over(conversation_id, staff, now=now)
    saying = conversation.Saying(Message.Sender.AGENT, text, client_id=client_id, author=staff)
    message = conversation.reply(conversation_id, saying, now=now)
    chat = message.conversation
    chat.handoffs.filter(closed_at=None, first_answer_at=None).update(first_answer_at=now)
    fact = AgentAnswered(conversation=str(chat.public_id), seq=message.seq)
    timeline.record(chat.customer, fact, at=now, key=f"{chat.public_id}:{message.seq}")
    return message


def release(conversation_id: int, *, now: datetime) -> None:
    """Hand the conversation back to the bot."""
    with transaction.atomic():
        chat = _locked(conversation_id)
        if not chat.is_with_staff:
            return
        chat.handoffs.filter(closed_at=None).update(closed_at=now)
        chat.memory = {**Memory.from_json(chat.memory).as_json(), "owner": "bot", "flow": None}
        _become(chat, State.BOT, None)
        _note(chat, "bot", now=now)


def resolve(conversation_id: int, *, now: datetime) -> None:
    """Close the conversation; the customer is asked how it was."""
    with transaction.atomic():
        chat = _locked(conversation_id)
        if chat.state == State.RESOLVED:
            return
        chat.handoffs.filter(closed_at=None).update(closed_at=now)
        _become(chat, State.RESOLVED, chat.assigned_to)
        _note(chat, "resolved", now=now)
        fact = ConversationResolved(conversation=str(chat.public_id))
        timeline.record(chat.customer, fact, at=now, key=f"{chat.public_id}:{chat.last_seq}")


def _locked(conversation_id: int) -> Conversation:
    rows = Conversation.objects.select_for_update(of=("self",)).select_related("customer")
    return rows.get(pk=conversation_id)


def _become(chat: Conversation, state: str, staff: User | None) -> None:
    chat.state = state
    chat.assigned_to = staff
    chat.queued_at = None
    chat.save(update_fields=["state", "assigned_to", "queued_at", "memory"])
    transaction.on_commit(lambda: wakeups.wake(chat.pk), robust=True)


def _note(chat: Conversation, kind: str, *, now: datetime, name: str = "") -> None:
    text = NOTES[kind][0 if chat.language == "zh" else 1].format(name=name)
    saying = conversation.Saying(
        Message.Sender.SYSTEM, text, chat.language, payload={"state": chat.state}
    )
    conversation.reply(chat.pk, saying, now=now)
