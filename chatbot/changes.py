"""How changes are told that a customer may want back: subscriptions, and steps taken back."""

from collections.abc import Callable

from chatbot.ml.commands import Act
from chatbot.phrases import CHANNELS, DONE, TEXTS

OF_TOPICS = {
    "unsubscribed": (
        "已为您退订“{topics}”（{channel}），其他内容照旧。",
        "Done: no more {topics} ({channel}). Everything else stays as it was.",
    ),
    "resubscribed": (
        "已为您订阅“{topics}”（{channel}）。",
        "Done: you will hear from us about {topics} ({channel}).",
    ),
}


def _subscription(act: Act, chinese: bool) -> str:
    """Everything of a channel was left or joined, or only the topics that are named."""
    topics = act.args.get("topics")
    texts = OF_TOPICS if topics else TEXTS
    return texts[act.name][not chinese].format(channel=_channel(act, chinese), topics=topics)


def _ask_topic(act: Act, chinese: bool) -> str:
    names = ("、" if chinese else ", ").join(act.facts.get("topics", []))
    if chinese:
        return f"想订阅哪些内容呢：{names}，还是全部？"
    return f"What would you like to hear about: {names}, or all of it?"


def _aborted(act: Act, chinese: bool) -> str:
    """What was taken back; without anything, that nothing was changed."""
    undone = str(act.args.get("undone", ""))
    if undone == "cart":
        title, count = act.facts["title"], act.args["quantity"]
        if chinese:
            return f"好的，已把 {title} × {count} 从购物车拿出来。"
        return f"All right, {title} × {count} is out of your cart again."
    if undone == "subscription":
        where = _channel(act, chinese)
        if chinese:
            return f"好的，订阅设置（{where}）已恢复到刚才之前的样子。"
        return f"All right, your subscriptions ({where}) are as they were before."
    if undone == "search":
        if chinese:
            return "好的，回到刚才的要求。" + ("之前的商品：" if act.products else "")
        return "All right, back to what you asked before" + (":" if act.products else ".")
    return TEXTS["aborted"][not chinese]


def _cannot_undo(act: Act, chinese: bool) -> str:
    done = DONE.get(str(act.args.get("effect", "")), DONE["other"])[not chinese]
    done = done.format(order_id=act.args.get("order_id", "")).replace("  ", " ")
    if chinese:
        return f"抱歉，{done}，我没法撤回。要为您转接人工客服看看吗？"
    return f"I am sorry, {done}; I cannot take that back. Shall I get a person to look at it?"


def _channel(act: Act, chinese: bool) -> str:
    channel = str(act.args.get("channel", ""))
    return CHANNELS.get(channel, (channel, channel))[not chinese]


BUILDERS: dict[str, Callable[[Act, bool], str]] = {
    "unsubscribed": _subscription,
    "resubscribed": _subscription,
    "ask_topic": _ask_topic,
    "aborted": _aborted,
    "cannot_undo": _cannot_undo,
}
