"""How fast somebody may ask, in this process: a token bucket each."""

import math
import time
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Taken:
    """Whether a request may pass; how many more may now, and when the bucket is full again."""

    allowed: bool
    left: int
    full_in: int  # seconds


@dataclass
class TokenBuckets:
    """A bucket of one second's requests for each who asks, filled at their own rate."""

    buckets: dict[Hashable, tuple[float, float]] = field(default_factory=dict)

    def take(self, who: Hashable, *, per_second: float, at: float | None = None) -> Taken:
        """Take one token of a second's worth, if any is left."""
        at = time.monotonic() if at is None else at
        left, last = self.buckets.get(who, (per_second, at))
        left = min(per_second, left + (at - last) * per_second)
        allowed = left >= 1
        left -= allowed
        self.buckets[who] = (left, at)
        return Taken(allowed, int(left), math.ceil((per_second - left) / per_second))
