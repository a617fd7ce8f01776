"""A message in its context: from what was heard and what is remembered to commands.

The order matters and is told by the names of `READERS`: the first that has something to
say decides.
"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections.abc import Callable
from typing import Any

from chatbot.ml import keywords
from chatbot.ml.commands import Command, Reading, relevant
from chatbot.ml.hearing import Heard
from chatbot.ml.memory import Memory
from chatbot.ml.shoptalk import shopping_intent

SURE = 0.45
VERY_SURE = 0.75
NO_DOUBT = 0.9
UNSAFE_SURE = 0.85  # of the classifier alone; the words of keywords.UNSAFE need no second
OF_ORDERS = ("order_status", "cancel_order", "change_order", "return_request")
FLOW_INTENTS = (*OF_ORDERS, "unsubscribe", "subscribe", "privacy_request")
ACTIONABLE = (*FLOW_INTENTS, "faq", "coupon", "recommend", "add_to_cart", "compare", "human", "why")
SHORT = 40  # characters
BARE = 6  # characters around a slot value that make it no sentence of its own
ELLIPSIS = re.compile(
    r"^(?:那|那么|还有)|呢[?？。]*$|^(?:and|what about|how about)\b", re.IGNORECASE
)
AFFIRM = re.compile(
    r"^(?:是的?|对的?|好的?|好啊|嗯+|可以|行|没错|没问题|确认|确定|同意|要的|当然|yes|yeah|yep|yup|sure|ok(?:ay)?|confirm(?:ed)?"
    r"|correct|right|go ahead|please do|do it|absolutely|definitely)(?:[,，!！。.\s呀啊吧了的哦]|确认|确定|取消|退货|please|go ahead|confirm|sure|do it|yes)*$",
    re.IGNORECASE,
)
DENY = re.compile(
    r"^(?:不|不是|不要|不用|不用了|不要了|不了|不行|不对|别|先不|暂时不|no|nope|nah|don'?t|do not|not now|negative)(?:[,，!！。.\s了吧谢哦]|thanks|thank you|需要|要)*$",
    re.IGNORECASE,
)
ABORT = re.compile(
    r"^(?:那|还是|哦|嗯|先|那先|暂时|等等|等下|等一下|actually|ok(?:ay)?|oh|wait|hold on)?[,，\s]*(?:算了|先别|再想想|再考虑|我再想想|留着吧|不删了|不注销了|不弄了|不办了|不退了|不换了|不取消了|不改了|放弃|never\s?mind|forget (?:it|about it)|"
    r"stop|leave it|cancel that|drop it|changed my mind|i changed my mind|not anymore)",
    re.IGNORECASE,
)
ADDRESS = re.compile(
    r"[省市区县镇路街巷弄号栋室楼]|\d+\s+\w+|\b(?:street|st|road|rd|avenue|ave|lane|drive|dr|square|building|flat|apt|apartment|room|floor)\b",
    re.IGNORECASE,
)

VERBS = (  # with an order number beside them these leave no doubt
    ("cancel_order", re.compile(r"取消|撤销|撤单|\bcancel", re.IGNORECASE)),
    (
        "return_request",
        re.compile(
            r"退货|退款|退掉|退了|换货|申请售后|要售后|想退|要退|我要?退|想换|要换|\b(?:return|refund|exchange|swap)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "change_order",
        re.compile(
            r"[改换](?:一下|成)?.{0,6}(?:地址|码|颜色|色的?)|地址.{0,6}改|\bchange\b.{0,30}\b(?:address|size|colou?r|order)\b",
            re.IGNORECASE,
        ),
    ),
)
CANCEL_IT = re.compile(
    r"^(?:那就?|帮我|请|把)?(?:取消|撤销)(?:掉)?(?:它|这个|这单|那个|该订单|这个订单|吧|了吧)?$|(?:它|这单|这个订单)取消|^(?:please |then |ok |can you )*cancel (?:it|this|that|this order|that one)\b",
    re.IGNORECASE,
)
BOUGHT = re.compile(
    r"(?:上次|之前|前几天|昨天|刚|上周|上个月)?(?:买的|买了|下单的|收到的|到的)|\b(?:bought|ordered|received|purchased|got)\b",
    re.IGNORECASE,
)
SEARCHES = re.compile(
    r"推荐|想买|看看|想看|有没有|来个|\b(?:show me|looking for|recommend|suggest|buy|find me|do you (?:have|sell))\b",
    re.IGNORECASE,
)
ABOUT_COUPONS = re.compile(
    r"张|券|过期|到期|失效|有效期|\bexpir|\brun out\b|能用|可以用|适用|折|\b(?:use|valid|apply|applies|works?|code|coupons?|vouchers?|which one)\b",
    re.IGNORECASE,
)

WHEN = re.compile(
    r"哪天|几号|什么时候|啥时候|多久|几天|\bwhen\b|\bwhich day\b|\bwhat day\b|\bhow (?:long|soon)\b|\beta\b",
    re.IGNORECASE,
)
OTHERS_ORDER = re.compile(
    r"(?:朋友|同事|同学|室友|家人|亲戚|老公|老婆|男友|女友|男朋友|女朋友|妈妈?|爸爸?|别人|他|她|人家)的?(?:单|订单|包裹|快递)(?!独|价|品)"
    r"|\b(?:friend|wife|husband|boyfriend|girlfriend|mom|mum|dad|sister|brother|colleague|someone else|somebody else)'?s? (?:order|parcel|package)"
    r"|\b(?:his|her|their) (?:order|parcel|package)\b",
    re.IGNORECASE,
)
ANOTHER = re.compile(
    r"另(?:外)?(?:一)?[单个笔]|还有一?[单个笔]|别的(?:订)?单|\banother (?:order|one)\b|\balso (?:got|have) an order\b|\bdifferent order\b",
    re.IGNORECASE,
)
MAY_MEAN_COUPONS = (
    *("recommend", "coupon", "inform", "refine", "out_of_scope", "product_info"),
    *("order_status", "faq"),
)
NEED_A_PRODUCT = ("add_to_cart", "compare", "why")
FIRM = ("faq", "human", "greet", "thanks", "goodbye", *FLOW_INTENTS)

Reader = Callable[[Heard, Memory], Reading | None]


def resolve(heard: Heard, memory: Memory) -> Reading:
    """The intent in context and the commands it leads to. Never empty."""
    for reader in READERS:
        reading = reader(heard, memory)
        if reading is not None:
            return reading
    raise AssertionError("the last reader always answers")


def read(intent: str, heard: Heard, *commands: Command, confidence: float | None = None) -> Reading:
    """A reading of the whole message as this intent."""
    slots = relevant(intent, heard.slots)
    sure = confidence if confidence is not None else _chance(heard, intent)
    if intent in OF_ORDERS and not commands and ANOTHER.search(heard.text):
        commands = (Command(intent, {**slots, "another": True}, heard.text),)
    return Reading(intent, sure, slots, commands or (Command(intent, slots, heard.text),))


def _chance(heard: Heard, intent: str) -> float:
    return max(dict(heard.guess.intents).get(intent, 0.0), SURE)


def staff_has_it(heard: Heard, memory: Memory) -> Reading | None:
    if memory.owner != "staff":
        return None
    intent = keywords.near_certain(heard.text) or heard.guess.name
    return read(intent, heard, Command("silence"))


def attack(heard: Heard, memory: Memory) -> Reading | None:
    sure = heard.guess.confidence >= UNSAFE_SURE and heard.guess.known >= heard.threshold
    shops = {"category", "brand", "product"} & set(heard.slots)
    guessed = heard.guess.name == "unsafe" and sure and not shops
    return read("unsafe", heard, confidence=0.99) if heard.unsafe or guessed else None


def two_wishes(heard: Heard, memory: Memory) -> Reading | None:
    """A message whose parts want different things: the first is reported, all are done."""
    wishes: list[tuple[str, Command]] = []
    for (text, guess), entities in zip(heard.clauses, heard.clause_entities, strict=True):
        name = keywords.near_certain(text) or guess.name
        sure = guess.confidence >= VERY_SURE and guess.known >= heard.threshold
        if name == "recommend" and (
            BOUGHT.search(text) or any(e.slot == "order_id" for e in entities)
        ):
            continue
        if name in ACTIONABLE and sure and name not in [w[0] for w in wishes]:
            part = Heard(text, heard.language, guess, entities)
            wishes.append((name, Command(name, relevant(name, part.slots), text)))
    names = {name for name, _ in wishes}
    if {"subscribe", "unsubscribe"} <= names:
        return None  # "I had unsubscribed, and want it again" is one wish
    if len(wishes) < 2 or names <= {"faq", *OF_ORDERS} and len(names & set(OF_ORDERS)) > 1:
        return None
    if wishes[-1][0] == "add_to_cart" and names == {"recommend", "add_to_cart"}:
        return None  # "I want this phone, I'll take it" is one wish
    if names == {"recommend", "coupon"}:
        return read("coupon", heard)
    return read(wishes[0][0], heard, *[command for _, command in wishes])


def near_certain(heard: Heard, memory: Memory) -> Reading | None:
    name = keywords.near_certain(heard.text)
    if not name and keywords.GOODBYE.search(heard.text) and not heard.slots:
        name = "goodbye" if len(heard.text) < SHORT else ""
    return read(name, heard, confidence=0.97) if name else None


def confirmation(heard: Heard, memory: Memory) -> Reading | None:
    """A flow waits for a yes: yes, no, another value, or something else entirely."""
    flow = memory.flow
    if flow is None or flow.awaiting != "confirm":
        return None
    said = _yes_or_no(heard)
    if said:
        return read(said, heard, Command("confirm" if said == "affirm" else "stop"))
    intent = heard.guess.name
    if _asks_elsewhere(heard, flow.name):
        return None
    values = {s: v for s, v in heard.slots.items() if s in ("order_id", "return_type")}
    if "order_id" not in values and intent == "deny" and heard.guess.confidence > SURE:
        return read("deny", heard, Command("stop"))
    if values and (intent in ("inform", "deny", flow.name, "out_of_scope") or len(heard.text) < 24):
        return read("inform", heard, Command("set_slot", values))
    if intent == "deny" and heard.guess.confidence > SURE:
        return read("deny", heard, Command("stop"))
    return None


def _yes_or_no(heard: Heard) -> str:
    """affirm, deny or abort, where the words or the classifier leave no doubt."""
    sure = heard.guess.name if heard.guess.confidence > SURE else ""
    if ABORT.search(heard.text) or sure == "abort":
        return "abort"
    if AFFIRM.match(heard.text) or sure == "affirm":
        return "affirm"
    return "deny" if DENY.match(heard.text) else ""


def _asks_elsewhere(heard: Heard, flow: str) -> bool:
    """A question in the middle of a flow is answered; it is no value for the flow."""
    asks = heard.guess.name in ACTIONABLE and heard.guess.name != flow
    return asks and heard.guess.confidence >= SURE and "order_id" not in heard.slots


def awaited_slot(heard: Heard, memory: Memory) -> Reading | None:
    """A flow asked for something, and here it is (or a refusal to give it)."""
    flow = memory.flow
    if flow is None or flow.awaiting in ("", "confirm"):
        return None
    if ABORT.search(heard.text) or (heard.guess.name == "abort" and heard.guess.confidence > SURE):
        return read("abort", heard, Command("stop"))
    if DENY.match(heard.text):
        return read("deny", heard, Command("stop"))
    values = _values_for(flow.awaiting, heard, memory)
    if not values:
        return None
    elsewhere = heard.guess.name in ACTIONABLE and heard.guess.name != flow.name
    hinted = "order_id" not in values and flow.awaiting == "order_id"
    if (
        elsewhere
        and heard.guess.confidence >= (SURE if hinted else VERY_SURE)
        and not _is_bare(heard)
    ):
        return None
    if "address" in values:
        return Reading("inform", _chance(heard, "inform"), {}, (Command("set_slot", values),))
    intent = flow.name if heard.guess.name == flow.name and not _is_bare(heard) else "inform"
    return read(intent, heard, Command("set_slot", values, heard.text))


def _values_for(slot: str, heard: Heard, memory: Memory) -> dict[str, Any]:
    slots = heard.slots
    if slot in slots:
        extra = {s: slots[s] for s in ("return_type",) if s in slots}
        return {slot: slots[slot], **extra}
    if slot == "order_id":
        return _order_hints(heard, memory)
    if slot == "address":
        wanted = ("faq", "human", "greet", "thanks", "repeat", "order_status", "cancel_order")
        other = heard.guess.name in wanted and heard.guess.confidence >= SURE
        return {} if other and not ADDRESS.search(heard.text) else {"address": heard.text}
    if slot == "product":
        return {s: slots[s] for s in ("product", "ordinal", "category", "color") if s in slots}
    return {}


def _order_hints(heard: Heard, memory: Memory) -> dict[str, Any]:
    """Not the number, but what tells the order: its goods, its day, its place in the list."""
    slots = heard.slots
    if SEARCHES.search(heard.text):
        return {}
    hints: dict[str, Any] = {
        s: slots[s] for s in ("product", "category", "brand", "date") if s in slots
    }
    if memory.choices and isinstance(slots.get("ordinal"), int):
        place = slots["ordinal"] - (slots["ordinal"] > 0)
        if -len(memory.choices) <= place < len(memory.choices):
            return {"order_id": memory.choices[place]}
    if re.search(
        r"最近|最新|刚(?:才)?(?:下|买)|上一单|\b(?:latest|most recent|last)\b", heard.text, re.I
    ):
        return {"latest": True, **hints}
    return hints


def _is_bare(heard: Heard) -> bool:
    """Nothing but the value and a few words around it."""
    named = sum(e.end - e.start for e in heard.entities)
    return len(heard.text) - named <= BARE * (3 if heard.language == "en" else 1)


def the_order_in_focus(heard: Heard, memory: Memory) -> Reading | None:
    """ "Cancel it", "which courier?" after an order was talked about."""
    if not memory.order or memory.flow is not None or memory.topic not in (*OF_ORDERS, "inform"):
        return None
    if CANCEL_IT.search(heard.text):
        return read("cancel_order", heard)
    asks = heard.slots.get("aspect") == "carrier" or WHEN.search(heard.text)
    elsewhere = heard.guess.name in ACTIONABLE and heard.guess.name not in OF_ORDERS
    sure = elsewhere and heard.guess.confidence >= VERY_SURE
    return read("order_status", heard) if asks and not sure else None


def short_answers(heard: Heard, memory: Memory) -> Reading | None:
    """Yes, no and never mind when nothing was asked."""
    goes_on = {"category", "brand", "product"} & set(heard.slots)
    if ABORT.search(heard.text) and len(heard.text) < 30 and not goes_on:
        return read("abort", heard)
    if AFFIRM.match(heard.text):
        return read("affirm", heard)
    if DENY.match(heard.text):
        return read("deny", heard)
    return None


def order_number(heard: Heard, memory: Memory) -> Reading | None:
    """An order number by itself: for the flow that waits for one, else for its status."""
    if "order_id" not in heard.slots:
        return _somebody_elses(heard, memory)
    told = next((intent for intent, verb in VERBS if verb.search(heard.text)), "")
    if told and not (memory.flow is None and heard.guess.name in ("faq", "complaint")):
        return read(told, heard)
    sure = heard.guess.confidence >= SURE and heard.guess.name in (*OF_ORDERS, "complaint")
    corrects = heard.guess.name == "complaint" and memory.topic in (*OF_ORDERS, "inform")
    if sure and not (_is_bare(heard) and (corrects or ELLIPSIS.search(heard.text))):
        return read(heard.guess.name, heard)
    for flow in reversed(memory.suspended):
        if flow.awaiting == "order_id":
            return read("inform", heard, Command(flow.name, relevant(flow.name, heard.slots)))
    intent = "order_status" if ELLIPSIS.search(heard.text) else "inform"
    return read(intent, heard, Command("order_status", heard.slots, heard.text))


def _somebody_elses(heard: Heard, memory: Memory) -> Reading | None:
    """A friend's order: whoever it belongs to may ask for it."""
    if not OTHERS_ORDER.search(heard.text):
        return None
    intent = "inform" if memory.topic in (*OF_ORDERS, "inform") else "order_status"
    return read(intent, heard, Command("order_status", {"others": True}, heard.text))


def what_was_asked_for(heard: Heard, memory: Memory) -> Reading | None:
    """The bot asked which kind, or which product: here it is, whatever it sounds like."""
    slots = heard.slots
    if {"order_id", "return_type"} & set(slots) or len(heard.text) > SHORT:
        return None
    searching = memory.last_act in ("show_products", "no_result") and memory.frame
    open_search = searching and "category" not in memory.frame and not BOUGHT.search(heard.text)
    if "category" in slots and (memory.last_act == "ask_category" or open_search):
        intent = "inform" if _is_bare(heard) else "refine" if memory.frame else "recommend"
        values = relevant("refine", slots)
        return read(intent, heard, Command("refine", values, heard.text))
    told = memory.last_act == "ask_product" and {"product", "ordinal"} & set(slots)
    if told and memory.topic in NEED_A_PRODUCT and heard.guess.name not in FIRM:
        values = relevant(memory.topic, slots)
        return read("inform", heard, Command(memory.topic, values, heard.text))
    return None


def goods(heard: Heard, memory: Memory) -> Reading | None:
    """Talk about products, where context decides between searching, narrowing and choosing."""
    if "return_type" in heard.slots and _wants_back(heard) and not _looks_further(heard, memory):
        return read("return_request", heard)
    if _only_looks(heard) or _looks_further(heard, memory):
        return read("recommend", heard)
    intent = shopping_intent(heard, memory)
    if not intent:
        return None
    reported = intent
    if intent == "recommend" and memory.last_act == "ask_category" and _is_bare(heard):
        reported = "inform"
    slots = dict(relevant(intent, heard.slots))
    slots |= {name: heard.slots[name] for name in ("goods", "price_any") if name in heard.slots}
    if heard.implied_category and "category" not in slots:
        slots["implied_category"] = heard.implied_category
    if intent == "recommend" and not slots:  # "could you wrap it as a present?" sounds like one
        asked = {"then": intent, "sure": heard.guess.confidence >= VERY_SURE}
        return read(reported, heard, Command("unsure", asked, heard.text))
    return read(reported, heard, Command(intent, slots, heard.text))


def _wants_back(heard: Heard) -> bool:
    if BOUGHT.search(heard.text):
        return heard.guess.name not in ("faq", "refine")
    return heard.guess.name in ("return_request", "inform") and _is_bare(heard)


def _looks_further(heard: Heard, memory: Memory) -> bool:
    """ "Make it a light laptop then" (换成…): another search, nothing to give back."""
    return bool(
        memory.shown
        and {"category", "brand"} & set(heard.slots)
        and "order_id" not in heard.slots
        and re.search(r"换成|\binstead\b", heard.text)
        and not BOUGHT.search(heard.text)
    )


def _only_looks(heard: Heard) -> bool:
    """ "Solved, thanks; now show me tablets": a search, though it sounds like an order."""
    told = {"order_id", "return_type", "date"} & set(heard.slots)
    return (
        heard.guess.name in (*OF_ORDERS, "human", "complaint")
        and "category" in heard.slots
        and not told
        and SEARCHES.search(heard.text) is not None
        and not BOUGHT.search(heard.text)
        and not any(verb.search(heard.text) for _, verb in VERBS)
    )


def still_coupons(heard: Heard, memory: Memory) -> Reading | None:
    """Coupons were the subject, and something to use them for is named."""
    short = len(heard.text) < 30 and re.search(r"\bfor\b|的吗|呢", heard.text)
    if memory.topic != "coupon" or not (ABOUT_COUPONS.search(heard.text) or short):
        return None
    return read("coupon", heard) if heard.guess.name in MAY_MEAN_COUPONS else None


def ellipsis(heard: Heard, memory: Memory) -> Reading | None:
    """ "And shipping abroad?" after a question is a question of the same kind."""
    if memory.topic != "faq" or not ELLIPSIS.search(heard.text) or len(heard.text) > 40:
        return None
    if heard.guess.name in (
        "faq",
        "out_of_scope",
        "return_request",
        "coupon",
        "refine",
        "change_order",
    ):
        return read("faq", heard, Command("faq", {"lenient": True}, heard.text))
    return None


def by_intent(heard: Heard, memory: Memory) -> Reading:
    """The classifier's word, if it is sure enough; otherwise the question book, then a question."""
    name, sure = heard.guess.name, heard.guess.confidence
    unclear = Command("clarify", {"best": _two_best(heard)}, heard.text)
    if name == "out_of_scope" or (heard.guess.known < heard.threshold and sure < VERY_SURE):
        return read("out_of_scope", heard, unclear)
    if name == "faq" and sure >= NO_DOUBT:
        return read(name, heard, Command("faq", {"lenient": True}, heard.text))
    if sure < SURE / 2:
        return read(name, heard, unclear)
    if name in MAY_BE_QUESTIONS and not {"product", "ordinal", "order_id"} & set(heard.slots):
        slots = {"then": name, "sure": sure >= VERY_SURE, **relevant(name, heard.slots)}
        return read(name, heard, Command("unsure", slots, heard.text))
    return read(name, heard)


def _two_best(heard: Heard) -> list[str]:
    return [name for name, _ in heard.guess.intents if name not in ("out_of_scope", "unsafe")][:2]


MAY_BE_QUESTIONS = ("chitchat", "complaint", "repeat", "human", "coupon", "compare", "unsafe")
READERS: tuple[Reader, ...] = (
    staff_has_it,
    attack,
    two_wishes,
    near_certain,
    confirmation,
    awaited_slot,
    the_order_in_focus,
    short_answers,
    order_number,
    what_was_asked_for,
    ellipsis,
    still_coupons,
    goods,
    by_intent,
)
