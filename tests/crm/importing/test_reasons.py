"""Reasons of rejected rows, in the reader's language."""

import pytest
from django.utils.translation import override

from crm.importing import reasons
from crm.loaders import parsing


def refusal(read, row, *more):
    with pytest.raises(parsing.BadValue) as caught:
        read(row, *more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("phone: '+86138' belongs to another customer", "电话：'+86138' 属于另一位客户"),
        (
            "email: 'x: is not an address' is not an address",
            "电子邮箱：'x: is not an address' 不是有效地址",
        ),
        ("3 cells, not 7", "有 3 个单元格，应为 7 个"),
        ("user_id and email are both missing", "用户编号和电子邮箱都缺少"),
        ("something nobody foresaw", "something nobody foresaw"),
    ],
)
def test_a_reason_is_said_in_chinese_where_its_form_is_known(reason, chinese):
    with override("zh-hans"):
        assert reasons.said(reason) == chinese


@pytest.mark.parametrize(
    ("read", "cell"),
    [
        (parsing.number, "ten"),
        (parsing.number, "1e30"),
        (parsing.number, ""),
        (parsing.whole, "1.5"),
        (parsing.price, "-1"),
        (parsing.moment, "yesterday"),
    ],
)
def test_what_parsing_refuses_has_a_form(read, cell):
    reason = refusal(read, {"price": cell}, "price")
    with override("zh-hans"):
        assert "价格" in reasons.said(reason)
    assert "price" in reasons.said(reason)
