"""Who waits for staff is told how it stands, and can leave a way to be reached.

Here is what is said when; the conversation and `chatbot/patience.py` say it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from chatbot import assigning, presence
from chatbot.events import TicketOpened
from chatbot.ml import callback
from chatbot.models import Conversation, Handoff, Message, Ticket
from crm import timeline

State = Conversation.State
QUOTED = 3  # of the customer's messages, as what a ticket is about
TEXTS = {
    "told": (
        "抱歉让您久等，客服正忙，您前面还有{ahead}位。我们没有忘记您。",
        "Sorry to keep you waiting: everybody is busy, with {ahead} before you. "
        "You are not forgotten.",
    ),
    "next": (
        "抱歉让您久等，客服正忙，下一位就是您。",
        "Sorry to keep you waiting: everybody is busy, and you are next.",
    ),
    "offer": (
        "抱歉，现在没有客服能马上回复您。请在这里留下电话或邮箱，我们会联系您；您也可以继续等，"
        "或者让我来帮您。",
        "I am sorry, nobody can answer right now. Leave a phone number or an e-mail address here "
        "and we will contact you; you can also wait, or go on with me.",
    ),
    "ticket": (
        "已登记{number}，同事会通过 {contact} 联系您。",
        "Noted as {number}: a colleague will contact you at {contact}.",
    ),
    "stays": ("好的，您的位置还在，有客服时马上回复您。", "All right, you keep your place."),
    "bot": ("好的，我来帮您。请问需要什么？", "Gladly. What can I do for you?"),
    "returned": (
        "客服一直没能回复，非常抱歉。现在由我继续为您服务，{ticket}您也可以随时再转人工。",
        "I am sorry that nobody could answer. I am back with you; {ticket}you can ask for a "
        "person again at any time.",
    ),
    "kept": ("您的登记 {number} 会有同事处理，", "your ticket {number} is kept, and "),
}
QUICK = {
    "mine": ("用我的邮箱联系我", "E-mail me"),
    "stays": ("继续等", "I will wait"),
    "bot": ("回到智能助手", "Back to the assistant"),
}


@dataclass(frozen=True)
class Told:
    """One thing that the bot says to somebody who waits; the same key is said once."""

    act: str
    text: str
    key: str
    quick_replies: tuple[str, ...] = ()

    def payload(self) -> dict[str, object]:
        quick = list(self.quick_replies)
        return {"act": [self.act], "args": {}, "products": [], "quick_replies": quick}


def after_turn(chat: Conversation, message: Message, *, now: datetime) -> list[Told]:
    """What to add to a turn of a chat that staff have. The caller holds the row's lock."""
    if chat.state == State.SNOOZED:
        wake(chat, now=now)
    if chat.state != State.QUEUED:
        return []
    handoff = chat.handoffs.open().last()
    if handoff is None:
        return []
    if handoff.offered_at is not None:
        return _answer(chat, handoff, message, now=now)
    return [] if presence.is_attended(now) else [offer(chat, handoff, now=now)]


def wake(chat: Conversation, *, now: datetime) -> None:
    """A snoozed chat comes back to who put it aside, or to the queue."""
    if chat.assigned_to_id:
        chat.become(State.AGENT, chat.assigned_to)
        return
    chat.become(State.QUEUED, None, queued_at=now)
    assigning.assign(chat, now=now)


def tell(chat: Conversation, handoff: Handoff) -> Told:
    ahead = Conversation.objects.filter(state=State.QUEUED, queued_at__lt=chat.queued_at).count()
    text = _say("told" if ahead else "next", chat, ahead=ahead)
    return Told("still_waiting", text, f"wait:{handoff.pk}:told")


def offer(chat: Conversation, handoff: Handoff, *, now: datetime) -> Told:
    """Say that nobody is there, and what can be done about it. Never twice a hand-over."""
    Handoff.objects.filter(pk=handoff.pk).update(offered_at=now)
    has_mail = chat.is_verified and chat.customer.email
    quick = ("mine", "stays", "bot") if has_mail else ("stays", "bot")
    return Told(
        "offer_callback",
        _say("offer", chat),
        f"wait:{handoff.pk}:offer",
        tuple(_pick(QUICK[name], chat) for name in quick),
    )


def give_back(chat: Conversation, *, now: datetime) -> Told:
    """Nobody came: the bot goes on, and says so."""
    handoff = chat.handoffs.open().last()
    ticket = _ticket_of(chat, handoff).first() if handoff else None
    kept = _say("kept", chat, number=ticket.number) if ticket else ""
    _to_bot(chat, now=now)
    key = f"wait:{handoff.pk if handoff else chat.last_seq}:returned"
    return Told("bot_returned", _say("returned", chat, ticket=kept), key)


def _answer(chat: Conversation, handoff: Handoff, message: Message, *, now: datetime) -> list[Told]:
    wish = callback.read(message.text)
    key = f"wait:{handoff.pk}:{message.seq}"
    contact = wish.contact
    if wish.kind == "mine" and chat.is_verified:
        contact = chat.customer.email
    if contact:
        ticket = _open_ticket(chat, handoff, message, contact, now=now)
        text = _say("ticket", chat, number=ticket.number, contact=contact)
        return [Told("ticket_opened", text, key, (_pick(QUICK["bot"], chat),))]
    if wish.kind == "stays":
        return [Told("still_waiting", _say("stays", chat), key, (_pick(QUICK["bot"], chat),))]
    if wish.kind == "bot":
        _to_bot(chat, now=now)
        return [Told("bot_returned", _say("bot", chat), key)]
    return []


def _open_ticket(
    chat: Conversation, handoff: Handoff, message: Message, contact: str, *, now: datetime
) -> Ticket:
    """Who, what about, and how to reach them; another address replaces the first."""
    said = chat.messages.filter(sender=Message.Sender.CUSTOMER, seq__lt=message.seq)
    about = [m.text for m in said.order_by("-seq")[:QUOTED]][::-1]
    ticket, is_new = Ticket.objects.update_or_create(
        number=_number(chat, handoff),
        defaults={"contact": contact[:254]},
        create_defaults={
            "conversation": chat,
            "customer": chat.customer,
            "kind": Ticket.Kind.CALL_BACK,
            "contact": contact[:254],
            "subject": " / ".join(about)[:300] or message.text[:300],
            "opened_at": now,
        },
    )
    if is_new:
        fact = TicketOpened(conversation=str(chat.public_id), number=ticket.number)
        timeline.record(chat.customer, fact, at=now, key=ticket.number)
    return ticket


def _ticket_of(chat: Conversation, handoff: Handoff) -> QuerySet[Ticket]:
    return Ticket.objects.filter(number=_number(chat, handoff))


def _number(chat: Conversation, handoff: Handoff) -> str:
    return f"C{chat.pk}-{handoff.pk}"


def _to_bot(chat: Conversation, *, now: datetime) -> None:
    chat.handoffs.open().update(closed_at=now)
    chat.go_on_with_bot()


def _say(name: str, chat: Conversation, **words: object) -> str:
    return _pick(TEXTS[name], chat).format(**words)


def _pick(pair: tuple[str, str], chat: Conversation) -> str:
    return pair[0] if chat.language == "zh" else pair[1]
