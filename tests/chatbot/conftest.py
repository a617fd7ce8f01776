"""A shop of bicycles and lamps, and a way to chat with it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from chatbot import catalogue, conversation, sockets, staffing, training, understanding, visits
from chatbot.models import Answer
from crm.ml.joined import MULTILINGUAL
from crm.models import Order
from tests import factories

SECRET = "the widget's secret"
NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)  # a Wednesday


@pytest.fixture(autouse=True)
def _own_threads(monkeypatch):
    """A test ends when its messages have been dealt with, not when its last frame has come.

    What is still being answered would meet a database that is being emptied. One thread, as the
    test database in memory has one writer at a time.
    """
    threads = ThreadPoolExecutor(max_workers=1)
    monkeypatch.setattr(sockets, "_threads", threads)
    yield
    if threads._threads:
        threads.submit(connections.close_all)
    threads.shutdown(wait=True)


@pytest.fixture
def one_process(settings, shop):
    """Sockets of a shop in one process; test_relay and test_processes are about several."""
    settings.WIDGET_IDENTITY_SECRET = SECRET
    settings.REDIS_URL = ""


@pytest.fixture(scope="session")
def classifier():
    """The shipped examples, fitted once for all tests, as a fresh installation without extras."""
    taught = {
        text: intent
        for text, (intent, only_judges) in training.shipped().items()
        if not only_judges
    }
    return training.fitted(list(taught), list(taught.values()), encoder=MULTILINGUAL)


@pytest.fixture
def _fresh_catalogue():
    catalogue.forget()
    understanding.forget()
    yield
    catalogue.forget()
    understanding.forget()


@pytest.fixture
def trained(classifier, monkeypatch):
    understanding.forget()
    monkeypatch.setattr(understanding.artifacts, "load_serving", lambda _: classifier)


@pytest.fixture
def shop(db, _fresh_catalogue):
    bike = factories.make_category("bike", "自行车", ["单车", "脚踏车", "bicycle"])
    lamp = factories.make_category("lamp", "台灯", ["灯", "desk lamp"])
    giant = factories.make_brand("giant", "捷安特")
    merida = factories.make_brand("merida", "美利达")
    philips = factories.make_brand("philips", "飞利浦")

    def product(sku, en, zh, kind, brand, price, **fields):
        factories.make_product(
            sku, title_en=en, title_zh=zh, category=kind, brand=brand, price=price, **fields
        )

    product(
        "B1",
        "Giant Escape 3",
        "捷安特 Escape 3",
        bike,
        giant,
        2398,
        colors=["black", "blue"],
        features=["lightweight"],
    )
    product(
        "B2",
        "Giant Propel",
        "捷安特 Propel",
        bike,
        giant,
        12800,
        colors=["red"],
        features=["lightweight", "business"],
    )
    product(
        "B3",
        "Merida Duke 600",
        "美利达 公爵600",
        bike,
        merida,
        1998,
        colors=["black", "red"],
        features=["student"],
    )
    product("B4", "Merida Scultura", "美利达 斯特拉", bike, merida, 5998, colors=["white"], stock=0)
    product(
        "L1",
        "Philips Eyecare Lamp",
        "飞利浦 护眼台灯",
        lamp,
        philips,
        299,
        colors=["white"],
        features=["student"],
    )
    Answer.objects.create(
        slug="ship_fee",
        question_en="How much is shipping?",
        question_zh="运费怎么算？",
        answer_en="Free from 99.",
        answer_zh="满99元包邮。",
    )
    Answer.objects.create(
        slug="return_policy",
        question_en="What is your return policy?",
        question_zh="退货政策是什么？",
        answer_en="Seven days.",
        answer_zh="七天。",
    )
    return {"bike": bike, "lamp": lamp}


@pytest.fixture
def ada(shop):
    """A known customer with an order on its way, one in preparation, one delivered, one long ago."""
    from crm.models import Product

    customer = factories.make_customer("Ada", at=NOW)
    for number, sku, status, days in (
        ("AB1000001", "B1", "shipped", 1),
        ("AB1000002", "L1", "processing", 0),
        ("AB1000003", "B3", "delivered", 3),
        ("AB1000004", "L1", "delivered", 40),
    ):
        order = factories.make_order(
            customer, Product.objects.get(sku=sku), at=NOW - timedelta(days=days + 2), status=status
        )
        delivered = NOW - timedelta(days=days) if status == "delivered" else None
        Order.objects.filter(pk=order.pk).update(number=number, delivered_at=delivered)
    return customer


class Chat:
    """Talk, and look at what came back."""

    def __init__(self, customer, *, verified):
        self.row = visits.open_for(
            customer, visitor="", is_verified=verified, language="en", now=NOW
        )
        self.count = 0

    def say(self, text):
        self.count += 1
        message = conversation.hear(self.row.pk, text=text, client_id=f"c{self.count}", now=NOW)
        self.answer = conversation.respond(message.pk, now=NOW)
        message.refresh_from_db()
        self.row.refresh_from_db()
        self.heard = message.payload
        return self.heard["act"][0] if self.heard["act"] else ""

    @property
    def intent(self):
        return self.heard["intent"]["name"]

    @property
    def entities(self):
        return self.heard["entities"]

    @property
    def text(self):
        return self.answer.text if self.answer else ""

    @property
    def args(self):
        return self.answer.payload["args"]

    @property
    def products(self):
        return [p["id"] for p in self.answer.payload["products"]]

    def release(self):
        staffing.release(self.row.pk, now=NOW)


@pytest.fixture
def chat(ada, trained):
    return Chat(ada, verified=True)


@pytest.fixture
def visitor(shop, trained):
    customer = factories.make_customer("", email="", at=NOW)
    return Chat(customer, verified=False)
