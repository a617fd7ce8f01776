"""The words of the shop follow the catalogue, edits included."""

from datetime import timedelta

import pytest

from chatbot import catalogue
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
