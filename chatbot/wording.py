"""What the bot says: each act as text in the customer's language, with quick replies.

Facts come in with the act; nothing here decides anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot import changes
from chatbot.ml import wares
from chatbot.ml.commands import Act
from chatbot.phrases import (
    ACTIONS,
    ASPECT_WORDS,
    FEATURE_WORDS,
    QUICK,
    REASONS,
    STATUS,
    TEXTS,
)
from crm.ml.text import CHINESE


@dataclass(frozen=True)
class Reply:
    """A message ready to be stored; `text` may be empty when the bot keeps silent."""

    text: str
    quick_replies: tuple[str, ...] = ()


def render(acts: Sequence[Act], language: str, *, name: str = "") -> Reply:
    """Put a turn's acts into words, in order."""
    chinese = language == "zh"
    texts = [_text(act, chinese, name) for act in acts]
    quick: list[str] = []
    for act in acts:
        quick += [reply for reply in _quick(act, chinese) if reply not in quick]
    return Reply("\n".join(text for text in texts if text), tuple(quick[:6]))


def _text(act: Act, chinese: bool, name: str) -> str:
    builder = BUILDERS.get(act.name)
    if builder is not None:
        return builder(act, chinese)
    greeting = ("，" if chinese else ", ") + name if name and act.name == "greet" else ""
    return _pick(TEXTS[act.name], chinese).format(name=greeting, **_strings(act, chinese))


def _pick(pair: tuple[str, str], chinese: bool) -> str:
    return pair[0] if chinese else pair[1]


def _strings(act: Act, chinese: bool) -> dict[str, Any]:
    args = {"order_id": "", "number": "", **act.args}
    titles = act.facts.get("titles") or []
    return {
        **{k: v for k, v in args.items() if k != "name"},
        "titles": " / ".join(titles),
        "title": act.facts.get("title", ""),
    }


def money(value: float, currency: str) -> str:
    """A price as people read it: ¥3,499 or 3,499.50 EUR."""
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return f"¥{number}" if currency == "CNY" else f"{number} {currency}"


def _products(act: Act, chinese: bool) -> str:
    wishes = wishes_in_words(act.facts.get("frame", {}), chinese)
    count = len(act.products)
    if chinese:
        return (
            f"为您找到{wishes + '的' if wishes else ''}{count}款商品："
            if count > 1
            else "这一款符合您的要求："
        )
    kind = f" ({wishes})" if wishes else ""
    return f"Here are {count} products for you{kind}:" if count > 1 else f"This one fits{kind}:"


def wishes_in_words(frame: Any, chinese: bool) -> str:
    """Price wishes of a search, so that the customer sees what was understood."""
    low, high = frame.get("price_min"), frame.get("price_max")
    if low is not None and high is not None:
        return f"¥{low:,.0f}–{high:,.0f}"
    if high is not None:
        return f"¥{high:,.0f}以内" if chinese else f"up to ¥{high:,.0f}"
    if low is not None:
        return f"¥{low:,.0f}以上" if chinese else f"from ¥{low:,.0f}"
    return ""


def _detail(act: Act, chinese: bool) -> str:
    facts = act.facts
    sold_out = facts["stock"] == 0
    price = money(facts["price"], facts["currency"])
    stock = (
        ("暂时缺货" if chinese else "sold out at the moment")
        if sold_out
        else ("有货" if chinese else "in stock")
    )
    join = "、" if chinese else ", "
    lines = [
        f"{facts['title']}：{price}，{stock}。"
        if chinese
        else f"{facts['title']}: {price}, {stock}."
    ]
    lines += _asked(facts, chinese)
    if facts["colors"]:
        lines.append(
            ("颜色：" if chinese else "Colours: ")
            + join.join(_color(c, chinese) for c in facts["colors"])
        )
    if facts["sizes"]:
        lines.append(("尺码：" if chinese else "Sizes: ") + join.join(facts["sizes"]))
    if facts["features"]:
        lines.append(
            ("特点：" if chinese else "Known for: ")
            + join.join(_feature(f, chinese) for f in facts["features"])
        )
    if facts["description"]:
        lines.append(facts["description"])
    return "\n".join(lines)


def _asked(facts: Any, chinese: bool) -> list[str]:
    """A straight yes or no to what was asked."""
    lines = []
    for slot, listed, shown in (
        ("color", "colors", _color),
        ("size", "sizes", None),
        ("feature", "features", _feature),
    ):
        wanted = facts["asked"].get(slot)
        wanted = wanted[0] if isinstance(wanted, list) else wanted
        if wanted is None or not facts[listed]:
            continue
        word = shown(wanted, chinese) if shown else wanted
        if wanted in facts[listed]:
            lines.append(f"有{word}。" if chinese else f"Yes: {word}.")
        else:
            lines.append(f"没有{word}。" if chinese else f"No, not {word}.")
    if facts["asked"].get("wanted"):
        lines.append(
            f"库存只有{facts['stock']}件。" if chinese else f"Only {facts['stock']} are left."
        )
    if facts["asked"].get("aspect") == "warranty":
        lines.append(
            "全国联保，保修期以商品页为准。"
            if chinese
            else "It carries the maker's warranty; the product page gives its length."
        )
    return lines


def _color(color: str, chinese: bool) -> str:
    return ASPECT_WORDS.get(color, color) if chinese else color


def _feature(feature: str, chinese: bool) -> str:
    if not chinese:
        return feature.replace("_", " ")
    said = (word for word in wares.FEATURES.get(feature, ()) if CHINESE.search(word))
    return FEATURE_WORDS.get(feature) or next(said, feature.replace("_", " "))


def _compare(act: Act, chinese: bool) -> str:
    join = "、" if chinese else ", "
    rows = []
    for goods in act.facts["goods"]:
        traits = join.join(_feature(f, chinese) for f in goods["features"])
        price = money(goods["price"], goods["currency"])
        colors = join.join(_color(c, chinese) for c in goods["colors"])
        rows.append(
            "· " + (" | ".join(part for part in (goods["title"], price, traits, colors) if part))
        )
    cheapest = min(act.facts["goods"], key=lambda g: g["price"])["title"]
    end = f"更实惠的是 {cheapest}。" if chinese else f"The better price: {cheapest}."
    return "\n".join([("对比如下：" if chinese else "Side by side:"), *rows, end])


def _why(act: Act, chinese: bool) -> str:
    plain = "符合您的要求" if chinese else "it fits what you asked for"
    rows = [
        f"· {title}{'：' if chinese else ': '}{reason or plain}"
        for title, reason in act.facts["reasons"]
    ]
    return "\n".join([("推荐理由：" if chinese else "Why I suggested them:"), *rows])


def _coupons(act: Act, chinese: bool) -> str:
    rows = [
        f"· {v['code']}{'：' if chinese else ': '}{v['text']}"
        + (f"（{v['until']} 前有效）" if chinese else f" (until {v['until']})")
        for v in act.facts["vouchers"]
    ]
    return "\n".join(
        [("您可以使用这些优惠券：" if chinese else "You can use these coupons:"), *rows]
    )


def _status(act: Act, chinese: bool) -> str:
    facts = act.facts
    status = _pick(STATUS.get(facts["status"], (facts["status"], facts["status"])), chinese)
    titles = ("、" if chinese else ", ").join(facts["titles"])
    parts = [
        f"订单 {act.args['order_id']}（{titles}）：{status}。"
        if chinese
        else f"Order {act.args['order_id']} ({titles}) is {status}."
    ]
    if facts.get("carrier"):
        parts.append(f"承运：{facts['carrier']}。" if chinese else f"Carrier: {facts['carrier']}.")
    if facts["eta"]:
        parts.append(f"预计 {facts['eta']} 送达。" if chinese else f"Expected on {facts['eta']}.")
    if facts["delivered"]:
        parts.append(
            f"{facts['delivered']} 已签收。" if chinese else f"Delivered on {facts['delivered']}."
        )
    return "".join(parts) if chinese else " ".join(parts)


def _confirm(act: Act, chinese: bool) -> str:
    what = _pick(ACTIONS.get(act.args.get("action", ""), ("处理", "do this")), chinese)
    if act.args.get("return_type") == "exchange":
        what = "换货" if chinese else "exchange"
    about = " ".join(
        str(act.args[s])
        for s in ("order_id", "address", "name", "size", "color")
        if act.args.get(s)
    )
    titles = ("、" if chinese else ", ").join(act.facts.get("titles", []))
    about = f"{about} ({titles})" if titles else about
    return f"确认{what}吗？{about}" if chinese else f"Shall I {what}? {about}".strip()


def _refused(act: Act, chinese: bool) -> str:
    reason = _pick(REASONS.get(str(act.args.get("reason")), REASONS["other"]), chinese)
    number = act.args.get("order_id", "")
    return f"抱歉，订单 {number} {reason}。" if chinese else f"I am sorry, order {number} {reason}."


def _answer(act: Act, chinese: bool) -> str:
    if act.facts.get("answer"):
        return str(act.facts["answer"])
    question = act.facts.get("question", "")
    return (
        f"关于“{question}”，请看帮助中心的说明。"
        if chinese
        else f'About "{question}": please see our help pages.'
    )


def _fallback(act: Act, chinese: bool) -> str:
    if act.facts.get("offer_person"):
        return (
            "抱歉，我还是没明白。要为您转接人工客服吗？"
            if chinese
            else "I am sorry, I still do not follow. Shall I get a person for you?"
        )
    return _pick(TEXTS["fallback_clarify"], chinese)


def _orders(act: Act, chinese: bool) -> str:
    return _pick(TEXTS["ask_order_id"], chinese)


def _repeat(act: Act, chinese: bool) -> str:
    return str(act.facts.get("text") or _pick(TEXTS["repeat_last"], chinese))


def _silence(act: Act, chinese: bool) -> str:
    return ""


BUILDERS: dict[str, Callable[[Act, bool], str]] = {
    "show_products": _products,
    "show_product_detail": _detail,
    "compare_products": _compare,
    "explain_recommendation": _why,
    "show_coupons": _coupons,
    "show_order_status": _status,
    "ask_confirm": _confirm,
    "cannot_cancel": _refused,
    "return_refused": _refused,
    "answer_faq": _answer,
    "fallback_clarify": _fallback,
    "ask_order_id": _orders,
    "repeat_last": _repeat,
    "stay_silent": _silence,
    **changes.BUILDERS,
}


def _quick(act: Act, chinese: bool) -> list[str]:
    if act.name == "ask_order_id":
        return [str(number) for number in act.facts.get("orders", [])]
    if act.name == "ask_category":
        return [str(name) for name in act.facts.get("categories", [])]
    if act.name == "ask_topic":
        return [*act.facts.get("topics", []), _pick(QUICK["all_topics"], chinese)]
    if act.name == "fallback_clarify":
        choices = [QUICK[c] for c in act.facts.get("choices", []) if c in QUICK]
        return [_pick(pair, chinese) for pair in (*choices, QUICK["human"])]
    return [_pick(pair, chinese) for pair in QUICK_AFTER.get(act.name, ())]


QUICK_AFTER: dict[str, tuple[tuple[str, str], ...]] = {
    "greet": (QUICK["recommend"], QUICK["order_status"], QUICK["coupon"], QUICK["human"]),
    "show_products": (QUICK["cheaper"], QUICK["other"], QUICK["why"]),
    "show_product_detail": (QUICK["add_to_cart"], QUICK["similar"]),
    "ask_confirm": (QUICK["yes"], QUICK["no"]),
    "ask_channel": (QUICK["email"], QUICK["sms"], QUICK["wechat"], QUICK["all"]),
    "ask_return_type": (QUICK["return"], QUICK["exchange"]),
    "no_result": (QUICK["other"], QUICK["human"]),
    "ticket_opened": (QUICK["human"],),
    "cannot_cancel": (QUICK["human"],),
    "added_to_cart": (QUICK["undo"],),
    "unsubscribed": (QUICK["undo"],),
    "resubscribed": (QUICK["undo"],),
    "cannot_undo": (QUICK["human"],),
    "return_refused": (QUICK["human"],),
}
