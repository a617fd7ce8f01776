"""Judges a played dialogue by its gold turns, as `dialogues/DIALOGUE_FORMAT.md` says."""

from dataclasses import dataclass
from typing import Any

NAMED = ("product", "order_id", "quantity", "return_type", "channel")  # told where they are known


@dataclass(frozen=True)
class Miss:
    dialogue: str
    said: str
    wanted: Any
    got: Any


def misses(
    dialogue: dict[str, Any], played: dict[str, Any], products: dict[str, Any]
) -> list[Miss]:
    """The turns whose act, arguments or products are not what they should be."""
    found, last = [], ""
    for turn, result in zip(dialogue["turns"], played["turns"], strict=True):
        acts = result["act"]
        first = acts[0] if acts else ""
        needed = turn.get("only_if_previous")
        if (not needed or last == needed) and not _is_right(turn, result, first, products):
            found.append(Miss(dialogue["id"], turn["user"], turn["act"], acts))
        last = first
    return found


def _is_right(turn: dict[str, Any], result: dict[str, Any], first: str, products: Any) -> bool:
    wanted = turn["act"] if isinstance(turn["act"], list) else [turn["act"]]
    if first not in [*wanted, *turn.get("alt_acts", [])]:
        return False
    if turn.get("also_act") and turn["also_act"] not in result["act"]:
        return False
    if any(words in result["reply"] for words in turn.get("reply_must_not", [])):
        return False
    if turn.get("reply_lang") and result["lang"] != turn["reply_lang"]:
        return False
    if first == "show_products" and turn.get("check"):
        shown = [products[sku] for sku in result["products"]]
        if not shown or not all(_fits(product, turn["check"]) for product in shown):
            return False
    return _same_arguments(turn.get("args") or {}, result["args"], first)


def _same_arguments(gold: dict[str, Any], got: dict[str, Any], act: str) -> bool:
    if act == "answer_faq" and "faq" in gold and got.get("faq") not in _listed(gold["faq"]):
        return False
    if "products" in gold and set(got.get("products", [])) != set(gold["products"]):
        return False
    codes = [got.get("code"), *got.get("codes", [])]
    if (
        "code" in gold
        and gold["code"] not in codes
        or "not_code" in gold
        and gold["not_code"] in codes
    ):
        return False
    told = [name for name in NAMED if name in gold and name in got]
    return all(str(got[name]).lower() == str(gold[name]).lower() for name in told)


def _fits(product: dict[str, Any], check: dict[str, Any]) -> bool:
    return (
        check.get("category") in (None, product["category"])
        and product["brand"] in _listed(check.get("brand") or product["brand"])
        and product["brand"] not in _listed(check.get("exclude_brand"))
        and product["category"] not in _listed(check.get("exclude_category"))
        and check.get("color") in (None, *product["colors"])
        and check.get("feature") in (None, *product.get("features", []))
        and product["price"] <= check.get("price_max", product["price"])
        and product["price"] >= check.get("price_min", product["price"])
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
