"""One line of a list of recommendations."""

from dataclasses import dataclass
from typing import Any

from crm.models import Product
from recommendations.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """A product at its place in a list, with what it is there for and who put it there."""

    product: Product
    score: float
    rank: int  # 1 is the top
    reason_code: str
    evidence: dict[str, Any]
    artifact: str  # name#id of what ranked it, or "popularity"
    supporting: tuple[Reason, ...] = ()  # what else is true and speaks for it, strongest first
    propensity: float = 1.0  # the chance that this product came to this place in this request
    impression: int | None = None
    interleaving: int | None = None  # the online test that the list was part of

    def reason(self, language: str) -> str:
        """Why it is here, as a sentence in Chinese or English."""
        return Reason(self.reason_code, self.evidence).sentence(language)

    def reasons(self, language: str) -> list[str]:
        """The reason and what supports it, as sentences; the first is `reason`."""
        return [self.reason(language), *(one.sentence(language) for one in self.supporting)]
