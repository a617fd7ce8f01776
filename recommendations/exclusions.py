"""What is left out of a list, and why: by what the customer did, and by what the shop can sell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from crm.models import Product
from recommendations import dislikes, impressions
from recommendations.constraints import Constraints
from recommendations.interactions import Touch

if TYPE_CHECKING:
    from recommendations.asking import Asked

SENTENCES = {
    "bought": _("the customer has bought it"),
    "disliked": _("the customer dislikes it"),
    "seen_too_often": _("it was shown here again and again without a click"),
    "excluded": _("the page that asked for the list leaves it out"),
    "unlisted": _("it is not listed for sale"),
    "sold_out": _("it is out of stock"),
    "not_asked_for": _("it is not what was asked for"),
    "looked_at": _("most of the list is kept for what the customer has not looked at yet"),
    "variety": _("something too similar is in the list already"),
    "rule": _("a business rule keeps it off: “%(rule)s”"),
    "buried": _("a business rule moves it down: “%(rule)s”"),
    "outranked": _("others rank higher"),
}


@dataclass(frozen=True)
class Cause:
    """One thing that keeps a product off a list."""

    code: str  # a key of SENTENCES
    detail: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(SENTENCES[self.code]) % self.detail


def hidden(asked: "Asked", touches: Sequence[Touch]) -> dict[int, str]:
    """Products not to be shown, with the code of the strongest cause. One query, or none.

    What nobody asked for does not insist: only then does being seen too often count.
    """
    causes: dict[int, str] = {}
    if asked.within is None:
        tired = impressions.seen_too_often(asked.customer, placement=asked.placement, now=asked.now)
        causes |= dict.fromkeys(tired, "seen_too_often")
    causes |= dict.fromkeys(asked.exclude, "excluded")
    causes |= dict.fromkeys(dislikes.among(touches), "disliked")
    if asked.mode == "discover":
        bought = (touch.product_id for touch in touches if touch.kind == "bought")
        causes |= dict.fromkeys(bought, "bought")
    return causes


def of_product(product: Product, within: Constraints) -> list[Cause]:
    """What the shop itself says against showing this product."""
    causes = []
    if not product.is_active:
        causes.append(Cause("unlisted"))
    if within.in_stock and product.stock == 0:
        causes.append(Cause("sold_out"))
    if within.is_narrow and not _answers(product, within):
        causes.append(Cause("not_asked_for"))
    return causes


def _answers(product: Product, within: Constraints) -> bool:
    found = Product.objects.filter(within.as_query(), pk=product.pk).exclude(within.unwanted())
    told = (product.colors, product.features, product.sizes)
    return found.exists() and within.allows_options(*told)
