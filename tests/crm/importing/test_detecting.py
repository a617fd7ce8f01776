"""A file is known by its bytes."""

import pytest

from crm.importing import detecting, formats
from crm.importing.formats import FORMATS

CHINESE = "姓名,邮箱,城市\n李雷,li@example.com,上海\n韩梅梅,han@example.com,北京\n"
TAIWAN = "姓名,郵箱,城市\n陳小明,chen@example.com,台北\n林國華,lin@example.com,高雄\n"
GERMAN = "Name;Straße;Größe\nJürgen Müller;Königsallee;groß\nZoë Schäfer;Bahnhofstraße;klein\n"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (CHINESE, "utf-8", "utf-8-sig"),
        (CHINESE, "utf-8-sig", "utf-8-sig"),
        (CHINESE, "utf-16", "utf-16"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (TAIWAN, "big5", "big5"),
        (GERMAN, "cp1252", "cp1252"),
        (GERMAN, "utf-16-le", "utf-16-le"),
        ("a,b\n1,2\n", "ascii", "utf-8-sig"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(text, encoding, named):
    found = detecting.encoding_of(text.encode(encoding))
    assert found.encoding == named
    assert 0.3 <= found.confidence <= 1


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_sample_that_ends_within_a_character_is_read_all_the_same(cut):
    assert detecting.encoding_of(CHINESE.encode()[:-cut]).encoding == "utf-8-sig"
    assert detecting.encoding_of(CHINESE.encode("gb18030")[:-cut]).encoding == "gb18030"


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(detecting.NotText):
        detecting.encoding_of(bytes(range(256)) * 4 + b"\0" * 400)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_parts_every_line_alike(delimiter):
    rows = [["name", "price", "note"], ["a, b", "1,5", "x; y"], ["c", "2,5", "z"]]
    quoted = [[f'"{cell}"' if delimiter in cell else cell for cell in row] for row in rows]
    assert detecting.delimiter_of("\n".join(delimiter.join(row) for row in quoted)) == delimiter


def test_one_column_has_no_delimiter_to_find():
    assert detecting.delimiter_of("email\na@x.org\n") == ","


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (["E-Mail", "Full Name", "Mobile"], ["email", "name", "phone"]),
        (["邮箱", "姓名", "手机号"], ["email", "name", "phone"]),
        (["ｅｍａｉｌ", "客户编号", "国家"], ["email", "user_id", "country"]),
        (["trait.plan", "consent.email.offers", "user_id"], None),
    ],
)
def test_columns_of_customers_are_known_by_their_names(header, fields):
    found = formats.suggest(FORMATS["customers"], header)
    assert list(found.values()) == (fields or header)


def test_columns_of_orders_are_known_in_chinese():
    header = ["订单号", "客户编号", "下单时间", "商品编号", "数量", "金额", "备注"]
    found = formats.suggest(FORMATS["orders"], header)
    assert list(found.values()) == [
        "order",
        "customer",
        "placed_at",
        "sku",
        "quantity",
        "unit_price",
    ]
    assert FORMATS["orders"].missing(list(found.values())) == []


def test_a_field_is_suggested_once():
    assert formats.suggest(FORMATS["customers"], ["email", "mail"]) == {"0": "email"}


@pytest.mark.parametrize(
    ("cell", "order", "ours"),
    [
        ("31.01.2026", "dmy", "2026-01-31"),
        ("1/31/2026 9:05", "mdy", "2026-01-31 09:05"),
        ("2026年1月31日", "ymd", "2026-01-31"),
        ("2026-01-31T10:00:00Z", "dmy", "2026-01-31 10:00:00Z"),
        ("31.1.26", "dmy", "2026-01-31"),
        ("soon", "dmy", "soon"),
    ],
)
def test_dates_are_turned_round(cell, order, ours):
    assert formats.in_our_form("placed_at", cell, order, False) == ours


@pytest.mark.parametrize(
    ("cell", "comma", "ours"),
    [
        ("1.234,50", True, "1234.50"),
        ("¥1,234.50", False, "1234.50"),
        ("１２", False, "12"),
        ("cheap", False, "cheap"),
    ],
)
def test_numbers_get_a_point(cell, comma, ours):
    assert formats.in_our_form("unit_price", cell, "ymd", comma) == ours
