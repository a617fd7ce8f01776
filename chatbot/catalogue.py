"""The catalogue as the conversation needs it: as words to find, and as products to show."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock

from django.db.models import Count, Max, Sum
from django.db.models.functions import Length

from chatbot.ml import wares, words
from chatbot.ml.lexicon import Item, Lexicon, Phrase, squeeze
from crm.models import Brand, Category, Product

FRESH_FOR = timedelta(seconds=30)
LONGEST_SHARED = 24  # characters of a word that many products share
MOST = 20_000  # products of a larger catalogue are found by search, not by name
_lock = Lock()
_kept: dict[str, tuple[datetime, object, Lexicon]] = {}


def lexicon(*, now: datetime) -> Lexicon:
    """The words of the present catalogue; looked at again every half minute."""
    with _lock:
        kept = _kept.get("lexicon")
        if kept and timedelta() <= now - kept[0] < FRESH_FOR:
            return kept[2]
        mark = _mark()
        built = kept[2] if kept and kept[1] == mark else build()
        _kept["lexicon"] = (now, mark, built)
        return built


def forget() -> None:
    """Read the catalogue anew at the next message (after an import, or between tests)."""
    _kept.clear()


def build() -> Lexicon:
    """Read the whole catalogue into a Lexicon."""
    categories = list(Category.objects.order_by("id"))
    brands = list(Brand.objects.order_by("id"))
    products = list(
        Product.objects.filter(is_active=True)
        .select_related("category", "brand")
        .order_by("id")[:MOST]
    )
    names = {c.slug: _category_names(c) for c in categories}
    brand_names = {b.slug: _brand_names(b) for b in brands}
    items = {p.sku: _item(p) for p in products}
    phrases = [Phrase(text, "category", slug) for slug, texts in names.items() for text in texts]
    phrases += [Phrase(t, "brand", slug) for slug, texts in brand_names.items() for t in texts]
    phrases += _trade_phrases(items.values())
    sold = {squeeze(p.text) for p in phrases}
    phrases += [Phrase(w, "goods", w) for w in wares.OTHER_GOODS if squeeze(w) not in sold]
    phrases += _titles(products, brand_names, phrases)
    return Lexicon(
        phrases=tuple(dict.fromkeys(p for p in phrases if p.text.strip())),
        items=items,
        implied=_implied(products, brands),
        known=known_words(),
        trade=frozenset(words.TRADE),
    )


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """English words that are no misspelling of a shop word."""
    from chatbot import seeds

    found = re.findall(
        r"[a-z]+", " ".join(s.text for s in seeds.examples() if s.language == "en").lower()
    )
    return frozenset(found)


def _mark() -> object:
    """Changes when the catalogue does: an edited title, price or alias too, not new rows alone."""
    return (
        Product.objects.filter(is_active=True).aggregate(
            n=Count("id"),
            last=Max("id"),
            price=Sum("price"),
            letters=Sum(Length("title_en") + Length("title_zh")),
        ),
        repr(list(Category.objects.order_by("id").values())),
        repr(list(Brand.objects.order_by("id").values())),
    )


def _item(product: Product) -> Item:
    return Item(
        sku=product.sku,
        category=product.category.slug if product.category else "",
        brand=product.brand.slug if product.brand else "",
        price=float(product.price),
        colors=tuple(product.colors),
        features=tuple(product.features),
        sizes=tuple(str(size) for size in product.sizes),
    )


def _brand_names(brand: Brand) -> list[str]:
    """As it is written, and without its article: the North Face is asked for as North Face."""
    names = [brand.name_zh, brand.name_en, *brand.aliases]
    return [*names, *(name[4:] for name in names if name.lower().startswith("the "))]


def _category_names(category: Category) -> list[str]:
    given = [category.name_zh, category.name_en, category.slug.replace("_", " "), *category.aliases]
    return list(dict.fromkeys([*given, *wares.CATEGORY_WORDS.get(category.slug, ())]))


def _trade_phrases(items: Iterable[Item]) -> list[Phrase]:
    """Colours and features that this catalogue has, in the words that people use."""
    listed = list(items)
    features = sorted({f for item in listed for f in item.features})
    colors = sorted({c for item in listed for c in item.colors} | set(wares.COLORS))
    phrases = [
        Phrase(text, "feature", feature)
        for feature in features
        for text in {feature, feature.replace("_", " "), *wares.FEATURES.get(feature, ())}
    ]
    return phrases + [
        Phrase(text, "color", color)
        for color in colors
        for text in {color, *wares.COLORS.get(color, ())}
    ]


def _titles(
    products: list[Product], brand_names: dict[str, list[str]], others: list[Phrase]
) -> list[Phrase]:
    """Titles, and parts of titles that mean one product only."""
    generic = {squeeze(p.text) for p in others}
    telling: dict[str, bool] = {}
    owners: dict[str, set[str]] = {}
    full: list[Phrase] = []
    for product in products:
        prefixes = brand_names.get(product.brand.slug, []) if product.brand else []
        for title in {product.title_en, product.title_zh} - {""}:
            full.append(Phrase(title, "product", product.sku))
            for part in _parts(title, prefixes):
                if part not in telling:
                    telling[part] = _is_telling(part, generic)
                if telling[part]:
                    owners.setdefault(part, set()).add(product.sku)
    parts = [
        Phrase(part, "product", next(iter(skus))) for part, skus in owners.items() if len(skus) == 1
    ]
    return full + parts


def _parts(title: str, prefixes: list[str]) -> set[str]:
    """Shorter names of a product: without its brand, and its telling words alone."""
    rest = title
    for prefix in sorted(prefixes, key=len, reverse=True):
        if rest.lower().startswith(prefix.lower()):
            rest = rest[len(prefix) :].strip(" -")
            break
    parts = {rest} if rest != title else set()
    for word in re.split(r"[\s/]+", title):
        mixed = re.search(r"\d", word) and re.search(r"[A-Za-z]", word)
        telling = re.fullmatch(r"[A-Za-z\-']{5,}|[\u3400-\u9fff]{2,}", word)
        if (mixed and len(word) >= 3) or telling:
            parts.add(word)
        parts.update(tail for tail in re.findall(r"(?<=-)\d*[A-Za-z]+\d+$", word) if len(tail) > 2)
        parts.update(tail for tail in re.findall(r"(?<=\d)[A-Za-z]+\d+$", word) if len(tail) > 2)
    return parts


def _is_telling(part: str, generic: set[str]) -> bool:
    """Something is left when words that many products share are taken away."""
    said = squeeze(part)
    left, at = "", 0
    while at < len(said):
        ends = range(min(len(said), at + LONGEST_SHARED), at + 1, -1)
        end = next((end for end in ends if said[at:end] in generic), None)
        left += said[at] if end is None else ""
        at = end or at + 1
    return len(left) >= 2 and not left.isdigit()


def _implied(products: list[Product], brands: list[Brand]) -> dict[str, str]:
    """Other words of a brand that stand for one kind of its goods: iPad is a tablet."""
    implied: dict[str, str] = {}
    goods: dict[int | None, list[Product]] = {}
    for product in products:
        goods.setdefault(product.brand_id, []).append(product)
    for brand in brands:
        for alias in brand.aliases:
            if alias.lower() in (brand.name_en.lower(), brand.name_zh.lower(), brand.slug):
                continue
            kinds = {
                p.category.slug
                for p in goods.get(brand.pk, ())
                if p.category
                and alias.lower() in f"{p.title_en} {p.title_zh}".lower()
                and not f"{p.title_en} {p.title_zh}".lower().startswith(f"{brand.slug} ")
            }
            if len(kinds) == 1:
                implied[squeeze(alias)] = kinds.pop()
    return implied
