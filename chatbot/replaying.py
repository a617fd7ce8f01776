"""A conversation again from its turns alone: the same step on what was heard, remembered and
looked up then, compared with what was said and done.

Nothing of the present shop comes in: neither its goods nor its orders nor who understands now.
What differs is therefore the work of changed code, or of a changed row.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from chatbot import understanding
from chatbot.ml import dialogue
from chatbot.ml.commands import Act
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.ml.recording import AskedOtherwise, Recorded, Recorder
from chatbot.models import Conversation, Turn
from crm.ml.text import normalise

SAID_AFTER = ("last_reply", "last_act")  # of the memory: known only once the answer is in words
REFUSED = ("cannot_cancel", "cannot_undo")  # what is said where a write came too late
CLOSE = 1e-6  # chances that differ by less are the same

Json = Any


class NotReplayable(Exception):
    """The turn was taken before look-ups were kept with it, or its row was changed by hand."""


@dataclass(frozen=True)
class Difference:
    """Where a turn comes out otherwise: `what` is commands, acts, memory, asked or intents."""

    seq: int
    what: str
    then: Json
    now: Json


@dataclass(frozen=True)
class Replay:
    """`unread`: turns whose classifier is not here any more, or whose reading a language model
    proposed; their intents were not compared."""

    turns: int
    unrecorded: int
    unread: int
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        return not self.differences and not self.unrecorded


def kept(heard: Heard, text: str, asked: Recorder) -> dict[str, Json]:
    """What a turn needs to be taken again: what was heard, without the words, and what the shop
    answered. Mended typing is kept as edits, in words of the catalogue."""
    mended = _edits(normalise(text), heard.text)
    return {**heard.as_json(), "mended": mended, "shop": asked.as_json()}


def replay(conversation: Conversation) -> Replay:
    """Take every turn of a conversation again. Reads its turns, and writes nothing."""
    turns = list(
        Turn.objects.filter(message__conversation=conversation)
        .select_related("message")
        .order_by("message__seq")
    )
    found: list[Difference] = []
    unrecorded = 0
    for turn in turns:
        try:
            found += again(turn)
        except NotReplayable:
            unrecorded += 1
    differently, unread = _read_otherwise(turns)
    found.sort(key=lambda one: one.seq)
    return Replay(len(turns), unrecorded, unread, (*found, *differently))


def again(turn: Turn) -> list[Difference]:
    """One turn again; where it differs. Raises NotReplayable."""
    heard, asked = _inputs(turn)
    seq = turn.message.seq
    try:
        outcome = dialogue.step(heard, Memory.from_json(turn.memory_before), asked)
    except AskedOtherwise as error:
        return [Difference(seq, "asked", asked.at, str(error))]
    commands = [{"kind": c.kind, "slots": dict(c.slots)} for c in outcome.reading.commands]
    compared = [
        ("commands", turn.commands, _json(commands)),
        ("memory", _told(turn.memory_after), _told(_json(outcome.memory.as_json()))),
    ]
    found = [Difference(seq, what, then, now) for what, then, now in compared if then != now]
    if not _are_the_same(turn.acts, outcome.acts):
        acts = [
            {"name": a.name, "args": dict(a.args), "products": a.products} for a in outcome.acts
        ]
        found.append(Difference(seq, "acts", turn.acts, _json(acts)))
    return found


def _inputs(turn: Turn) -> tuple[Heard, Recorded]:
    try:
        text = _mended(normalise(turn.message.text), turn.heard["mended"])
        return Heard.from_json(text, turn.heard), Recorded(turn.heard["shop"])
    except (KeyError, TypeError, ValueError) as error:
        raise NotReplayable(f"message {turn.message.seq}: {error!r}") from None


def _are_the_same(then: list[dict[str, Json]], now: Iterable[Act]) -> bool:
    """The acts by name, with all that the step itself gave them; a write may have added what it
    made (a number), or have come too late."""
    acts = list(now)
    return len(then) == len(acts) and all(map(_is_the_same, then, acts))


def _is_the_same(then: Mapping[str, Json], act: Act) -> bool:
    if act.effect and then["name"] in REFUSED and then["name"] != act.name:
        return True
    args = _json(dict(act.args))
    same = {name: then["args"].get(name) for name in args} == args
    products = list(act.products)
    return bool(then["name"] == act.name and same and then["products"] == products)


def _read_otherwise(turns: list[Turn]) -> tuple[list[Difference], int]:
    """Whether the classifier of that time, where it is still kept, makes of the words what it
    made then."""
    by_version: dict[str, list[Turn]] = {}
    for turn in turns:
        if "mended" in turn.heard and not turn.heard.get("proposed"):
            by_version.setdefault(turn.version, []).append(turn)
    found: list[Difference] = []
    unread = sum(bool(turn.heard.get("proposed")) for turn in turns)
    for version, theirs in by_version.items():
        texts = [_mended(normalise(t.message.text), t.heard["mended"]) for t in theirs]
        guesses = understanding.guess_by(version, texts)
        if guesses is None:
            unread += len(theirs)
            continue
        for turn, guess in zip(theirs, guesses, strict=True):
            name, chance = turn.heard["intents"][0]
            if guess.name != name or abs(guess.confidence - chance) > CLOSE:
                now = [guess.name, guess.confidence]
                found.append(Difference(turn.message.seq, "intents", [name, chance], now))
    return found, unread


def _told(memory: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in memory.items() if name not in SAID_AFTER}


def _json(value: Json) -> Json:
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def _edits(text: str, mended: str) -> list[list[Json]]:
    """(from, to, what stands there instead), from left to right."""
    if text == mended:
        return []
    codes = SequenceMatcher(None, text, mended, autojunk=False).get_opcodes()
    return [[a, b, mended[c:d]] for tag, a, b, c, d in codes if tag != "equal"]


def _mended(text: str, edits: list[list[Json]]) -> str:
    for start, end, instead in reversed(edits):
        text = text[:start] + instead + text[end:]
    return text
