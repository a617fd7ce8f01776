"""How fast messages may go: to the provider, and to the mail servers of each recipient's domain."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")

BURST = 1.0  # seconds of the rate that may be made up for after a pause
PROVIDER = "*"  # all domains together; also, in settings, each domain that is not named


class Wish(NamedTuple):
    """How many of a domain would go now, and how many a second may (None: no limit)."""

    rate: float | None
    number: int


# How many of each domain may go now and are counted as gone, whoever sends; with the rate of all.
Take = Callable[[Mapping[str, Wish], float], Mapping[str, int]]


def filled(left: float, *, passed: float, rate: float) -> float:
    """A bucket that was left so `passed` seconds ago; fractions are saved up."""
    return min(max(1.0, rate * BURST), left + max(0.0, passed) * rate)


def allowed(wishes: Mapping[str, Wish], full: Mapping[str, float]) -> dict[str, int]:
    """How many of each may go now, by how full the buckets are; who has none has no limit."""
    room = full.get(PROVIDER)
    going = {}
    for domain, wish in wishes.items():
        number = min(wish.number, int(full.get(domain, wish.number)))
        if room is not None:
            number = min(number, int(room))
            room -= number
        going[domain] = number
    return going


class Pacing(Generic[Item]):
    """Holds items back until it is their turn, in order within a domain.

    `rate`: of all together in a second, 0 without a limit. `domains`: of some domains; what stands
    under "*" is for each of the others.
    """

    def __init__(self, rate: float, domains: Mapping[str, float], *, take: Take) -> None:
        self._rate, self._rates, self._take = rate, dict(domains), take
        self._waiting: defaultdict[str, deque[Item]] = defaultdict(deque)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, items: Iterable[tuple[str, Item]]) -> None:
        """Items with the addresses they are for."""
        for address, item in items:
            domain = address.rpartition("@")[2].lower() if self._rates else ""
            self._waiting[domain].append(item)

    def release(self) -> list[Item]:
        """Those that may go now. A domain that has to wait keeps no other waiting."""
        wishes = {
            name: Wish(self._rate_of(name), len(items)) for name, items in self._waiting.items()
        }
        has_limits = self._rate or any(wish.rate for wish in wishes.values())
        may_go = self._take(wishes, self._rate) if wishes and has_limits else {}
        released: list[Item] = []
        for domain, wish in wishes.items():
            items = self._waiting[domain]
            released += [items.popleft() for _ in range(may_go.get(domain, wish.number))]
            if not items:
                del self._waiting[domain]
        return released

    def _rate_of(self, domain: str) -> float | None:
        return self._rates.get(domain, self._rates.get("*")) or None
