"""What was heard in one message: the input of a dialogue step, ready to be kept as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from chatbot.ml.entities import Entity, as_slots
from chatbot.ml.intent import Guess
from crm.ml.feelings import Sentiment
from crm.ml.places import carried, places_of
from crm.ml.text import CHINESE, clauses_of, normalise

MOST_CLAUSES = 4


@dataclass(frozen=True)
class Heard:
    """One message understood by itself, before what was said earlier comes in."""

    text: str
    language: str
    guess: Guess
    entities: tuple[Entity, ...] = ()
    tokens: tuple[str, ...] = ()
    clauses: tuple[tuple[str, Guess], ...] = ()
    clause_entities: tuple[tuple[Entity, ...], ...] = ()
    sentiment: Sentiment = Sentiment("neu", 0.0)
    unsafe: bool = False
    threshold: float = 0.5
    implied_category: str = ""
    proposed: bool = False  # the reading is a language model's, where ours was unsure
    said: tuple[tuple[str, Any, int, int], ...] = ()  # slot, value, start, end as it was typed

    @property
    def slots(self) -> dict[str, Any]:
        return as_slots(self.entities)

    def as_json(self) -> dict[str, Any]:
        """Without the text itself: that stays in the message, where it can be erased."""
        return {
            "language": self.language,
            **_guess_json(self.guess),
            "entities": self.slots,
            "spans": [list(one) for one in self.said],
            "found": _found_json(self.entities),
            "clauses": [
                {**_guess_json(guess), "found": _found_json(found)}
                for (_, guess), found in zip(self.clauses, self.clause_entities, strict=True)
            ],
            "sentiment": [self.sentiment.label, self.sentiment.score],
            "unsafe": self.unsafe,
            "threshold": self.threshold,
            "implied_category": self.implied_category,
            "proposed": self.proposed,
        }

    @classmethod
    def from_json(cls, text: str, data: Mapping[str, Any]) -> Self:
        """What was heard in this text, once it was normalised and its typing mended."""
        clauses = zip(clauses_worth_reading(text), data["clauses"], strict=False)
        return cls(
            text=text,
            language=data["language"],
            guess=_guess_of(data),
            entities=_entities_of(data),
            clauses=tuple((part, _guess_of(kept)) for part, kept in clauses),
            clause_entities=tuple(_entities_of(kept) for kept in data["clauses"]),
            sentiment=Sentiment(*data["sentiment"]),
            unsafe=data["unsafe"],
            threshold=data["threshold"],
            implied_category=data["implied_category"],
            proposed=data.get("proposed", False),
            said=tuple((s, value, start, end) for s, value, start, end in data.get("spans", ())),
        )


def _guess_json(guess: Guess) -> dict[str, Any]:
    topics = {"topics": [list(pair) for pair in guess.topics]} if guess.topics else {}
    return {"intents": [list(pair) for pair in guess.intents], "known": guess.known, **topics}


def _guess_of(kept: Mapping[str, Any]) -> Guess:
    intents, topics = kept["intents"], kept.get("topics", ())
    pairs = [tuple((name, chance) for name, chance in rows) for rows in (intents, topics)]
    return Guess(pairs[0], kept["known"], pairs[1])


def _found_json(entities: tuple[Entity, ...]) -> list[list[Any]]:
    return [[e.slot, e.value, e.start, e.end] for e in entities]


def _entities_of(kept: Mapping[str, Any]) -> tuple[Entity, ...]:
    return tuple(Entity(*row) for row in kept["found"])


def typical(
    text: str, entities: Sequence[Entity], names: Mapping[str, Mapping[str, Sequence[str]]]
) -> str:
    """The text with each product and order number under a name that every shop might have, so
    that what is wanted does not hang on it. names: language -> slot -> names to choose from."""
    known = names["zh" if CHINESE.search(text) else "en"]
    taken = dict.fromkeys(known, 0)
    end, parts = 0, []
    for entity in sorted(entities, key=lambda e: e.start):
        if entity.slot in known and entity.start >= end:
            choices = known[entity.slot]
            parts += [text[end : entity.start], choices[taken[entity.slot] % len(choices)]]
            taken[entity.slot] += 1
            end = entity.end
    return "".join([*parts, text[end:]])


def places_said(
    typed: str, clean: str, entities: Sequence[Entity]
) -> tuple[tuple[str, Any, int, int], ...]:
    """Slot, value, start and end of what is named, in the message as it was typed. `clean` is what
    was read: normalised, and misspelt words mended."""
    if not entities:
        return ()
    places = carried(normalise(typed), clean, places_of(typed))
    return tuple((e.slot, e.value, places[e.start][0], places[e.end - 1][1]) for e in entities)


def clauses_worth_reading(text: str) -> list[str]:
    """The parts of a message of several parts; none where there is only one."""
    clauses = clauses_of(text)
    return clauses[:MOST_CLAUSES] if len(clauses) > 1 else []
