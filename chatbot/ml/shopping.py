"""Finding goods: the search frame, lists, choices, comparisons, the cart."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chatbot.ml.commands import Act
from chatbot.ml.lookups import Goods, Lookups, Search
from chatbot.ml.memory import Memory

Step = tuple[Memory, list[Act]]
KEPT = (
    "category",
    "brand",
    "exclude_brand",
    "exclude_category",
    "price_min",
    "price_max",
    "color",
    "feature",
    "size",
)
NO_MATTER = {  # what is said not to matter, and the wishes that it takes back
    "color_any": ("color",),
    "brand_any": ("brand", "exclude_brand"),
    "price_any": ("price_min", "price_max"),
}
SAID = (*KEPT, "recipient")
MOST_LOOKED = 5


def recommend(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    """A new search. Named products are shown; with nothing to go by, ask for a category."""
    if "product" in slots:
        return _beside(slots, memory, look) if "relative" in slots else detail(slots, memory, look)
    fresh = replace(memory, frame={}, seen=(), focus="")
    if "goods" in slots and "category" not in slots:
        return fresh, [Act("no_result", {"goods": slots["goods"]})]
    frame = merged({}, slots)
    if not {"category", "brand", "feature", "color", "size", "price_min", "price_max"} & set(frame):
        memory = replace(fresh, frame=frame, shown=())
        return memory, [Act("ask_category", facts={"categories": look.categories()[:6]})]
    return show(slots, replace(fresh, frame=frame), look)


def _beside(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    """Goods of the kind of a named product: cheaper than it, like it, other than it."""
    goods = target(slots, memory, look)
    if goods is None or not goods.category:
        return detail(slots, memory, look)
    frame = merged({}, {**slots, "category": goods.category})
    seen = replace(memory, frame=frame, shown=(goods.sku,), seen=(goods.sku,), focus="")
    return show(slots, seen, look)


def refine(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    """A narrower search: what was wanted before still holds unless contradicted."""
    frame = merged(memory.frame, slots)
    if "other_brand" in slots:
        shown = {goods.brand for goods in _goods(memory.shown, look) if goods.brand}
        wanted = frame if "brand" in slots else {**frame, "brand": []}
        frame = merged(wanted, {"exclude_brand": sorted(shown)})
    if not memory.frame and memory.shown and "category" not in frame:
        first = look.product(memory.shown[0])
        frame = {"category": first.category, **frame} if first and first.category else frame
    if set(slots) & (set(SAID) | {"price_near"}):
        memory = replace(memory, seen=())
    return show(slots, replace(memory, frame=frame), look)


def merged(frame: Mapping[str, Any], slots: Mapping[str, Any]) -> dict[str, Any]:
    """The frame after these wishes; another category begins anew."""
    kept = dict(frame)
    category = slots.get("category") or (
        None if kept.get("category") else slots.get("implied_category")
    )
    if category and kept.get("category") not in (None, category):
        kept = {s: v for s, v in kept.items() if s == "recipient"}
    if category:
        kept["category"] = _first(category)
    for slot in ("color", "feature", "size", "recipient", "exclude_category"):
        if slot in slots:
            kept[slot] = slots[slot]
    dropped = {s for wish, these in NO_MATTER.items() if wish in slots for s in these}
    kept = {s: v for s, v in kept.items() if s not in dropped}
    if "brand" in slots:
        kept["brand"] = _listed(slots["brand"])
        kept["exclude_brand"] = [b for b in kept.get("exclude_brand", []) if b not in kept["brand"]]
    if "exclude_brand" in slots:
        out = _listed(slots["exclude_brand"])
        kept["exclude_brand"] = [*kept.get("exclude_brand", []), *out]
        kept["brand"] = _left(kept.get("brand", []), out, "brand" in slots)
    return _with_prices({s: v for s, v in kept.items() if v not in ([], None)}, slots)


def _left(brands: list[str], out: list[str], is_said_now: bool) -> list[str]:
    """Brands that are still wanted. Who had asked for one brand and now wants any but another has
    given up the first."""
    if not is_said_now and not set(brands) & set(out):
        return []
    return [brand for brand in brands if brand not in out]


def _with_prices(frame: dict[str, Any], slots: Mapping[str, Any]) -> dict[str, Any]:
    if "price_near" in slots:
        near = float(slots["price_near"])
        return {**frame, "price_min": 0.8 * near, "price_max": 1.2 * near}
    for slot, other in (("price_max", "price_min"), ("price_min", "price_max")):
        if slot in slots:
            frame[slot] = float(slots[slot])
            contradicts = (
                other in frame and frame["price_min"] > frame["price_max"]
                if len({"price_min", "price_max"} & set(frame)) == 2
                else False
            )
            if contradicts and other not in slots:
                del frame[other]
    return frame


def show(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    relative = slots.get("relative", "")
    if relative == "similar" and (memory.focus or memory.shown):
        return _list(look.similar(memory.focus or memory.shown[0], 4), memory, {})
    search = _bounded(relative, memory, look)
    found = look.search(search)
    if not found and relative in ("cheaper", "pricier", "other") and len(memory.shown) > 1:
        found = _ordered(
            look.search(Search(memory.frame, by_price=relative == "cheaper")), relative
        )
    if relative in ("cheapest", "cheaper", "pricier") and not memory.shown:
        found = _ordered(found, relative)
    args = {"product": found[0].sku} if relative == "cheapest" and found else {}
    return _list(found, memory, args)


def _ordered(found: list[Goods], relative: str) -> list[Goods]:
    if relative == "other":
        return found
    return sorted(found, key=lambda g: g.price, reverse=relative == "pricier")


def _bounded(relative: str, memory: Memory, look: Lookups) -> Search:
    """ "Cheaper" is measured against what was just shown."""
    prices = [g.price for g in _goods(memory.shown, look)]
    if relative == "cheapest":
        return Search(memory.frame, by_price=True)
    if relative == "other":
        return Search(memory.frame, exclude=memory.seen)
    if not prices or relative not in ("cheaper", "pricier"):
        return Search(memory.frame)
    middle = sum(prices) / len(prices)
    if relative == "cheaper":
        return Search(memory.frame, below=middle, by_price=True)
    return Search(memory.frame, above=middle)


def _list(found: list[Goods], memory: Memory, args: Mapping[str, Any]) -> Step:
    if not found:
        memory = replace(memory, focus="")
        return memory, [Act("no_result", {"frame": dict(memory.frame)})]
    skus = tuple(g.sku for g in found)
    seen = tuple(dict.fromkeys((*memory.seen, *skus)))
    memory = replace(memory, shown=skus, seen=seen, focus="")
    facts = {"titles": [g.title for g in found], "frame": dict(memory.frame)}
    return memory, [Act("show_products", args, products=skus, facts=facts)]


def detail(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    """One product: the named, the n-th, the cheaper, the red one; else the one in focus."""
    goods = target(slots, memory, look)
    if goods is None and "brand" in slots and "category" not in slots:
        goods = _only_one_of(slots["brand"], memory, look)
    if goods is None:
        if {"category", "brand"} & set(slots):
            return (refine if memory.frame else recommend)(slots, memory, look)
        return memory, [Act("ask_product")]
    looked = (*(sku for sku in memory.looked if sku != goods.sku), goods.sku)[-MOST_LOOKED:]
    memory = replace(memory, focus=goods.sku, shown=memory.shown or (goods.sku,), looked=looked)
    if not memory.frame.get("category") and goods.category:
        memory = replace(memory, frame={**memory.frame, "category": goods.category})
    return memory, [detail_act(goods, slots)]


def _only_one_of(brand: Any, memory: Memory, look: Lookups) -> Goods | None:
    """The one product of a brand in the kind that is looked for, though it may be sold out."""
    category = memory.frame.get("category")
    found = look.of_brands(_listed(brand), category) if category else []
    return found[0] if len(found) == 1 else None


def detail_act(goods: Goods, slots: Mapping[str, Any]) -> Act:
    args = {"product": goods.sku, "stock": goods.stock, "price": goods.price}
    facts = {
        "title": goods.title,
        "price": goods.price,
        "currency": goods.currency,
        "stock": goods.stock,
        "colors": list(goods.colors),
        "sizes": list(goods.sizes),
        "features": list(goods.features),
        "description": goods.description,
        "asked": {
            s: slots[s] for s in ("aspect", "color", "size", "feature", "wanted") if s in slots
        },
    }
    return Act("show_product_detail", args, products=(goods.sku,), facts=facts)


def target(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Goods | None:
    """Which product is meant."""
    if "product" in slots:
        return look.product(_first(slots["product"]))
    shown = _goods(memory.shown, look)
    if "ordinal" in slots:
        place = int(_first(slots["ordinal"]))
        place = place - 1 if place > 0 else place
        return shown[place] if -len(shown) <= place < len(shown) else None
    if not shown and not memory.focus:
        return None
    chosen = _by_attributes(slots, shown)
    if chosen is not None:
        return chosen
    if "brand" in slots and not any(g.brand in _listed(slots["brand"]) for g in shown):
        return None
    return look.product(memory.focus) if memory.focus else shown[0]


def _by_attributes(slots: Mapping[str, Any], shown: list[Goods]) -> Goods | None:
    if slots.get("relative") in ("cheaper", "cheapest", "pricier") and shown:
        pick = max if slots["relative"] == "pricier" else min
        return pick(shown, key=lambda g: g.price)
    tests = {"brand": lambda g, v: g.brand == v, "category": lambda g, v: g.category == v}
    tests["color"] = lambda g, v: v in g.colors
    tests["feature"] = lambda g, v: v in g.features
    asked = [(s, _first(slots[s])) for s in tests if s in slots]
    fitting = [g for g in shown if all(tests[s](g, v) for s, v in asked)]
    telling = [s for s, _ in asked if s in ("brand", "category")]
    if asked and fitting and (telling or len(fitting) < len(shown)):
        return fitting[0] if telling or len(fitting) == 1 else None
    return None


def compare(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    skus = [s for s in _listed(slots.get("product", [])) if look.product(s)]
    beside = (memory.focus, *memory.shown) if memory.focus else memory.shown
    skus += _best_of_brands(slots, skus or list(beside[:1]), look)
    for place in _listed(slots.get("ordinal", [])):
        index = place - 1 if place > 0 else place
        if -len(memory.shown) <= index < len(memory.shown):
            skus.append(memory.shown[index])
    if len(skus) == 1:  # beside the one in focus, or else the first that is shown
        skus += [sku for sku in beside if sku not in skus][:1]
    if not skus and memory.last_act == "show_product_detail" and len(memory.looked) > 1:
        skus = list(memory.looked[-2:])
    if not skus:
        skus = list(memory.shown[:2])
    goods = _goods(tuple(dict.fromkeys(skus)), look)
    if len(goods) < 2:
        return memory, [Act("ask_product", {"for": "compare"})]
    chosen = tuple(g.sku for g in goods)
    facts = {"goods": [_row(g) for g in goods]}
    memory = replace(memory, shown=chosen, focus="")
    return memory, [
        Act("compare_products", {"products": list(chosen)}, products=chosen, facts=facts)
    ]


def _best_of_brands(slots: Mapping[str, Any], named: list[str], look: Lookups) -> list[str]:
    """Where brands stand beside each other, the first of each that is in question."""
    brands = _listed(slots.get("brand", []))
    kind = slots.get("category") or next((g.category for g in _goods(tuple(named), look)), "")
    if len(brands) + len(named) < 2:
        return []
    frame = {"category": _first(kind)} if kind else {}
    found = (look.search(Search({**frame, "brand": [brand]}, n=1)) for brand in brands)
    return [goods[0].sku for goods in found if goods]


def add_to_cart(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    goods = target(slots, memory, look)
    if goods is None:
        return memory, [Act("ask_product", {"for": "add_to_cart"})]
    memory = replace(memory, focus=goods.sku)
    if goods.stock == 0:
        return memory, [detail_act(goods, {"aspect": "stock"})]
    wanted = int(slots.get("quantity") or 1)
    if goods.stock is not None and wanted > goods.stock:
        return memory, [detail_act(goods, {"aspect": "stock", "wanted": wanted})]
    args: dict[str, Any] = {"product": goods.sku, "quantity": wanted}
    args.update({s: slots[s] for s in ("color", "size") if s in slots})
    facts = {"title": goods.title}
    return memory, [Act("added_to_cart", args, (goods.sku,), facts, effect="add_to_cart")]


def why(slots: Mapping[str, Any], memory: Memory, look: Lookups) -> Step:
    goods = target(slots, memory, look) if {"ordinal", "product"} & set(slots) else None
    skus = (goods.sku,) if goods else memory.shown or ((memory.focus,) if memory.focus else ())
    if not skus:
        return memory, [Act("ask_product", {"for": "why"})]
    reasons = look.reasons(skus)
    facts = {"reasons": [(g.title, reasons.get(g.sku, "")) for g in _goods(skus, look)]}
    return memory, [Act("explain_recommendation", {"products": list(skus)}, facts=facts)]


def _row(goods: Goods) -> dict[str, Any]:
    return {
        "title": goods.title,
        "price": goods.price,
        "currency": goods.currency,
        "features": list(goods.features),
        "colors": list(goods.colors),
        "stock": goods.stock,
    }


def _goods(skus: tuple[str, ...], look: Lookups) -> list[Goods]:
    return [goods for sku in skus if (goods := look.product(sku)) is not None]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value
