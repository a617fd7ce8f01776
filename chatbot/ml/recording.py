"""What a step asked of the world, kept so that the step can be taken again exactly.

`Recorder` stands between a step and the shop and writes down each question with its answer;
`Recorded` gives the same answers to the same questions, whatever the shop has become since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from datetime import date
from typing import Any

from chatbot.ml.lookups import Goods, Hit, Lookups, Parcel, Search, Theme, Voucher

Json = Any
KINDS: dict[str, type] = {
    "search": Goods, "of_brands": Goods, "similar": Goods, "product": Goods,
    "orders": Parcel, "order": Parcel, "vouchers": Voucher, "answers": Hit, "topics": Theme,
}  # fmt: skip
DAYS = ("placed", "delivered", "eta", "until")


class AskedOtherwise(Exception):
    """The step asks something else than it asked then: the code or its inputs have changed."""


class Through:
    """Look-ups of which each is put as a question with a name."""

    is_verified: bool
    today: date
    return_window: int

    def ask(self, name: str, *args: Any) -> Any:
        raise NotImplementedError

    def search(self, search: Search) -> list[Goods]:
        return list(self.ask("search", search))

    def of_brands(self, brands: Sequence[str], category: str) -> list[Goods]:
        return list(self.ask("of_brands", brands, category))

    def similar(self, sku: str, n: int) -> list[Goods]:
        return list(self.ask("similar", sku, n))

    def product(self, sku: str) -> Goods | None:
        found: Goods | None = self.ask("product", sku)
        return found

    def orders(self) -> list[Parcel]:
        return list(self.ask("orders"))

    def order(self, number: str) -> Parcel | None:
        found: Parcel | None = self.ask("order", number)
        return found

    def vouchers(self, category: str) -> list[Voucher]:
        return list(self.ask("vouchers", category))

    def answers(self, question: str) -> list[Hit]:
        return list(self.ask("answers", question))

    def reasons(self, skus: Sequence[str]) -> Mapping[str, str]:
        return dict(self.ask("reasons", skus))

    def categories(self) -> list[str]:
        return list(self.ask("categories"))

    def topics(self) -> list[Theme]:
        return list(self.ask("topics"))


class Recorder(Through):
    """Passes each question on, and keeps it with its answer; what comes again is kept once."""

    def __init__(self, look: Lookups) -> None:
        self.look = look
        self.is_verified, self.today = look.is_verified, look.today
        self.return_window = look.return_window
        self.calls: list[tuple[str, tuple[Any, ...], Any]] = []
        self.places: dict[Any, int] = {}

    def ask(self, name: str, *args: Any) -> Any:
        answer = getattr(self.look, name)(*args)
        self.calls.append((name, args, self._kept(answer) if name in KINDS else answer))
        return answer

    def _kept(self, answer: Any) -> Any:
        """Numbers in place of things."""
        if answer is None:
            return None
        if isinstance(answer, list):
            return [self.places.setdefault(one, len(self.places)) for one in answer]
        return self.places.setdefault(answer, len(self.places))

    def as_json(self) -> dict[str, Json]:
        """Questions to the question book are left out: they are the message itself."""
        return {
            "verified": self.is_verified,
            "today": str(self.today),
            "return_window": self.return_window,
            "calls": [[name, _question(name, args), answer] for name, args, answer in self.calls],
            "things": [_plain(thing) for thing in self.places],
        }


class Recorded(Through):
    """Answers as they were given then, in their order."""

    def __init__(self, kept: Mapping[str, Json]) -> None:
        self.is_verified, self.return_window = kept["verified"], kept["return_window"]
        self.today = date.fromisoformat(kept["today"])
        self.calls, self.things = list(kept["calls"]), kept["things"]
        self.at = 0

    def ask(self, name: str, *args: Any) -> Any:
        """Raises AskedOtherwise."""
        then = self.calls[self.at] if self.at < len(self.calls) else ["nothing", None, None]
        if then[:2] != [name, _question(name, args)]:
            raise AskedOtherwise(f"{name} {_question(name, args)} where it was {then[:2]}")
        self.at += 1
        return self._answer(KINDS.get(name), then[2])

    def _answer(self, kind: type | None, kept: Json) -> Any:
        if kind is None or kept is None:
            return kept
        if isinstance(kept, list):
            return [_thing(kind, self.things[place]) for place in kept]
        return _thing(kind, self.things[kept])


def _question(name: str, args: tuple[Any, ...]) -> Json:
    if name == "answers":
        return []
    return [_listed(asdict(arg) if isinstance(arg, Search) else arg) for arg in args]


def _listed(value: Any) -> Json:
    """As JSON gives it back: lists for tuples, mappings and their values likewise."""
    if isinstance(value, Mapping):
        return {key: _listed(one) for key, one in value.items()}
    return [_listed(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(thing: Any) -> dict[str, Json]:
    """What differs from a thing of which nothing is known."""
    told = {f.name: (getattr(thing, f.name), f.default) for f in fields(thing)}
    return {
        name: str(value) if isinstance(value, date) else _listed(value)
        for name, (value, default) in told.items()
        if default is MISSING or value != default
    }


def _thing(kind: type, kept: Mapping[str, Json]) -> Any:
    values = {
        name: date.fromisoformat(value) if name in DAYS else value for name, value in kept.items()
    }
    return kind(**{n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})
