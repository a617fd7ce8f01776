"""What can be imported in the admin: columns, their names in two languages, and the writer."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.loaders import customers_csv, events_jsonl, online_retail, orders_csv, products_csv
from crm.loading import Columns, Writer


@dataclass(frozen=True, kw_only=True)
class Format:
    name: str
    title: Promise | str
    writer: type[Writer]
    columns: Columns | None = None  # None: a line of JSON a row
    needs_any: tuple[str, ...] = ()  # one of these must be there

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.columns.needed, *self.columns.optional) if self.columns else ()

    def missing(self, chosen: Sequence[str]) -> list[str]:
        """The fields without which no row could be used."""
        needed = self.columns.needed if self.columns else ()
        lacking = [name for name in needed if name not in chosen]
        if self.needs_any and not set(self.needs_any) & set(chosen):
            lacking.append(" / ".join(self.needs_any))
        return lacking


FORMATS = {
    made.name: made
    for made in (
        Format(
            name="customers",
            title=_("Customers"),
            columns=customers_csv.COLUMNS,
            needs_any=("user_id", "email"),
            writer=customers_csv.CustomerWriter,
        ),
        Format(
            name="products",
            title=_("Products"),
            columns=products_csv.COLUMNS,
            writer=products_csv.ProductWriter,
        ),
        Format(
            name="orders",
            title=_("Orders, one line of an order a row"),
            columns=orders_csv.COLUMNS,
            writer=orders_csv.OrderWriter,
        ),
        Format(
            name="online-retail",
            title=_("Orders in the form of UCI Online Retail"),
            columns=online_retail.COLUMNS,
            writer=online_retail.RetailWriter,
        ),
        Format(
            name="events",
            title=_("Events, JSON lines in the form of the tracking API"),
            writer=events_jsonl.EventWriter,
        ),
    )
}

# What staff call a field, and what it is called in the files of others.
LABELS: dict[str, Any] = {
    "user_id": _("user id"),
    "email": _("e-mail"),
    "phone": _("phone"),
    "name": _("name"),
    "language": _("language"),
    "country": _("country"),
    "timezone": _("time zone"),
    "first_seen_at": _("customer since"),
    "sku": _("SKU"),
    "title_en": _("English title"),
    "title_zh": _("Chinese title"),
    "description_en": _("English description"),
    "description_zh": _("Chinese description"),
    "currency": _("currency"),
    "image": _("image"),
    "price": _("price"),
    "stock": _("stock"),
    "is_active": _("for sale"),
    "category": _("category"),
    "brand": _("brand"),
    "colors": _("colours"),
    "sizes": _("sizes"),
    "features": _("features"),
    "order": _("order number"),
    "customer": _("customer (user id)"),
    "placed_at": _("order date"),
    "quantity": _("quantity"),
    "unit_price": _("unit price"),
    "title": _("product title"),
    "status": _("status"),
}
SYNONYMS = {
    "user_id": "id customerid userid memberid uid 客户编号 客户id 用户id 用户编号 会员号 會員編號",
    "email": "mail emailaddress 邮箱 电子邮件 电子邮箱 邮件 邮箱地址 郵箱 電子郵件",
    "phone": "mobile tel telephone phonenumber cell 手机 手机号 手机号码 电话 联系电话 電話 手機",
    "name": "fullname customername 姓名 名字 客户姓名 客户名称 称呼",
    "language": "lang locale 语言 語言",
    "country": "nation 国家 國家 国家地区",
    "timezone": "tz 时区 時區",
    "first_seen_at": "createdat registeredat signupdate since 注册时间 注册日期 创建时间 加入日期",
    "sku": "productid itemno article stockcode 商品编号 商品编码 货号 产品编号",
    "title_en": "title productname product 英文名称 英文标题",
    "title_zh": "商品名称 商品名 产品名称 中文名称 标题 品名",
    "description_en": "description 英文描述",
    "description_zh": "描述 商品描述 中文描述",
    "currency": "币种 货币",
    "image": "imageurl picture 图片",
    "price": "listprice 价格 售价 单价",
    "stock": "inventory qty 库存",
    "is_active": "active 上架 是否上架",
    "category": "类目 分类 类别",
    "brand": "品牌",
    "colors": "color colour colours 颜色",
    "sizes": "size 尺码 尺寸",
    "features": "tags 特点 特性",
    "order": "orderid orderno ordernumber invoice invoiceno 订单号 订单编号 訂單號",
    "customer": "customerid userid 客户编号 客户id 用户id 会员号",
    "placed_at": "orderdate date datetime invoicedate 下单时间 下单日期 订单日期 日期",
    "quantity": "qty count 数量 件数",
    "unit_price": "price amount unitprice 单价 价格 金额",
    "title": "productname description 商品名称 商品名",
    "status": "orderstatus state 状态 订单状态",
    "InvoiceNo": "invoice 订单号",
    "CustomerID": "customer 客户编号",
    "UnitPrice": "price 单价",
    "InvoiceDate": "date 日期",
}
DATES = {"first_seen_at", "placed_at", "InvoiceDate"}
NUMBERS = {"price", "unit_price", "UnitPrice", "quantity", "Quantity", "stock"}
NOT_OF_NUMBERS = re.compile(r"[\s'¥$€£元]|CNY|EUR|USD|GBP")
NUMBER = re.compile(r"[-+]?[0-9.,]+(e[-+]?[0-9]+)?", re.IGNORECASE)
PARTS_OF_DATE = re.compile(r"(\d{1,4})\D+(\d{1,2})\D+(\d{1,4})日?(?:[T\s]*(\d.*))?")


def suggest(form: Format, header: Sequence[str]) -> dict[str, str]:
    """For each column whose name we understand: its place in the file -> our field."""
    chosen: dict[str, str] = {}
    for place, name in enumerate(header):
        field = _meant(form, name)
        if field and field not in chosen.values():
            chosen[str(place)] = field
    return chosen


def trait_of(name: str) -> str:
    """The field that keeps a column as a trait under its own name."""
    return "trait." + unicodedata.normalize("NFKC", name).strip().replace(" ", "_")[:60]


def in_our_form(field: str, cell: str, date_order: str, decimal_comma: bool) -> str:
    """A cell as the loaders read it: dates with the year first, numbers with a point."""
    if field in DATES:
        return _date(cell.strip(), date_order)
    if field in NUMBERS:
        return _number(cell, decimal_comma)
    return cell


def _meant(form: Format, name: str) -> str | None:
    if form.columns and name.startswith(form.columns.prefixes or "\0"):
        return name
    plain = _plain(name)
    for field in form.fields:
        if plain in (_plain(field), *map(_plain, SYNONYMS.get(field, "").split())):
            return field
    return None


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if c.isalnum())


def _date(text: str, order: str) -> str:
    parts = PARTS_OF_DATE.fullmatch(unicodedata.normalize("NFKC", text))
    if not parts:
        return text  # the loader says what is wrong with it
    first, second, third, clock = parts.groups()
    if len(first) == 4 or order == "ymd":
        year, month, day = first, second, third
    else:
        year = third
        month, day = (second, first) if order == "dmy" else (first, second)
    year = f"20{year}" if len(year) == 2 else year
    return f"{year}-{month:0>2}-{day:0>2}" + (f" {_clock(clock)}" if clock else "")


def _clock(text: str) -> str:
    hour, colon, rest = text.strip().partition(":")
    return f"{hour:0>2}:{rest}" if colon else text


def _number(text: str, decimal_comma: bool) -> str:
    plain = NOT_OF_NUMBERS.sub("", unicodedata.normalize("NFKC", text))
    if not NUMBER.fullmatch(plain):
        return text  # the loader says what is wrong with it
    if decimal_comma:
        return plain.replace(".", "").replace(",", ".")
    return plain.replace(",", "")
