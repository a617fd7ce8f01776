"""What a dialogue step may ask of the world. It reads through this, and writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol


@dataclass(frozen=True)
class Goods:
    """A product, as far as the conversation needs it."""

    sku: str
    title: str
    price: float
    currency: str = "CNY"
    category: str = ""
    brand: str = ""
    stock: int | None = None
    colors: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    description: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Parcel:
    """An order of this customer."""

    number: str
    status: str
    skus: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    placed: date | None = None
    delivered: date | None = None
    eta: date | None = None
    carrier: str = ""


@dataclass(frozen=True)
class Voucher:
    code: str
    text: str
    category: str = ""
    until: date | None = None


@dataclass(frozen=True)
class Theme:
    """Something to subscribe to. names: what it is called, in every language."""

    slug: str
    name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """An answer that may fit a question, with the calibrated chance that it does."""

    slug: str
    chance: float
    question: str = ""
    text: str = ""


@dataclass(frozen=True)
class Search:
    """What to look for: the frame of the conversation, and how to order and limit it."""

    frame: Mapping[str, Any] = field(default_factory=dict)
    exclude: Sequence[str] = ()
    below: float | None = None
    above: float | None = None
    by_price: bool = False
    n: int = 4


class Lookups(Protocol):
    is_verified: bool
    today: date
    return_window: int

    def search(self, search: Search) -> list[Goods]: ...

    def of_brands(self, brands: Sequence[str], category: str) -> list[Goods]:
        """What is listed of these brands in a category, sold out or not."""
        ...

    def similar(self, sku: str, n: int) -> list[Goods]: ...

    def product(self, sku: str) -> Goods | None: ...

    def orders(self) -> list[Parcel]: ...

    def order(self, number: str) -> Parcel | None: ...

    def vouchers(self, category: str) -> list[Voucher]: ...

    def answers(self, question: str) -> list[Hit]: ...

    def reasons(self, skus: Sequence[str]) -> Mapping[str, str]: ...

    def categories(self) -> list[str]: ...

    def topics(self) -> list[Theme]: ...
