"""What is asked for in one request, and what is known of the customer while it is answered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import Literal

from crm.models import Customer
from recommendations import exclusions, interactions, rules
from recommendations.constraints import Constraints
from recommendations.interactions import Touch
from recommendations.rules import InForce
from recommendations.shelf import Shelf

LONGEST = 200  # products in one list
Mode = Literal["discover", "again"]
JUST_NOW = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request. `session` and `exclude` hold product ids; the session's last is the newest."""

    customer: Customer
    n: int
    now: datetime
    placement: str = ""
    within: Constraints | None = None
    exclude: Collection[int] = ()
    mode: Mode = "discover"
    session: Sequence[int] = ()

    @property
    def places(self) -> int:
        return min(self.n, LONGEST)

    @property
    def may_explore(self) -> bool:
        """Whether somebody we know looks at it, at a place where it is written down."""
        is_theirs = self.customer.pk is not None and self.placement != ""
        return is_theirs and self.mode == "discover" and self.within is None

    @property
    def wanted(self) -> Constraints:
        return self.within or Constraints()


@dataclass(frozen=True)
class Situation:
    """A request and what it is answered from; everything is read once, when first needed."""

    asked: Asked

    @cached_property
    def touches(self) -> list[Touch]:
        """What the customer did until now, oldest first; what they look at right now is last."""
        asked = self.asked
        done = interactions.of_customer(asked.customer, now=asked.now)
        seen = [
            Touch(asked.customer.pk or 0, product, "viewed", asked.now - JUST_NOW * age)
            for age, product in zip(range(len(asked.session), 0, -1), asked.session, strict=True)
        ]
        return sorted([*done, *seen], key=lambda touch: touch.at)

    @cached_property
    def hidden(self) -> dict[int, str]:
        """Products that are not to be shown to this customer, with the first cause of each."""
        return exclusions.hidden(self.asked, self.touches)

    @cached_property
    def rules(self) -> InForce:
        """What the shop itself wants of this list."""
        asked = self.asked
        return rules.in_force(asked.customer, placement=asked.placement, now=asked.now)

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(self.asked.wanted, self.rules.forbidden)

    @property
    def rng(self) -> Random:
        """Chance of its own for every request, and the same when the request is looked at again."""
        asked = self.asked
        return Random(f"{asked.customer.pk}:{asked.placement}:{asked.now.timestamp()}")
