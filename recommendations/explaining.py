"""From what speaks for a product to reasons that are true and can be read.

The first reason is the one without which the product would not be in the list; what supports it is
true as well: other voices that speak for the product, then plain facts about it and the customer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crm.models import Product
from crm.prepared import Prepared
from recommendations import naming
from recommendations.interactions import Touch
from recommendations.reasons import Reason

if TYPE_CHECKING:
    from recommendations.ml.because import Because

STRONGEST_FIRST = ("bought", "rated", "added", "wished", "mentioned", "clicked", "viewed")
THREE = 3  # reasons of a line: one main, two that support it
FEWEST = 5  # customers who chose a product, below whom their number is no reason
BOTH = ("en", "zh")
TASTES, DIFFERENT = Reason("tastes"), Reason("different")


def _about(ids: Sequence[int]) -> Any:
    fields = ("pk", "title_en", "title_zh", "category_id", "brand_id", "price")
    names = (f"{kind}__name_{language}" for kind in ("category", "brand") for language in BOTH)
    return Product.objects.filter(pk__in=ids).values_list(*fields, *names)


FEW = 64  # products that most customers did something with, at most
ABOUT = Prepared(lambda ids: _about(ids), ids=FEW)


@dataclass(frozen=True)
class Known:
    """What is known of the products that a customer did something with."""

    touches: Sequence[Touch]
    rows: Mapping[int, tuple[Any, ...]]  # what `_about` asks, by product

    @classmethod
    def of(cls, touches: Sequence[Touch]) -> "Known":
        """One query."""
        ids = {touch.product_id for touch in touches if touch.weight > 0}
        few = len(ids) <= FEW
        rows = ABOUT.rows(ids=list(ids)) if few else _about(list(ids))
        return cls(touches, {pk: tuple(row) for pk, *row in rows})

    def titles(self, product: int) -> dict[str, str]:
        english, chinese, *_ = self.rows[product]
        return {"en": english, "zh": chinese}

    def kinds(self, product: int) -> dict[str, tuple[int, dict[str, str]]]:
        """Its category and its brand, where it has them: id and names."""
        _, _, category, brand, _, *names = self.rows[product]
        found = (("category", category, names[:2]), ("brand", brand, names[2:4]))
        return {
            kind: (pk, dict(zip(BOTH, said, strict=True)))
            for kind, pk, said in found
            if pk and said
        }

    def deed(self, product: int) -> str:
        """The strongest thing they did with it is what they remember."""
        return self._deeds[product]

    @cached_property
    def _deeds(self) -> dict[int, str]:
        deeds: dict[int, str] = {}
        for kind in reversed(STRONGEST_FIRST):
            deeds |= {one.product_id: kind for one in self.touches if one.kind == kind}
        return deeds

    @cached_property
    def categories(self) -> set[int | None]:
        return {row[2] for row in self.rows.values()} - {None}

    @cached_property
    def brands(self) -> set[int | None]:
        return {row[3] for row in self.rows.values()} - {None}

    @cached_property
    def prices(self) -> tuple[Decimal, Decimal] | None:
        """Between which most of what they chose costs, without the cheapest and dearest tenth."""
        prices = sorted(row[4] for row in self.rows.values())
        if not prices:
            return None
        cut = len(prices) // 10
        return prices[cut], prices[len(prices) - 1 - cut]


def personal(
    product: Product,
    because: "Because",
    known: Known,
    *,
    voices: Mapping[int, str],
    cells: Sequence[int],
    buyers: int,
) -> tuple[Reason, ...]:
    """The reason of one product and what supports it, three together.

    voices: names by number; cells: product ids of the choices; buyers: who chose the product.
    """
    main = _main(product, because, known, voices, cells)
    found = [main]
    said = set(main.evidence.get("products", ()))
    for voice, cell in because.supporting:
        choice = None if cell is None else cells[cell]
        # To be "often chosen together" with what the sentence has named says nothing new.
        if not (choice in said and ITEMS.get(voices[voice]) in REPEATED):
            found.append(_voice(voices[voice], choice, known))
    found += facts(product, known, buyers=buyers)
    return tuple(_first_of_each(found))[:THREE]


def facts(product: Product, known: Known | None = None, *, buyers: int = 0) -> list[Reason]:
    """What is plainly true of a product, and of its likeness to what the customer chose."""
    found = []
    if known and product.brand is not None and product.brand_id in known.brands:
        found.append(Reason("brand", {"brand": _names(product.brand)}))
    if known and product.category is not None and product.category_id in known.categories:
        found.append(Reason("category", {"category": _names(product.category)}))
    if known and known.prices and known.prices[0] <= product.price <= known.prices[1]:
        low, high = known.prices
        found.append(Reason("price", {"low": str(low), "high": str(high)}))
    if buyers >= FEWEST:
        found.append(Reason("chosen", {"buyers": buyers}))
    if product.is_active and product.stock != 0:
        found.append(Reason("in_stock"))
    return found


def _main(
    product: Product,
    because: "Because",
    known: Known,
    voices: Mapping[int, str],
    cells: Sequence[int],
) -> Reason:
    if because.said is None:
        return DIFFERENT
    voice = voices[because.said]
    weights = zip(because.choices, because.shares, strict=True)
    shares = {cells[cell]: share for cell, share in weights if cells[cell] in known.rows}
    if not shares:
        return _of_nobody(voice)
    evidence = {"products": list(shares), "voice": voice}
    named = naming.reason(product.pk, shares, known)
    if named is None:
        return Reason("tastes", evidence)
    return Reason(_by_voice(voice, named), {**evidence, **named.evidence})


def _by_voice(voice: str, named: Reason) -> str:
    """What the only choice has to do with the product is said, where the voice knows."""
    if named.code == "looked" or len(named.evidence["products"]) > 1:
        return named.code
    if voice == "content":
        return "alike"
    if voice == "sequential" and named.code == "bought":
        return "next"
    return named.code


def _voice(voice: str, choice: int | None, known: Known) -> Reason:
    """What another voice has to say."""
    if voice in PRODUCTS:
        return _of_nobody(voice)
    if choice is None or choice not in known.rows or voice not in ITEMS:
        return TASTES
    code = ITEMS[voice]
    if code == "next" and known.deed(choice) != "bought":
        code = "together"
    return Reason(code, {"product": known.titles(choice), "product_id": choice, "voice": voice})


def _of_nobody(voice: str) -> Reason:
    """What is said where no choice of theirs speaks."""
    return Reason(PRODUCTS[voice]) if voice in PRODUCTS else TASTES


PRODUCTS = {"popularity": "popular", "rarity": "rare"}  # say the same of a product to everybody
ITEMS = {"item-knn": "together", "ease": "together", "sequential": "next", "content": "alike"}
REPEATED = ("together", "next")


def _first_of_each(reasons: Iterable[Reason]) -> Iterable[Reason]:
    """No code twice: three times the same is one reason."""
    seen: set[str] = set()
    for reason in reasons:
        if reason.code not in seen:
            seen.add(reason.code)
            yield reason


def _names(thing: Any) -> dict[str, str]:
    return {"en": thing.name_en, "zh": thing.name_zh}
