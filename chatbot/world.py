"""What a dialogue step reads of the database: one customer's view of the shop."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.db.models import QuerySet

from campaigns.models import Coupon
from chatbot import answers
from chatbot.ml.lookups import Goods, Hit, Parcel, Search, Theme, Voucher
from chatbot.ml.recording import Recorder
from chatbot.models import Conversation
from crm.models import Category, Order, Product, Topic
from crm.prepared import Prepared
from recommendations import serving
from recommendations.serving import Constraints, Recommended

POOL = 40  # candidates asked for before the finer wishes are applied
FEW = 16  # products that a turn speaks of, as a rule


def _products(skus: Collection[str]) -> QuerySet[Product]:
    return Product.objects.filter(sku__in=skus).select_related("category", "brand")


PRODUCTS = Prepared(_products, skus=(str, FEW))


class World:
    """Look-ups for one conversation at one moment. Orders are the customer's own, and only
    where their identity is proven."""

    def __init__(self, conversation: Conversation, *, language: str, now: datetime) -> None:
        self.customer = conversation.customer
        self.language = language
        self.now = now
        self.is_verified = conversation.is_verified
        self.today: date = now.date()
        self.return_window: int = getattr(settings, "RETURN_WINDOW_DAYS", 7)
        self.asked = Recorder(self)
        self._reasons: dict[str, str] = {}
        self._products: dict[str, Product] = {}
        self._seen: dict[str, Recommended] = {}
        self._expected: set[str] = set()

    def search(self, search: Search) -> list[Goods]:
        """Goods that fulfil every wish, ordered for this customer (or by price)."""
        within = _constraints(search)
        recommended = serving.recommend(
            self.customer,
            n=_enough(search, within),
            now=self.now,
            placement="chat",
            within=within,
        )
        goods = [self._recommended(r) for r in recommended]
        goods = [g for g in goods if _fits(g, search)] or self._owned(search)
        if search.by_price:
            goods.sort(key=lambda g: g.price)
        return goods[: search.n]

    def _owned(self, search: Search) -> list[Goods]:
        """What was asked for may be what they bought before, which is never recommended."""
        frame = search.frame
        if not {"category", "brand"} & set(frame):
            return []
        products = Product.objects.for_sale().select_related("category", "brand")
        products = products.filter(order_lines__order__customer=self.customer).distinct()
        goods = [
            self._goods(self._products.setdefault(p.sku, p)) for p in products.order_by("id")[:POOL]
        ]
        return [g for g in goods if _fits(g, search) and _fulfils(g, frame)]

    def expect(self, skus: Sequence[str]) -> None:
        """Name products that are likely to be asked for: the first one brings them all."""
        self._expected.update(sku for sku in skus if sku)

    def image_of(self, sku: str) -> str:
        product = self._product(sku)
        return product.image if product else ""

    def remember_shown(self, products: Sequence[Mapping[str, object]]) -> None:
        """Write down which recommendations were shown, so that clicks can be learned from."""
        shown = [self._seen[str(p["id"])] for p in products if str(p["id"]) in self._seen]
        if len(shown) > 1:
            serving.record_impressions(self.customer, shown, placement="chat", now=self.now)

    def of_brands(self, brands: Sequence[str], category: str) -> list[Goods]:
        listed = Product.objects.filter(is_active=True).select_related("category", "brand")
        listed = listed.filter(brand__slug__in=brands, category__slug=category)
        return [
            self._goods(self._products.setdefault(p.sku, p)) for p in listed.order_by("id")[:POOL]
        ]

    def similar(self, sku: str, n: int) -> list[Goods]:
        product = self._product(sku)
        if product is None:
            return []
        found = serving.similar(product, n=n, now=self.now, customer=self.customer)
        return [self._recommended(r) for r in found]

    def product(self, sku: str) -> Goods | None:
        product = self._product(sku)
        return self._goods(product) if product else None

    def orders(self) -> list[Parcel]:
        if not self.is_verified:
            return []
        return [_parcel(order, self.language, self.now.tzinfo) for order in self._orders]

    def order(self, number: str) -> Parcel | None:
        """One of this customer's orders by its number, or by the digits at its end."""
        wanted = number.upper()
        exact = [o for o in self.orders() if o.number.upper() == wanted]
        if exact or not wanted.isdigit():
            return exact[0] if exact else None
        ending = [o for o in self.orders() if o.number.endswith(wanted)]
        return ending[0] if len(ending) == 1 else None

    def vouchers(self, category: str) -> list[Voucher]:
        coupons = Coupon.objects.valid_for(self.customer, on=self.today).select_related("category")
        found = [
            Voucher(
                c.code,
                c.text_zh if self.language == "zh" else c.text_en,
                c.category.slug if c.category else "",
                c.valid_to,
            )
            for c in coupons.order_by("id")[:20]
        ]
        return [v for v in found if not category or v.category in ("", category)]

    def answers(self, question: str) -> list[Hit]:
        return answers.find(question, language=self.language, now=self.now)

    def reasons(self, skus: Sequence[str]) -> Mapping[str, str]:
        """Why these are recommended to this customer; asked again when it was an earlier turn."""
        missing = [sku for sku in skus if sku not in self._reasons]
        if missing:
            categories = {g.category for sku in missing if (g := self.product(sku))}
            for category in categories:
                self.search(Search({"category": category} if category else {}, n=POOL))
        return {sku: self._reasons[sku] for sku in skus if sku in self._reasons}

    def categories(self) -> list[str]:
        named = Category.objects.filter(product__is_active=True).distinct().order_by("id")[:8]
        return [category.name_in(self.language) for category in named]

    def topics(self) -> list[Theme]:
        chinese = self.language == "zh"
        return [
            Theme(t.slug, t.name_zh if chinese else t.name_en, (t.name_en, t.name_zh, t.slug))
            for t in Topic.objects.order_by("id")
        ]

    @cached_property
    def _orders(self) -> list[Order]:
        lines: QuerySet[Order] = self.customer.orders.filter(is_refund=False)
        lines = lines.prefetch_related("lines__product__category", "lines__product__brand")
        return list(lines.order_by("-placed_at", "-id")[:50])

    def _product(self, sku: str) -> Product | None:
        if sku not in self._products:
            wanted = ({sku} | self._expected) - set(self._products)
            self._expected.clear()
            found = PRODUCTS.rows(skus=list(wanted)) if len(wanted) <= FEW else _products(wanted)
            self._products.update({product.sku: product for product in found})
        return self._products.get(sku)

    def _recommended(self, recommended: Recommended) -> Goods:
        product = recommended.product
        self._products.setdefault(product.sku, product)
        self._seen[product.sku] = recommended
        self._reasons[product.sku] = recommended.reason(self.language)
        return self._goods(product)

    def _goods(self, product: Product) -> Goods:
        chinese = self.language == "zh"
        description = product.description_zh if chinese else product.description_en
        goods = Goods(
            sku=product.sku,
            title=product.title_in(self.language),
            price=float(product.price),
            currency=product.currency,
            category=product.category.slug if product.category else "",
            brand=product.brand.slug if product.brand else "",
            stock=product.stock,
            colors=tuple(product.colors),
            sizes=tuple(str(size) for size in product.sizes),
            features=tuple(product.features),
            description=description or product.description_en,
        )
        return replace(goods, reason=self._reasons.get(product.sku, ""))


def _constraints(search: Search) -> Constraints:
    frame = search.frame
    low, high = frame.get("price_min"), frame.get("price_max")
    return Constraints(
        category=_first(frame.get("category")),
        exclude_categories=tuple(_listed(frame.get("exclude_category"))),
        brands=tuple(_listed(frame.get("brand"))),
        exclude_brands=tuple(_listed(frame.get("exclude_brand"))),
        price_min=None if low is None else Decimal(str(low)),
        price_max=None if high is None else Decimal(str(high)),
        color=_first(frame.get("color")),
        feature=_first(frame.get("feature")),
        size=_first(frame.get("size")),
    )


def _enough(search: Search, within: Constraints) -> int:
    """How many candidates to ask for: few where each of them will fit."""
    is_finer = search.by_price or search.below is not None or search.above is not None
    if is_finer or not within.is_narrow or len(_listed(search.frame.get("feature"))) > 1:
        return POOL
    return min(POOL, search.n + len(search.exclude))


def _fits(goods: Goods, search: Search) -> bool:
    """The wishes that Constraints has no word for: several features, relative prices."""
    features = _listed(search.frame.get("feature"))
    return (
        goods.sku not in search.exclude
        and (search.below is None or goods.price < search.below)
        and (search.above is None or goods.price > search.above)
        and set(features) <= set(goods.features)
    )


def _fulfils(goods: Goods, frame: Mapping[str, object]) -> bool:
    one_of = (("category", goods.category), ("brand", goods.brand))
    among = (("color", goods.colors), ("size", goods.sizes))
    return (
        all(slot not in frame or value in _listed(frame[slot]) for slot, value in one_of)
        and all(slot not in frame or set(_listed(frame[slot])) <= set(v) for slot, v in among)
        and goods.brand not in _listed(frame.get("exclude_brand"))
        and goods.price >= float(str(frame.get("price_min", 0)))
        and goods.price <= float(str(frame.get("price_max", "inf")))
    )


def _parcel(order: Order, language: str, zone: tzinfo | None) -> Parcel:
    """Days are those of the shop's time zone, which `now` came in."""
    products = [line.product for line in order.lines.all()]
    return Parcel(
        number=order.number,
        status=order.status,
        skus=tuple(p.sku for p in products),
        titles=tuple(p.title_in(language) for p in products),
        categories=tuple(p.category.slug for p in products if p.category),
        brands=tuple(p.brand.slug for p in products if p.brand),
        placed=order.placed_at.astimezone(zone).date(),
        delivered=order.delivered_at.astimezone(zone).date() if order.delivered_at else None,
        eta=order.eta,
        carrier=order.carrier,
    )


def _listed(value: object) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]


def _first(value: object) -> str | None:
    listed = _listed(value)
    return listed[0] if listed else None
