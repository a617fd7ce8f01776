"""What the classifier is shown of a message: names under familiar ones."""

from chatbot.ml.entities import Entity
from chatbot.ml.hearing import clauses_worth_reading, typical

NAMES = {
    "zh": {"product": ["小米12", "华为P60"], "order_id": ["SO1"]},
    "en": {"product": ["iPhone 13", "Galaxy S23"], "order_id": ["SO1"]},
}


def named(text, slot, *words):
    return [Entity(slot, w, text.index(w), text.index(w) + len(w)) for w in words]


def test_products_get_a_name_of_their_language_each_another():
    text = "Zephyr 9 or Nimbus 4?"
    assert typical(text, named(text, "product", "Zephyr 9", "Nimbus 4"), NAMES) == (
        "iPhone 13 or Galaxy S23?"
    )


def test_an_order_number_is_like_any_other():
    text = "查一下SO99990000"
    assert typical(text, named(text, "order_id", "SO99990000"), NAMES) == "查一下SO1"


def test_more_names_than_stand_ins_begin_again():
    text = "A B C"
    assert typical(text, named(text, "product", "A", "B", "C"), NAMES) == (
        "iPhone 13 Galaxy S23 iPhone 13"
    )


def test_other_things_stay_as_they_were_said():
    text = "red shoes"
    assert typical(text, named(text, "color", "red"), NAMES) == text


def test_one_part_is_no_clause_of_its_own():
    assert clauses_worth_reading("just one wish") == []
    assert clauses_worth_reading("算了，你们是正品吗") == ["算了", "你们是正品吗"]
