"""Numbers as people write them."""

import pytest

from chatbot.ml.numbers import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [("3k", 3000), ("两千", 2000), ("两千五", 2500), ("一万二", 12000), ("1.5万", 15000), ("五百", 500), ("十二", 12),
     ("三千零五十", 3050), ("2,999.50", 2999.5), ("two thousand five hundred", 2500), ("5 thousand", 5000),
     ("3 hundred", 300), ("2 Grand", 2000), ("a lot", None), ("", None)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text, value):
    assert parse(text) == value
