"""How fast messages may go: to the provider, and to the mail servers of each recipient's domain."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item")

BURST = 1.0  # seconds of the rate that may be made up for after a pause


class Allowance:
    """So many a second, by a clock that is given; fractions are saved up."""

    def __init__(self, rate: float, *, now: float) -> None:
        self._rate, self._left, self._at = rate, 1.0, now

    def has_one(self, now: float) -> bool:
        most = max(1.0, self._rate * BURST)
        self._left = min(most, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left >= 1.0

    def take_one(self) -> None:
        self._left -= 1.0


class Pacing(Generic[Item]):
    """Holds items back until it is their turn, in order within a domain.

    `rate`: of all together in a second, 0 without a limit. `domains`: of some domains; what stands
    under "*" is for each of the others.
    """

    def __init__(self, rate: float, domains: Mapping[str, float], *, now: float) -> None:
        self._all = Allowance(rate, now=now) if rate else None
        self._rates = dict(domains)
        self._allowances: dict[str, Allowance] = {}
        self._waiting: defaultdict[str, deque[Item]] = defaultdict(deque)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, items: Iterable[tuple[str, Item]]) -> None:
        """Items with the addresses they are for."""
        for address, item in items:
            domain = address.rpartition("@")[2].lower() if self._rates else ""
            self._waiting[domain].append(item)

    def release(self, now: float) -> list[Item]:
        """Those that may go now. A domain that has to wait keeps no other waiting."""
        released: list[Item] = []
        for domain in list(self._waiting):
            own = self._allowance(domain, now=now)
            items = self._waiting[domain]
            while items and (own is None or own.has_one(now)):
                if self._all is not None and not self._all.has_one(now):
                    return released
                for allowance in filter(None, (own, self._all)):
                    allowance.take_one()
                released.append(items.popleft())
            if not items:
                del self._waiting[domain]
        return released

    def _allowance(self, domain: str, *, now: float) -> Allowance | None:
        if domain not in self._allowances:
            rate = self._rates.get(domain, self._rates.get("*"))
            if rate is None:
                return None
            self._allowances[domain] = Allowance(rate, now=now)
        return self._allowances[domain]
