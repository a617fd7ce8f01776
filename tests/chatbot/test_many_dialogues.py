"""Recorded dialogues in both languages, written without a look at the code: a shop of homewares
that stands here, and more in the public store. What still goes wrong is named, with its reason."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from chatbot import loading, playing
from crm.loading import Report
from tests.chatbot import scoring

HERE = Path(__file__).resolve().parent / "dialogues"
SHARED = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "dialogues"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the public store is not here")

NOT_YET = {
    (
        "y-en-20",
        "what about the second one, how much?",
    ): "one product was shown, there is no second",
    (
        "v-zh-01",
        "华为那款有啥颜色",
    ): "a brand picks one of those shown only where it is named with it",
    (
        "v-zh-15",
        "有类似但便宜的吗",
    ): "what was put in the cart by its name is no search to go on from",
    ("v-zh-16", "为什么不行"): "why is asked of recommendations, not of refusals",
    ("v-zh-18", "43呢"): "a bare size after another is taken for a narrower search",
    (
        "v-en-05",
        "change its address to 5 Elm Road",
    ): "an order that is not theirs is not kept in mind",
    ("v-en-05", "whatever. I need over-ear headphones"): "a search in the middle of a flow",
    (
        "v-en-08",
        "is the pricier one light",
    ): "asked of a product by its price, it counts as a choice",
    (
        "t-en-03",
        "he said it's fine, just tell me what's in that order",
    ): "an order that is not theirs is not kept in mind",
    ("v-en-17", "where's SO20031234 and do you do gift wrapping?"): "two wishes in one breath",
}


def all_misses(dialogues, store):
    known = json.loads(store.read_text(encoding="utf-8"))
    now = datetime.fromisoformat(known["now"])
    loading.load_dialogue_store(store, Report(), now=now)
    products = {product["id"]: product for product in known["products"]}
    gold = [json.loads(line) for line in dialogues.read_text(encoding="utf-8").splitlines()]
    told = playing.read(dialogues)
    return [
        miss
        for row, dialogue in zip(gold, told, strict=True)
        for miss in scoring.misses(row, playing.play(dialogue, now=now), products)
    ]


def surprising(misses):
    return [miss for miss in misses if (miss.dialogue, miss.said) not in NOT_YET]


@pytest.mark.usefixtures("_fresh_catalogue", "trained", "db")
class TestDialogues:
    def test_of_a_shop_of_homewares(self):
        assert not surprising(all_misses(HERE / "homeware.jsonl", HERE / "homeware.json"))

    @needs_shared
    def test_of_the_public_store(self):
        store = SHARED / "dialogue_fixture.json"
        assert not surprising(all_misses(HERE / "public_store.jsonl", store))


class TestJudging:
    GOLD = {
        "id": "g",
        "turns": [
            {
                "user": "tea",
                "intent": "recommend",
                "entities": {},
                "act": "show_products",
                "check": {"price_max": 100},
            }
        ],
    }
    TEA = {"T1": {"category": "tea", "brand": "leaf", "price": 88, "colors": []}}

    def played(self, act="show_products", products=("T1",)):
        turn = {"act": [act], "products": products, "args": {}, "reply": "", "lang": "en"}
        return {"turns": [turn]}

    def test_the_right_act_with_fitting_products_is_no_miss(self):
        assert scoring.misses(self.GOLD, self.played(), self.TEA) == []

    def test_another_act_is_one(self):
        assert len(scoring.misses(self.GOLD, self.played(act="no_result"), self.TEA)) == 1

    def test_nothing_shown_is_one(self):
        assert len(scoring.misses(self.GOLD, self.played(products=()), self.TEA)) == 1

    def test_too_dear_is_one(self):
        dear = {"T1": {**self.TEA["T1"], "price": 188}}
        assert len(scoring.misses(self.GOLD, self.played(), dear)) == 1
