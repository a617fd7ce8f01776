"""The words of the shop follow the catalogue, edits included."""

from datetime import timedelta

import pytest

from chatbot import catalogue
from chatbot.ml.entities import Scene
from tests.factories import NOON, make_category, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _read_anew():
    catalogue.forget()
    yield
    catalogue.forget()


def texts(*, after_seconds=0):
    now = NOON + timedelta(seconds=after_seconds)
    return {phrase.text for phrase in catalogue.lexicon(now=now).phrases}


def test_an_alias_that_staff_add_is_understood_within_half_a_minute():
    category = make_category("kettle", "水壶")
    assert "hot pot" not in texts()
    category.aliases = ["hot pot"]
    category.save()
    assert "hot pot" in texts(after_seconds=31)


def test_a_new_title_and_price_are_read():
    product = make_product("K1", title_en="Kestrel Kettle", price=100)
    assert "Kestrel Kettle" in texts()
    product.title_en, product.price = "Kingfisher Kettle", 90
    product.save()
    assert "Kingfisher Kettle" in texts(after_seconds=31)
    assert catalogue.lexicon(now=NOON + timedelta(seconds=31)).items["K1"].price == 90


def test_an_unchanged_catalogue_is_not_built_again():
    make_product("K1")
    first = catalogue.lexicon(now=NOON)
    assert catalogue.lexicon(now=NOON + timedelta(seconds=31)) is first


def test_a_part_of_a_title_names_a_product_only_where_it_tells_it_from_others():
    kettle = make_category("kettle", "水壶")
    make_product("K1", title_en="Kestrel Kettle", title_zh="红隼 水壶", category=kettle)
    make_product("K2", title_en="Falcon Kettle", title_zh="猎鹰 水壶", category=kettle)
    make_product("K3", title_en="Falcon X200", title_zh="猎鹰 大水壶", category=kettle)
    names = {(p.text, p.value) for p in catalogue.build().phrases if p.slot == "product"}
    assert {("Kestrel", "K1"), ("红隼", "K1"), ("X200", "K3")} <= names
    assert not {text for text, _ in names} & {"Kettle", "水壶", "Falcon", "猎鹰", "大水壶"}


def test_what_the_catalogue_learns_is_read_in_messages_too():
    def named(after_seconds):
        lexicon = catalogue.lexicon(now=NOON + timedelta(seconds=after_seconds))
        told = lexicon.reader.read("有炖锅吗", Scene(today=NOON.date()))
        return [e.value for e in told.entities if e.slot == "category"]

    category = make_category("kettle", "水壶")
    assert named(0) == []
    category.aliases = ["炖锅"]
    category.save()
    assert named(31) == ["kettle"]
