"""The writes that a confirmed turn may make, by name. Each may run twice without harm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from chatbot import assigning, subscriptions
from chatbot.events import HandoffRequested, PrivacyRequested, TicketOpened
from chatbot.models import Conversation, Handoff, Message, Ticket
from crm import segments, timeline
from crm.events import FeedbackGiven, ProductAdded, ProductRemoved
from crm.models import CartItem, Feedback, Order, Product

SENDABLE = ("pending_payment", "processing")


class NotDone(Exception):
    """What was wanted cannot be done any more; `told` is the act that says so."""

    told = ""


class OrderMoved(NotDone):
    """The order has another state by now."""

    told = "cannot_cancel"


class NothingLeft(NotDone):
    """What should be taken back is not there any more."""

    told = "cannot_undo"


@dataclass(frozen=True)
class Job:
    """One confirmed write: for whom, because of which message, when."""

    conversation: Conversation
    message: Message
    args: Mapping[str, Any]
    now: datetime

    @property
    def key(self) -> str:
        return f"{self.conversation.public_id}:{self.message.seq}"


def perform(name: str, job: Job) -> dict[str, Any]:
    """Do it; return what the reply should also tell. Raises OrderMoved and NothingLeft."""
    return EFFECTS[name](job) or {}


def _add_to_cart(job: Job) -> None:
    product = Product.objects.get(sku=job.args["product"])
    quantity = int(job.args["quantity"])
    customer = job.conversation.customer
    _, is_new = CartItem.objects.get_or_create(
        customer=customer, product=product, defaults={"quantity": quantity, "added_at": job.now}
    )
    if not is_new:
        CartItem.objects.filter(customer=customer, product=product).update(
            quantity=F("quantity") + quantity, added_at=job.now
        )
    fact = ProductAdded(sku=product.sku, quantity=quantity)
    timeline.record(customer, fact, at=job.now, key=job.key, source="chat")


def _take_from_cart(job: Job) -> None:
    """As many as were put in. Raises NothingLeft where they were bought or taken out meanwhile."""
    customer, quantity = job.conversation.customer, int(job.args["quantity"])
    held = CartItem.objects.filter(customer=customer, product__sku=job.args["product"])
    fewer = held.filter(quantity__gt=quantity).update(quantity=F("quantity") - quantity)
    if not fewer and not held.delete()[0]:
        raise NothingLeft(job.args["product"])
    fact = ProductRemoved(sku=str(job.args["product"]), quantity=quantity)
    timeline.record(customer, fact, at=job.now, key=job.key, source="chat")


def _cancel_order(job: Job) -> None:
    _move(job, SENDABLE, status=Order.Status.CANCELLED)


def _change_order(job: Job) -> None:
    wanted = ("name", "address", "size", "color")
    wishes = ", ".join(str(job.args[s]) for s in wanted if job.args.get(s))
    _move(job, SENDABLE, address=wishes)


def _open_return(job: Job) -> None:
    _move(job, ("delivered",), status=Order.Status.RETURNING)


def _move(job: Job, allowed: tuple[str, ...], **changes: Any) -> None:
    """One conditional update: whoever comes second finds the order moved already."""
    own = Order.objects.filter(customer=job.conversation.customer, number=job.args["order_id"])
    if not own.filter(status__in=allowed).update(**changes):
        raise OrderMoved(job.args["order_id"])
    segments.touch([job.conversation.customer_id], "orders")


def _unsubscribe(job: Job) -> dict[str, Any]:
    return {"topics": subscriptions.leave(job.message, **_wish(job))}


def _subscribe(job: Job) -> dict[str, Any]:
    return {"topics": subscriptions.join(job.message, **_wish(job))}


def _wish(job: Job) -> dict[str, Any]:
    told = {name: str(job.args.get(name, "")) for name in ("channel", "topic")}
    return {**told, "language": job.conversation.language, "now": job.now}


def _set_consents_back(job: Job) -> None:
    subscriptions.set_back(job.message, turn=int(job.args["turn"]), now=job.now)


def _start_privacy_request(job: Job) -> None:
    fact = PrivacyRequested(
        conversation=str(job.conversation.public_id), request=str(job.args.get("request", "erase"))
    )
    timeline.record(job.conversation.customer, fact, at=job.now, key=job.key)


def _open_ticket(job: Job) -> dict[str, Any]:
    number = f"T{job.conversation.pk}-{job.message.seq}"
    Ticket.objects.get_or_create(
        number=number,
        defaults={
            "conversation": job.conversation,
            "customer": job.conversation.customer,
            "subject": job.message.text[:300],
            "opened_at": job.now,
        },
    )
    fact = TicketOpened(conversation=str(job.conversation.public_id), number=number)
    timeline.record(job.conversation.customer, fact, at=job.now, key=job.key)
    return {"number": f" {number}"}


def _hand_over(job: Job) -> None:
    queue(job.conversation, reason=str(job.args.get("reason", "asked")), now=job.now, key=job.key)


def queue(conversation: Conversation, *, reason: str, now: datetime, key: str) -> None:
    """Put a locked conversation into the staff's queue, with the name of who shall take it where
    anybody is there. The caller saves nothing else."""
    if conversation.is_with_staff:
        return
    conversation.become(Conversation.State.QUEUED, None, queued_at=now)
    assigning.assign(conversation, now=now)
    Handoff.objects.create(conversation=conversation, reason=reason, requested_at=now)
    fact = HandoffRequested(conversation=str(conversation.public_id), reason=reason)
    timeline.record(conversation.customer, fact, at=now, key=key)


def _record_feedback(job: Job) -> None:
    sku = str(job.args.get("product", ""))
    product = Product.objects.filter(sku=sku).first() if sku else None
    if product is None:
        return  # a thumb for nothing in particular is kept in the turn
    score = 5.0 if job.args["score"] > 0 else 2.0
    row, is_new = Feedback.objects.get_or_create(
        source="chat",
        key=job.key,
        defaults={
            "customer": job.conversation.customer,
            "product": product,
            "kind": Feedback.Kind.RATING,
            "score": score,
            "language": job.conversation.language,
            "at": job.now,
        },
    )
    if is_new:
        segments.touch([row.customer_id], "feedback")
        fact = FeedbackGiven(feedback_id=row.pk, feedback_kind="rating", score=score, sku=sku)
        timeline.record(job.conversation.customer, fact, at=job.now, key=job.key, source="chat")


EFFECTS: dict[str, Callable[[Job], dict[str, Any] | None]] = {
    "add_to_cart": _add_to_cart,
    "take_from_cart": _take_from_cart,
    "cancel_order": _cancel_order,
    "change_order": _change_order,
    "open_return": _open_return,
    "unsubscribe": _unsubscribe,
    "subscribe": _subscribe,
    "set_consents_back": _set_consents_back,
    "start_privacy_request": _start_privacy_request,
    "open_ticket": _open_ticket,
    "hand_over": _hand_over,
    "record_feedback": _record_feedback,
}
