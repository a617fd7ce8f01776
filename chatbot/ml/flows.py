"""Things that take several turns, as data: what they need, when they are refused, what
they do once the customer has confirmed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatbot.ml.commands import Act
from chatbot.ml.lookups import Lookups, Parcel
from chatbot.ml.memory import Flow, Memory

ASK = {
    "order_id": "ask_order_id",
    "address": "ask_address",
    "channel": "ask_channel",
    "topic": "ask_topic",
    "return_type": "ask_return_type",
    "confirm": "ask_confirm",
}
EXTRA = ("size", "color", "name", "topic")  # kept where they were told, never asked for
Guard = Callable[[Parcel, Lookups], str]
Step = tuple[Memory, list[Act]]


@dataclass(frozen=True)
class Spec:
    """`guard` says why an order may not be treated so; an empty word means that it may."""

    slots: tuple[str, ...]
    done: str
    effect: str
    guard: Guard | None = None
    refused: str = ""
    needs_identity: bool = True
    needs_confirmation: bool = True


def _not_sent_yet(order: Parcel, look: Lookups) -> str:
    return "" if order.status in ("pending_payment", "processing") else order.status


def _returnable(order: Parcel, look: Lookups) -> str:
    if order.status != "delivered" or order.delivered is None:
        return (
            "not_delivered"
            if order.status in ("pending_payment", "processing", "shipped")
            else order.status
        )
    return "" if (look.today - order.delivered).days <= look.return_window else "too_late"


FLOWS: dict[str, Spec] = {
    "order_status": Spec(("order_id",), "show_order_status", "", needs_confirmation=False),
    "cancel_order": Spec(
        ("order_id",), "order_cancelled", "cancel_order", _not_sent_yet, "cannot_cancel"
    ),
    "change_order": Spec(
        ("order_id", "address"), "order_changed", "change_order", _not_sent_yet, "cannot_cancel"
    ),
    "return_request": Spec(
        ("order_id", "return_type"), "return_created", "open_return", _returnable, "return_refused"
    ),
    "unsubscribe": Spec(
        ("channel",), "unsubscribed", "unsubscribe", needs_identity=False, needs_confirmation=False
    ),
    "subscribe": Spec(
        ("channel", "topic"),
        *("resubscribed", "subscribe"),
        needs_identity=False,
        needs_confirmation=False,
    ),
    "privacy_request": Spec(("request",), "privacy_started", "start_privacy_request"),
}


def begin(name: str, slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    """Start a flow (or go on with the suspended one of this name) with what is known."""
    if FLOWS[name].needs_identity and not look.is_verified:
        return memory, [Act("verify_identity", {"for": name})]
    waiting = next((f for f in memory.suspended if f.name == name), None)
    fresh = Flow(name) if memory.flow is None or memory.flow.name != name else memory.flow
    flow = waiting or (Flow(name) if fresh.awaiting == "confirm" and "order_id" in slots else fresh)
    memory = memory.start(flow)
    if name != "privacy_request" and "order_id" not in flow.slots and _may_mean_last(name, slots):
        slots = {"order_id": memory.order, **slots} if memory.order else slots
    return fill(slots, memory, look)


def _may_mean_last(name: str, slots: Mapping[str, Any]) -> bool:
    told = {"category", "brand", "product", "date", "another"} & set(slots)
    return "order_id" in FLOWS[name].slots and not told


def fill(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    """Put values into the flow under way, then ask for the next, refuse, confirm or do it."""
    if memory.flow is None:
        return memory, []
    flow = memory.flow
    known: dict[str, Any] = {
        s: _one(v) for s, v in slots.items() if s in (*FLOWS[flow.name].slots, *EXTRA)
    }
    if (
        "order_id" in FLOWS[flow.name].slots
        and "order_id" not in known
        and "order_id" not in flow.slots
    ):
        matching = orders_like(slots, look)
        open_ones = [o for o in matching if not _refused(flow.name, o, look)]
        matching = open_ones or matching
        if len(matching) == 1 and _tells_order(slots):
            known["order_id"] = matching[0].number
    if flow.name == "change_order" and {"size", "color", "name"} & set(known):
        known["address"] = flow.slots.get("address", "")
    return advance(replace(memory, flow=flow.with_slots(**known)), look)


def advance(memory: Memory, look: Lookups) -> Step:
    flow = memory.flow
    if flow is None:
        return memory, []
    spec = FLOWS[flow.name]
    if "order_id" in flow.slots:
        order = look.order(str(flow.slots["order_id"]))
        if order is None:
            lost = Flow(
                flow.name, {s: v for s, v in flow.slots.items() if s != "order_id"}, "order_id"
            )
            number = flow.slots["order_id"]
            return replace(memory, flow=lost), [Act("order_not_found", {"order_id": number})]
        flow = flow.with_slots(order_id=order.number)
        memory = replace(memory, flow=flow, order=order.number)
        reason = spec.guard(order, look) if spec.guard else ""
        if reason:
            args = {"order_id": order.number, "reason": reason, "action": flow.name}
            return memory.finish(), [Act(spec.refused, args, facts=order_facts(order))]
    missing = next((slot for slot in spec.slots if slot not in flow.slots), "")
    if missing:
        return _ask(missing, memory, look)
    if spec.needs_confirmation and flow.slots.get("request") != "export":
        return _ask("confirm", memory, look)
    return perform(memory, look)


def perform(memory: Memory, look: Lookups) -> Step:
    """The customer confirmed, or nothing had to be confirmed: name the write and be done."""
    flow = memory.flow
    if flow is None:
        return memory, []
    spec = FLOWS[flow.name]
    order = look.order(str(flow.slots["order_id"])) if "order_id" in flow.slots else None
    reason = spec.guard(order, look) if spec.guard and order else ""
    if reason:
        args = {**flow.slots, "reason": reason, "action": flow.name}
        return memory.finish(), [Act(spec.refused, args)]
    act = Act(
        spec.done, dict(flow.slots), facts=order_facts(order) if order else {}, effect=spec.effect
    )
    return memory.finish(), [act]


def ask_which_order(name: str, memory: Memory, look: Lookups) -> Step:
    return _ask("order_id", memory.start(Flow(name)), look)


def ask_again(memory: Memory, look: Lookups) -> list[Act]:
    """The question that the flow under way still waits to have answered."""
    if memory.flow is None or not memory.flow.awaiting:
        return []
    return _ask(memory.flow.awaiting, memory, look)[1]


def orders_like(slots: Mapping[str, Any], look: Lookups) -> list[Parcel]:
    """The customer's orders that fit what was said of them, newest first."""
    orders = look.orders()
    for slot, place in (("product", "skus"), ("category", "categories"), ("brand", "brands")):
        if slot in slots:
            wanted = slots[slot] if isinstance(slots[slot], list) else [slots[slot]]
            orders = [o for o in orders if set(wanted) & set(getattr(o, place))]
    if "date" in slots:
        day = slots["date"]
        orders = [o for o in orders if day in (str(o.placed), str(o.delivered))] or orders
    return orders[:1] if slots.get("latest") else orders


def order_facts(order: Parcel) -> dict[str, Any]:
    return {
        "status": order.status,
        "titles": list(order.titles),
        "eta": str(order.eta or ""),
        "carrier": order.carrier,
        "delivered": str(order.delivered or ""),
    }


def _tells_order(slots: Mapping[str, Any]) -> bool:
    return bool({"product", "category", "brand", "date", "latest"} & set(slots))


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _ask(slot: str, memory: Memory, look: Lookups) -> Step:
    flow = memory.flow
    if flow is None:
        return memory, []
    memory = replace(memory, flow=replace(flow, awaiting=slot))
    args: dict[str, Any] = {"action": flow.name, **flow.slots}
    if slot == "order_id":
        offered = [o.number for o in look.orders() if not _refused(flow.name, o, look)][:5]
        memory = replace(memory, choices=tuple(offered))
        return memory, [Act(ASK[slot], args, facts={"orders": offered})]
    if slot == "topic":
        return memory, [Act(ASK[slot], args, facts={"topics": [t.name for t in look.topics()]})]
    order = look.order(str(flow.slots["order_id"])) if "order_id" in flow.slots else None
    return memory, [Act(ASK[slot], args, facts=order_facts(order) if order else {})]


def _refused(name: str, order: Parcel, look: Lookups) -> str:
    guard = FLOWS[name].guard
    if name == "order_status":
        return "" if order.status in ("shipped", "processing", "pending_payment") else order.status
    return guard(order, look) if guard else ""
