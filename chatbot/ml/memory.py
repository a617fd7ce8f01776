"""What a conversation remembers, as one value that is never changed in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

MOST_SUSPENDED = 3


@dataclass(frozen=True)
class Flow:
    """Something that takes several turns: its name, what is known, what is asked for now."""

    name: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    awaiting: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "slots": self.slots, "awaiting": self.awaiting}

    def with_slots(self, **slots: Any) -> "Flow":
        return replace(self, slots={**self.slots, **slots})


@dataclass(frozen=True)
class Memory:
    language: str = ""
    owner: str = "bot"  # or "staff"
    frame: Mapping[str, Any] = field(default_factory=dict)  # the search under way
    shown: tuple[str, ...] = ()  # products of the last list, in order
    seen: tuple[str, ...] = ()  # products of this search shown so far
    focus: str = ""  # the product being talked about
    looked: tuple[str, ...] = ()  # products looked at one by one, the newest last
    order: str = ""  # the order being talked about
    choices: tuple[str, ...] = ()  # orders offered to choose from
    flow: Flow | None = None
    suspended: tuple[Flow, ...] = ()
    topic: str = ""  # the intent of the last turn that had one
    last_act: str = ""
    last_reply: Mapping[str, Any] = field(default_factory=dict)
    misses: int = 0
    turn: int = 0  # turns taken so far
    steps: tuple[Mapping[str, Any], ...] = ()  # what may be taken back, the newest last

    def start(self, flow: Flow) -> Self:
        """Begin a flow; one of another name that was under way waits."""
        waiting = self.suspended
        if self.flow is not None and self.flow.name != flow.name:
            waiting = (*[f for f in waiting if f.name != self.flow.name], self.flow)
        waiting = tuple(f for f in waiting if f.name != flow.name)[-MOST_SUSPENDED:]
        return replace(self, flow=flow, suspended=waiting)

    def suspend(self) -> Self:
        """Put the flow under way aside, where its slot value will find it again."""
        if self.flow is None:
            return self
        waiting = (*[f for f in self.suspended if f.name != self.flow.name], self.flow)
        return replace(self, flow=None, suspended=waiting[-MOST_SUSPENDED:])

    def finish(self) -> Self:
        """The flow is over; the one suspended last goes on."""
        before = self.suspended[-1] if self.suspended else None
        return replace(self, flow=before, suspended=self.suspended[:-1])

    def as_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        flow = self.flow.as_json() if self.flow else None
        return plain | {"flow": flow, "suspended": [flow.as_json() for flow in self.suspended]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        for name in ("shown", "seen", "looked", "choices", "steps"):
            known[name] = tuple(known.get(name, ()))
        known["flow"] = Flow(**known["flow"]) if known.get("flow") else None
        known["suspended"] = tuple(Flow(**flow) for flow in known.get("suspended", ()))
        return cls(**known)
