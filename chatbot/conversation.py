"""The conversation: hear, step, act, remember. `reply` is the only door through which what
the shop says in a chat leaves.

Numbers are given while the conversation's row is locked, so they have no gaps; whoever
sends an acknowledgement does so after the functions here have returned, that is, after
the commit.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from chatbot import (
    actions,
    assistant,
    cards,
    llm,
    replaying,
    transcript,
    understanding,
    waiting,
    wording,
)
from chatbot.events import MessageReceived, ProductMentioned
from chatbot.ml import dialogue
from chatbot.ml.commands import Act
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.models import Conversation, Message, Turn
from chatbot.transcript import Saying
from chatbot.world import World
from crm import timeline
from crm.prepared import Changed, Inserted, Prepared

LONGEST = 2000
EARLIER = 50  # messages that may wait before the one to be answered
logger = logging.getLogger(__name__)
UNANSWERED = Prepared(
    lambda message: (
        Message.objects.unanswered()
        .filter(
            conversation__in=Message.objects.filter(pk=message).values("conversation"),
            pk__lte=message,
        )
        .select_related("conversation")
        .order_by("-id")[:EARLIER]
    ),
    message=int,
)
TURN_OF = Prepared(
    lambda message: Turn.objects.filter(message=message).values_list("pk"), message=int
)
TURNS = Inserted(
    Turn,
    *("message", "heard", "memory_before", "memory_after", "commands", "acts"),
    *("latency_ms", "version", "created_at"),
)
NOTED = Changed(Message, "payload", "language", "confidence")


class TooLong(Exception):
    """A message has more than LONGEST characters."""


class Empty(Exception):
    """A message without a visible character."""


def hear(conversation_id: int, *, text: str, client_id: str = "", now: datetime) -> Message:
    """Store what a customer said; the same `client_id` again returns the stored message.

    Raises TooLong and Empty.
    """
    saying = Saying(Message.Sender.CUSTOMER, checked(text), client_id=client_id[:64])
    return transcript.append(conversation_id, saying, now=now)


def checked(text: str) -> str:
    """A text that can be stored and shown. Raises TooLong and Empty."""
    if len(text) > LONGEST:
        raise TooLong(f"{len(text)} characters, at most {LONGEST} are allowed")
    text = text.replace("\x00", "")  # PostgreSQL keeps no such character
    if not text.strip():
        raise Empty("there is no text in the message")
    return text


def reply(conversation_id: int, saying: Saying, *, now: datetime) -> Message:
    """Say something in a chat on behalf of the shop, and wake whoever listens."""
    return transcript.append(conversation_id, saying, now=now)


def respond(message_id: int, *, now: datetime) -> Message | None:
    """Deal with one customer message: understand, decide, perform, answer, remember.

    What was said before it in the same chat, in another tab or to a server that died, is dealt
    with first. A message that was dealt with already is left alone, so that a second worker
    changes nothing. Returns the answer, or None where the bot stays silent.
    """
    messages: list[Message] = UNANSWERED.rows(message=message_id)[::-1]
    if not messages or messages[-1].pk != message_id:
        return None
    for earlier in messages[:-1]:
        try:
            _respond(earlier, now=now)
        except Exception:  # it is kept for the sweep; what came after it has not earned silence
            logger.exception("chat: message %s could not be answered", earlier.pk)
    if len(messages) > 1:  # what is remembered has moved on
        messages[-1].conversation.refresh_from_db()
    return _respond(messages[-1], now=now)


def _respond(message: Message, *, now: datetime) -> Message | None:
    """Understanding runs before the row is locked."""
    started = time.perf_counter()
    memory = Memory.from_json(message.conversation.memory)
    heard = understanding.hear(
        message.text,
        now=now,
        language=memory.language or message.conversation.language,
        category=str(memory.frame.get("category", "")),
    )
    wordings: Mapping[str, str] = {}
    if llm.is_on():
        heard = assistant.read_again(
            heard,
            _remembered(message.conversation),
            names=[message.conversation.customer.name],
            now=now,
        )
        wordings = _rehearse(message.conversation, heard, now=now)
    with transaction.atomic():
        conversation = transcript.locked(message.conversation_id)
        if TURN_OF.rows(message=message.pk):
            return None
        turn = Turning(message, heard, wordings, started)
        answer = _take_turn(conversation, turn, now=now)
        for told in waiting.after_turn(conversation, message, now=now):
            _tell_who_waits(conversation, told, reply_to=message.seq, now=now)
        return answer


@dataclass(frozen=True)
class Turning:
    """A message on its way to an answer. wordings: what the answer may say instead."""

    message: Message
    heard: Heard
    wordings: Mapping[str, str]
    started: float


def _remembered(conversation: Conversation) -> Memory:
    owner = "staff" if conversation.is_with_staff else "bot"
    return replace(Memory.from_json(conversation.memory), owner=owner)


def _thought(
    conversation: Conversation, heard: Heard, *, now: datetime
) -> tuple[Memory, World, dialogue.Outcome]:
    memory = _remembered(conversation)
    world = World(conversation, language=heard.language, now=now)
    world.expect((*memory.shown, memory.focus))
    return memory, world, dialogue.step(heard, memory, world.asked)


def _rehearse(conversation: Conversation, heard: Heard, *, now: datetime) -> dict[str, str]:
    """The answer as it will probably be, and how else it may be worded. The step touches
    nothing, so it may be taken twice; a slow wording must not hold the row."""
    name = conversation.customer.name
    _, _, outcome = _thought(conversation, heard, now=now)
    plain = wording.render(outcome.acts, heard.language, name=name)
    return {plain.text: assistant.reworded(outcome.acts, plain, name=name, now=now)}


def _take_turn(conversation: Conversation, turn: Turning, *, now: datetime) -> Message | None:
    message, heard = turn.message, turn.heard
    if conversation.state == Conversation.State.RESOLVED:  # who writes again opens it again
        conversation.state = Conversation.State.BOT
    memory, world, outcome = _thought(conversation, heard, now=now)
    conversation.language = heard.language
    acts = _perform(outcome.acts, conversation, message, now=now)
    said = wording.render(acts, heard.language, name=conversation.customer.name)
    said = replace(said, text=turn.wordings.get(said.text, said.text))
    payload = _payload(outcome, acts, heard, world, reply_to=message.seq)
    payload["quick_replies"] = list(said.quick_replies)
    said_last = {"text": said.text, "products": payload["products"]}
    last = {"last_reply": said_last, "last_act": payload["act"][0] if acts else ""}
    keeps = not acts or acts[0].name in ("refuse", "stay_silent", "repeat_last")
    after = outcome.memory.as_json() | ({} if keeps else last)
    conversation.memory = after
    _note(message, payload, heard)
    answer = None
    if said.text:
        saying = Saying(Message.Sender.BOT, said.text, heard.language, payload=payload)
        answer = transcript.store(conversation, saying, now=now)
        world.remember_shown(payload["products"])
    else:
        transcript.remember(conversation)
    TURNS.ids(
        [
            (
                message.pk,
                replaying.kept(heard, message.text, world.asked),
                memory.as_json(),
                after,
                [{"kind": c.kind, "slots": dict(c.slots)} for c in outcome.reading.commands],
                [{"name": a.name, "args": dict(a.args), "products": a.products} for a in acts],
                round(1000 * (time.perf_counter() - turn.started), 2),
                understanding.version(now=now),
                now,
            )
        ]
    )
    mentioned = outcome.memory.focus if outcome.memory.focus != memory.focus else ""
    _tell(conversation, message, payload, mentioned, now=now)
    return answer


def _tell_who_waits(
    conversation: Conversation, told: waiting.Told, *, reply_to: int, now: datetime
) -> None:
    payload = told.payload() | {"reply_to": reply_to}
    saying = Saying(
        Message.Sender.BOT,
        told.text,
        conversation.language,
        client_id=told.key,
        payload=payload,
    )
    transcript.store(conversation, saying, now=now)


def _perform(
    acts: Sequence[Act], conversation: Conversation, message: Message, *, now: datetime
) -> list[Act]:
    """Carry out the writes that the acts name; an order that moved meanwhile is told."""
    done = []
    for act in acts:
        if act.effect:
            job = actions.Job(conversation, message, act.args, now)
            try:
                told = actions.perform(act.effect, job)
                act = Act(act.name, {**act.args, **told}, act.products, act.facts)
            except actions.NotDone as refusal:
                act = Act(refusal.told, {**act.args, "reason": "other", "effect": act.effect})
        done.append(act)
    return done


def _payload(
    outcome: dialogue.Outcome, acts: Sequence[Act], heard: Heard, world: World, *, reply_to: int
) -> dict[str, Any]:
    reading = outcome.reading
    shown = [sku for act in acts for sku in act.products]
    if acts and acts[0].name == "repeat_last":
        shown = [p["id"] for p in acts[0].facts.get("products", [])]
    sources = [act.facts["question"] for act in acts if act.facts.get("question")]
    return {
        **({"source": sources[0]} if sources else {}),
        "act": [act.name for act in acts],
        "args": {k: v for act in reversed(acts) for k, v in act.args.items()},
        "intent": {"name": reading.intent, "confidence": round(reading.confidence, 4)},
        "entities": dict(reading.slots),
        "sentiment": asdict(heard.sentiment),
        "products": cards.of(shown, world, language=heard.language),
        "reply_to": reply_to,
    }


def _note(message: Message, payload: dict[str, Any], heard: Heard) -> None:
    """Write beside the customer's message how it was understood (for the staff's inbox)."""
    kept = ("act", "intent", "entities", "sentiment")
    message.payload = {name: payload[name] for name in kept}
    message.language = heard.language
    message.confidence = payload["intent"]["confidence"]
    NOTED.row(message.pk, message.payload, message.language, message.confidence)


def _tell(
    conversation: Conversation,
    message: Message,
    payload: dict[str, Any],
    mentioned: str,
    *,
    now: datetime,
) -> None:
    received = MessageReceived(
        conversation=str(conversation.public_id),
        seq=message.seq,
        intent=payload["intent"]["name"],
        confidence=payload["intent"]["confidence"],
        acts=tuple(payload["act"]),
        sentiment=payload["sentiment"]["label"],
    )
    facts: list[MessageReceived | ProductMentioned] = [received]
    if mentioned:
        facts.append(ProductMentioned(conversation=str(conversation.public_id), sku=mentioned))
    entries = [
        timeline.Entry(
            customer_id=conversation.customer_id,
            kind=fact.kind,
            data=asdict(fact),
            happened_at=now,
            message_id=f"{fact.kind}:{conversation.public_id}:{message.seq}",
            source="rapport",
        )
        for fact in facts
    ]
    timeline.record_many(entries, received_at=now)
