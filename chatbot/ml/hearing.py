"""What was heard in one message: the input of a dialogue step, ready to be kept as JSON."""

from dataclasses import dataclass
from typing import Any

from chatbot.ml.entities import Entity, as_slots
from chatbot.ml.intent import Guess
from crm.ml.feelings import Sentiment
from crm.ml.text import clauses_of

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

    @property
    def slots(self) -> dict[str, Any]:
        return as_slots(list(self.entities))

    def as_json(self) -> dict[str, Any]:
        """Without the text itself: that stays in the message, where it can be erased."""
        return {
            "language": self.language,
            "intents": [list(pair) for pair in self.guess.intents],
            "known": round(self.guess.known, 4),
            "entities": self.slots,
            "clauses": [guess.name for _, guess in self.clauses],
            "sentiment": [self.sentiment.label, self.sentiment.score],
            "unsafe": self.unsafe,
        }


def clauses_worth_reading(text: str) -> list[str]:
    """The parts of a message of several parts; none where there is only one."""
    clauses = clauses_of(text)
    return clauses[:MOST_CLAUSES] if len(clauses) > 1 else []
