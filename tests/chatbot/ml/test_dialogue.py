"""One pure step, with look-ups made of plain values."""

from datetime import date

import pytest

from chatbot.ml.dialogue import step
from chatbot.ml.entities import Entity
from chatbot.ml.hearing import Heard
from chatbot.ml.intent import Guess
from chatbot.ml.lookups import Goods, Hit, Parcel, Voucher
from chatbot.ml.memory import Flow, Memory
from chatbot.ml.resolve import resolve
from chatbot.ml.retrieval import Entry, QuestionBook

TODAY = date(2026, 3, 4)
GOODS = [
    Goods("A", "Lamp A", 100, category="lamp", brand="x", colors=("red",), stock=3),
    Goods("B", "Lamp B", 200, category="lamp", brand="y", colors=("blue", "red"), stock=3),
    Goods("C", "Lamp C", 300, category="lamp", brand="y", colors=("blue",), stock=0),
]


class Shop:
    is_verified = True
    today = TODAY
    return_window = 7

    def __init__(self, orders=(), hits=()):
        self._orders, self._hits = list(orders), list(hits)

    def search(self, search):
        frame = search.frame
        found = [
            g for g in GOODS
            if frame.get("price_min", 0) <= g.price <= frame.get("price_max", 1e9)
            and (search.below is None or g.price < search.below)
            and frame.get("color", g.colors[0]) in g.colors
            and g.sku not in search.exclude
            and g.brand in frame.get("brand", [g.brand])
        ]  # fmt: skip
        return found[: search.n]

    def of_brands(self, brands, category):
        return [g for g in GOODS if g.brand in brands and g.category == category]

    def similar(self, sku, n):
        return [g for g in GOODS if g.sku != sku][:n]

    def product(self, sku):
        return next((g for g in GOODS if g.sku == sku), None)

    def orders(self):
        return self._orders

    def order(self, number):
        return next((o for o in self._orders if o.number == number), None)

    def vouchers(self, category):
        return [Voucher("TEN", "10 off")] if category != "none" else []

    def answers(self, question):
        return self._hits

    def reasons(self, skus):
        return dict.fromkeys(skus, "because")

    def categories(self):
        return ["lamp"]


def heard(text, intent, sure=0.95, **slots):
    found = tuple(Entity(slot, value, 0, len(text)) for slot, value in slots.items())
    return Heard(
        text, "en", Guess(((intent, sure), ("greet", 1 - sure)), known=0.99), entities=found
    )


def take(memory, *messages, shop=None):
    for message in messages:
        outcome = step(message, memory, shop or Shop())
        memory = outcome.memory
    return outcome


SENT = Parcel("O1", "shipped")
READY = Parcel("O2", "processing")
HOME = Parcel("O3", "delivered", delivered=date(2026, 3, 1))
OLD = Parcel("O4", "delivered", delivered=date(2026, 1, 1))
ORDERS = Shop([SENT, READY, HOME, OLD])


def test_the_step_changes_nothing_that_it_was_given():
    memory = Memory()
    step(heard("a lamp", "recommend", category="lamp"), memory, Shop())
    assert memory == Memory()


def test_the_same_input_gives_the_same_outcome():
    message = heard("a lamp", "recommend", category="lamp")
    assert step(message, Memory(), Shop()) == step(message, Memory(), Shop())


def test_memory_survives_as_json():
    outcome = take(
        Memory(),
        heard("a lamp", "recommend", category="lamp"),
        heard("cancel O2", "cancel_order", order_id="O2"),
        shop=ORDERS,
    )
    assert Memory.from_json(outcome.memory.as_json()) == outcome.memory


def test_what_an_older_memory_does_not_have_takes_its_first_value():
    assert Memory.from_json({}) == Memory()


@pytest.mark.parametrize(
    ("intent", "order", "act"),
    [("cancel_order", "O2", "ask_confirm"), ("cancel_order", "O1", "cannot_cancel"), ("cancel_order", "O9", "order_not_found"),
     ("change_order", "O2", "ask_address"), ("order_status", "O1", "show_order_status")],
)  # fmt: skip
def test_the_shops_rules_decide_what_may_be_done_with_an_order(intent, order, act):
    outcome = take(Memory(), heard(f"{intent} {order}", intent, order_id=order), shop=ORDERS)
    assert outcome.acts[0].name == act
    assert outcome.acts[0].effect == ""


@pytest.mark.parametrize(
    ("order", "act"), [("O3", "ask_confirm"), ("O4", "return_refused"), ("O1", "return_refused")]
)
def test_returns_are_for_a_week(order, act):
    outcome = take(
        Memory(),
        heard("return", "return_request", order_id=order, return_type="return"),
        shop=ORDERS,
    )
    assert outcome.acts[0].name == act


def test_no_write_is_named_before_it_is_confirmed():
    first = take(Memory(), heard("cancel O2", "cancel_order", order_id="O2"), shop=ORDERS)
    assert all(not act.effect for act in first.acts)
    second = take(first.memory, heard("yes", "affirm"), shop=ORDERS)
    assert [act.effect for act in second.acts] == ["cancel_order"]


@pytest.mark.parametrize("no", ["no", "never mind", "不用了", "算了"])
def test_a_no_ends_the_flow(no):
    outcome = take(
        Memory(), heard("cancel O2", "cancel_order", order_id="O2"), heard(no, "deny"), shop=ORDERS
    )
    assert outcome.acts[0].name == "aborted"
    assert outcome.memory.flow is None


def test_staff_have_the_word():
    outcome = take(Memory(owner="staff"), heard("a lamp", "recommend", category="lamp"))
    assert [a.name for a in outcome.acts] == ["stay_silent"]
    assert outcome.memory.frame == {}


def test_at_most_three_flows_wait():
    memory = Memory()
    for name in ("a", "b", "c", "d", "e"):
        memory = memory.start(Flow(name))
    assert [f.name for f in memory.suspended] == ["b", "c", "d"]
    assert memory.finish().flow.name == "d"


def test_a_question_in_the_middle_is_answered_and_the_flow_goes_on():
    shop = Shop([HOME], [Hit("fee", 0.9, "fee?", "free")])
    first = take(
        Memory(), heard("return something", "return_request", return_type="return"), shop=shop
    )
    second = take(first.memory, heard("how much is shipping", "faq"), shop=shop)
    assert [a.name for a in second.acts] == ["answer_faq", "ask_order_id"]
    third = take(second.memory, heard("O3", "inform", order_id="O3"), shop=shop)
    assert third.acts[0].name == "ask_confirm"


def test_cheaper_is_cheaper_than_what_was_shown():
    outcome = take(
        Memory(),
        heard("a lamp", "recommend", category="lamp"),
        heard("cheaper ones", "refine", relative="cheaper"),
    )
    assert outcome.acts[0].products == ("A", "B") or outcome.acts[0].products == ("A",)


def test_wishes_add_up_until_contradicted():
    memory = take(
        Memory(),
        heard("a lamp", "recommend", category="lamp"),
        heard("red", "refine", color="red"),
        heard("under 150", "refine", price_max=150),
    ).memory
    assert memory.frame == {"category": "lamp", "color": "red", "price_max": 150.0}
    memory = take(memory, heard("blue", "refine", color="blue")).memory
    assert memory.frame["color"] == "blue"
    memory = take(memory, heard("over 200", "refine", price_min=200)).memory
    assert memory.frame == {"category": "lamp", "color": "blue", "price_min": 200.0}


def test_another_category_begins_anew():
    memory = take(
        Memory(),
        heard("red lamp", "recommend", category="lamp", color="red"),
        heard("a bike", "recommend", category="bike"),
    ).memory
    assert memory.frame == {"category": "bike"}


def test_the_second_one_is_the_second_one():
    outcome = take(
        Memory(),
        heard("a lamp", "recommend", category="lamp"),
        heard("the second one", "select", ordinal=2),
    )
    assert outcome.acts[0].args["product"] == "B"


def test_the_ninth_of_three_is_asked_for_again():
    outcome = take(
        Memory(),
        heard("a lamp", "recommend", category="lamp"),
        heard("the ninth", "select", ordinal=9),
    )
    assert outcome.acts[0].name == "ask_product"


def test_what_is_sold_out_is_not_put_into_the_cart():
    outcome = take(Memory(focus="C"), heard("add it to the cart", "add_to_cart"))
    assert outcome.acts[0].args["stock"] == 0
    assert not outcome.acts[0].effect


def test_an_intent_that_staff_added_is_looked_up_in_the_question_book():
    shop = Shop(hits=[Hit("crypto", 0.9, "crypto?", "no")])
    assert (
        take(Memory(), heard("do you take bitcoin", "crypto"), shop=shop).acts[0].name
        == "answer_faq"
    )


def test_an_unsure_guess_asks_what_was_meant():
    outcome = take(Memory(), heard("hmm thing", "coupon", sure=0.15))
    assert outcome.acts[0].name == "fallback_clarify"
    assert outcome.memory.misses == 1


def test_a_strong_answer_is_given_though_the_intent_was_unclear():
    shop = Shop(hits=[Hit("fee", 0.8, "fee?", "free")])
    outcome = take(Memory(), heard("postage?", "out_of_scope"), shop=shop)
    assert (outcome.acts[0].name, outcome.reading.intent) == ("answer_faq", "faq")


def said_in_parts(parts, **slots):
    """Each part with its intent and slots of its own."""
    guesses = [Guess(((intent, 0.95), ("greet", 0.05)), known=0.99) for _, intent, _ in parts]
    found = [tuple(Entity(s, v, 0, 1) for s, v in own.items()) for _, _, own in parts]
    text = ", ".join(words for words, _, _ in parts)
    everything = tuple(entity for own in found for entity in own)
    clauses = tuple(zip((words for words, _, _ in parts), guesses, strict=True))
    return Heard(text, "en", guesses[0], everything, (), clauses, tuple(found))


def test_what_follows_a_never_mind_is_done():
    shop = Shop(hits=[Hit("real", 0.9, "genuine?", "yes")])
    message = said_in_parts([("never mind", "abort", {}), ("are these genuine", "faq", {})])
    assert [a.name for a in take(Memory(), message, shop=shop).acts] == ["answer_faq"]


def test_a_flow_given_up_for_something_else_ends_first():
    shop = Shop([READY], [Hit("real", 0.9, "genuine?", "yes")])
    first = take(Memory(), heard("cancel O2", "cancel_order", order_id="O2"), shop=shop)
    message = said_in_parts([("never mind", "abort", {}), ("are these genuine", "faq", {})])
    second = take(first.memory, message, shop=shop)
    assert [a.name for a in second.acts] == ["aborted", "answer_faq"]
    assert second.memory.flow is None


def test_another_name_on_an_order_needs_no_address():
    text = "the name on O2 should be Ann Lee"
    first = take(Memory(), heard(text, "change_order", order_id="O2"), shop=ORDERS)
    assert (first.acts[0].name, first.acts[0].args["name"]) == ("ask_confirm", "Ann Lee")
    second = take(first.memory, heard("yes", "affirm"), shop=ORDERS)
    assert (second.acts[0].name, second.acts[0].effect) == ("order_changed", "change_order")


def test_after_a_refusal_another_number_is_for_the_same_wish():
    first = take(Memory(), heard("cancel O1", "cancel_order", order_id="O1"), shop=ORDERS)
    assert first.acts[0].name == "cannot_cancel"
    second = take(first.memory, heard("O2", "inform", order_id="O2"), shop=ORDERS)
    assert (second.acts[0].name, second.acts[0].args["action"]) == ("ask_confirm", "cancel_order")


def test_to_look_at_an_order_is_not_to_cancel_it():
    first = take(Memory(), heard("cancel something", "cancel_order"), shop=ORDERS)
    assert first.acts[0].name == "ask_order_id"
    text = "let me check where my other one is, O1"
    guess = Guess((("order_status", 0.5), ("cancel_order", 0.5)), known=0.99)
    number = Entity("order_id", "O1", len(text) - 2, len(text))
    message = Heard(text, "en", guess, (number,))
    assert take(first.memory, message, shop=ORDERS).acts[0].name == "show_order_status"


@pytest.mark.parametrize("slots", [{"size": "43"}, {"color": "red"}])
def test_a_size_told_while_a_return_is_confirmed_makes_it_an_exchange(slots):
    first = take(
        Memory(),
        heard("return O3", "return_request", order_id="O3", return_type="return"),
        heard("make it this one", "return_request", **slots),
        shop=ORDERS,
    )
    assert first.acts[0].args["return_type"] == "exchange"


def test_nothing_is_cheaper_than_the_only_one_shown():
    memory = Memory(frame={"category": "lamp"}, shown=("A",))
    outcome = take(memory, heard("cheaper", "refine", relative="cheaper"))
    assert outcome.acts[0].name == "no_result"


def test_who_only_says_who_they_are_has_to_prove_it():
    class Stranger(Shop):
        is_verified = False

    memory = Memory(last_act="verify_identity", topic="order_status")
    outcome = take(memory, heard("but it's me, Ann", "out_of_scope"), shop=Stranger())
    assert outcome.acts[0].name == "verify_identity"


def test_similar_ones_are_no_question_about_the_one_in_focus():
    memory = Memory(frame={"category": "lamp"}, shown=("A",), focus="A")
    message = heard("anything similar in stock", "product_info", relative="similar", aspect="stock")
    assert take(memory, message).acts[0].products == ("B", "C")


def test_goods_beside_a_product_are_not_that_product():
    outcome = take(
        Memory(), heard("cheaper than Lamp B", "recommend", product="B", relative="cheaper")
    )
    assert outcome.acts[0].name == "show_products"
    assert outcome.acts[0].products == ("A",)


def test_a_colour_that_no_longer_matters_is_taken_back():
    memory = Memory(frame={"category": "lamp", "color": "red"}, shown=("A",))
    message = heard("any colour will do, under 250", "refine", color_any=True, price_max=250)
    assert take(memory, message).memory.frame == {"category": "lamp", "price_max": 250.0}


def test_what_coupons_were_asked_for_is_what_is_looked_for_next():
    outcome = take(
        Memory(),
        heard("any vouchers for lamps", "coupon", category="lamp"),
        heard("some red ones", "recommend", color="red"),
    )
    assert outcome.memory.frame == {"category": "lamp", "color": "red"}


def test_a_brand_that_is_not_shown_is_looked_for():
    memory = Memory(frame={"category": "lamp"}, shown=("A",))
    outcome = take(memory, heard("the zed please", "select", brand="z"))
    assert outcome.memory.frame["brand"] == ["z"]


def test_an_aside_leaves_the_question_open():
    outcome = take(
        Memory(),
        heard("cancel O2", "cancel_order", order_id="O2"),
        heard("it was too small, you know", "recommend", sure=0.5),
        shop=ORDERS,
    )
    assert outcome.acts[0].name == "ask_confirm"
    assert outcome.memory.flow.name == "cancel_order"


def test_what_is_corrected_is_done_to_the_corrected_order():
    text = "cancel O2, sorry I mean return O3"
    message = heard(text, "cancel_order", order_id="O3", return_type="return")
    outcome = take(Memory(), message, shop=ORDERS)
    assert outcome.acts[0].args["action"] == "return_request"


def test_the_only_one_of_a_brand_is_told_of_though_it_is_sold_out():
    memory = Memory(frame={"category": "lamp", "feature": "dim"}, shown=("B",))
    outcome = take(memory, heard("is the ex in stock", "product_info", brand="x", aspect="stock"))
    assert outcome.acts[0].args["product"] == "A"
    both = take(memory, heard("are zeds in stock", "product_info", brand="z", aspect="stock"))
    assert both.memory.frame["brand"] == ["z"]


def test_this_is_compared_with_the_goods_of_a_brand():
    memory = Memory(frame={"category": "lamp", "brand": ["x"]}, shown=("A",))
    outcome = take(memory, heard("this beside that why, which is better", "compare", brand="y"))
    assert outcome.acts[0].args["products"] == ["B", "A"]


def test_make_it_another_brand_stays_with_the_kind():
    memory = Memory(frame={"category": "lamp", "brand": ["x"]}, shown=("A",))
    outcome = take(memory, heard("换成 why 的看看", "refine", brand="y"))
    assert outcome.memory.frame == {"category": "lamp", "brand": ["y"]}


@pytest.mark.parametrize(
    ("parts", "act"),
    [
        ((("不用了", "deny"), ("还是留着原来的", "cancel_order")), "aborted"),
        ((("好的", "affirm"), ("把那单取消", "cancel_order")), "order_cancelled"),
        ((("好的", "affirm"), ("先别取消", "cancel_order")), "ask_confirm"),
        ((("ok", "affirm"), ("but don't cancel it yet", "cancel_order")), "ask_confirm"),
        ((("刚才要取消的那个", "cancel_order"), ("确认", "affirm")), "order_cancelled"),
        ((("好的", "affirm"), ("运费多少", "faq")), "fallback_clarify"),
    ],
)
def test_a_yes_or_no_may_have_words_of_the_same_matter_beside_it(parts, act):
    asked = take(Memory(), heard("cancel O2", "cancel_order", order_id="O2"), shop=ORDERS)
    assert asked.acts[0].name == "ask_confirm"
    guesses = [(text, Guess(((name, 0.9),), known=0.99)) for text, name in parts]
    asks = parts[1][1] == "faq"
    said = Heard(
        "，".join(text for text, _ in parts),
        "zh",
        Guess((("faq" if asks else "cancel_order", 0.7),), known=0.99),
        clauses=tuple(guesses),
        clause_entities=((), ()),
    )
    assert take(asked.memory, said, shop=ORDERS).acts[0].name == act


@pytest.mark.parametrize(
    ("text", "intent"),
    [("and how many days till it gets here?", "faq"), ("and where is my parcel?", "order_status")],
)
def test_a_question_after_a_question_is_about_an_order_only_where_it_says_so(text, intent):
    assert resolve(heard(text, "order_status", 0.6), Memory(topic="faq")).intent == intent


def test_a_reason_beside_a_wish_for_an_order_is_no_question():
    def said(reason):
        clauses = (
            (reason, Guess((("faq", 0.95),), 0.99)),
            ("cancel it", Guess((("cancel_order", 0.95),), 0.99)),
        )
        return Heard(
            f"{reason}, cancel it", "en", Guess((("cancel_order", 0.95),), 0.99),
            clauses=clauses, clause_entities=((), ()),
        )  # fmt: skip

    assert [c.kind for c in resolve(said("it has not been paid yet"), Memory()).commands] == [
        "cancel_order"
    ]
    assert len(resolve(said("how long is the warranty"), Memory()).commands) == 2


@pytest.mark.parametrize(
    ("text", "guessed", "meant"),
    [("keep the texts", "inform", "subscribe"), ("the texts too", "inform", "unsubscribe"),
     ("texts too", "subscribe", "unsubscribe")],
)  # fmt: skip
def test_another_channel_after_the_first(text, guessed, meant):
    memory = Memory(topic="unsubscribe", last_act="unsubscribed")
    assert resolve(heard(text, guessed, 0.6, channel="sms"), memory).intent == meant


class TestTheQuestionBook:
    BOOK = QuestionBook(
        [
            Entry("fee", "How much is shipping?"),
            Entry("fee", "运费怎么算"),
            Entry("hours", "When are you open?"),
        ],
        groups={"fee": ["postage", "包邮", "运费", "shipping"]},
    )

    def test_a_question_asked_word_for_word_is_certain(self):
        assert self.BOOK.ask("How much is shipping?")[0][0] == "fee"
        assert self.BOOK.ask("How much is shipping?")[0][1] > 0.9

    def test_words_of_one_meaning_find_each_other(self):
        assert self.BOOK.ask("你们包邮吗")[0][0] == "fee"

    def test_something_else_is_unlikely(self):
        assert self.BOOK.ask("my cat is green")[0][1] < 0.5

    def test_each_answer_comes_once(self):
        assert len(self.BOOK.ask("shipping")) == 2

    def test_an_empty_book_knows_nothing(self):
        assert QuestionBook([]).ask("anything") == []
