"""Who goods are for, and whose name an order is to bear."""

import pytest

from chatbot.ml import people


@pytest.mark.parametrize(
    ("text", "who"),
    [("送女朋友的耳机", "girlfriend"), ("a watch for my dad", "father"), ("给孩子买的平板", "child"),
     ("收件人改成李雷", "李雷"), ("把收货人换成王小明吧", "王小明"), ("收货人姓名写张伟", "张伟"),
     ("change the recipient to Mary Jones", "Mary Jones"), ("the name should be Tom", "Tom"),
     ("put a new name on it: name is ann lee", "ann lee"), ("change the name to my wife", "wife")],
)  # fmt: skip
def test_somebody_is_named(text, who):
    assert people.find(text)[0] == who


@pytest.mark.parametrize("text", ["改一下收件人", "a red lamp", "收货人电话写错了", "便宜点的"])
def test_nobody_is_named(text):
    assert people.find(text) is None
    assert people.new_name(text) == ""


def test_where_the_name_stands():
    text = "收件人改成李雷吧"
    value, start, end = people.find(text)
    assert text[start:end] == value
