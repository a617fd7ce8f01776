"""`load dialogue-store`: a small shop with customers, orders, coupons and questions, as JSON."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from campaigns.models import Coupon
from chatbot import catalogue
from chatbot.models import Answer
from crm import consent, customers, segments
from crm.loading import Loader, Report, UnusableFile, open_text
from crm.models import Brand, Category, Customer, Order, OrderLine, Product, Topic

SOURCE = "dialogue-store"
PARTS = (
    "now",
    "products",
    "category_names",
    "brand_names",
    "customers",
    "orders",
    "coupons",
    "faq",
)
Row = Mapping[str, Any]


def load_dialogue_store(path: Path, report: Report, *, now: datetime) -> None:
    """Fill the shop from a store file, whose own `now` counts. A second run changes nothing."""
    store = read_store(path)
    now = datetime.fromisoformat(store["now"])
    with transaction.atomic():
        for slug, names in store["category_names"].items():
            _keep(Category, report, {"slug": slug}, _names(names, slug))
        for slug, names in store["brand_names"].items():
            _keep(Brand, report, {"slug": slug}, _names(names, slug))
        topic, _ = Topic.objects.get_or_create(
            slug="offers", defaults={"name_en": "Offers", "name_zh": "优惠活动"}
        )
        currency = str(store.get("currency", "CNY"))
        loads: dict[str, Callable[[Row, int], None]] = {
            "products": lambda row, _: _product(row, currency, now, report),
            "customers": lambda row, _: _customer(row, topic, now, report),
            "orders": lambda row, place: _order(row, place, now, report),
            "coupons": lambda row, _: _coupon(row, report),
            "faq": lambda row, _: _answer(row, report),
        }
        for part, load in loads.items():
            for place, row in enumerate(store[part], start=1):
                try:
                    load(row, place)
                except (KeyError, ValueError, TypeError) as error:
                    report.reject(place, f"{part}: {type(error).__name__} {error}", row)
    catalogue.forget()


def read_store(path: Path) -> dict[str, Any]:
    """The store file as it is. Raises UnusableFile, naming what is missing."""
    try:
        with open_text(path) as file:
            store: dict[str, Any] = json.load(file)
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path}: not UTF-8 ({error.reason})") from None
    except json.JSONDecodeError as error:
        raise UnusableFile(f"{path}: line {error.lineno}: not JSON ({error.msg})") from None
    missing = [part for part in PARTS if not isinstance(store, dict) or part not in store]
    if missing:
        raise UnusableFile(f"{path}: {', '.join(missing)} is missing")
    return store


def _keep(model: Any, report: Report, key: Row, fields: Row) -> Any:
    """Create or update one row and count it honestly."""
    row = model.objects.filter(**key).first()
    if row is None:
        report.created += 1
        return model.objects.create(**key, **fields)
    changed = {name: value for name, value in fields.items() if getattr(row, name) != value}
    if not changed:
        report.unchanged += 1
        return row
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    report.updated += 1
    return row


def _names(names: list[str], slug: str) -> dict[str, Any]:
    chinese = next(
        (n for n in names if re.search(r"[\u3400-\u9fff]", n)), names[0] if names else slug
    )
    english = next((n for n in names if n.isascii()), slug)
    return {"name_zh": chinese, "name_en": english, "aliases": list(names)}


def _product(row: Row, currency: str, now: datetime, report: Report) -> None:
    category = Category.objects.filter(slug=row["category"]).first()
    brand = Brand.objects.filter(slug=row["brand"]).first()
    category = category or _keep(
        Category, report, {"slug": row["category"]}, _names([], row["category"])
    )
    brand = brand or _keep(Brand, report, {"slug": row["brand"]}, _names([], row["brand"]))
    fields = {
        "title_zh": row["name"]["zh"],
        "title_en": row["name"]["en"],
        "category": category,
        "brand": brand,
        "price": row["price"],
        "currency": currency,
        "stock": row.get("stock"),
        "colors": row.get("colors", []),
        "sizes": [str(size) for size in row.get("sizes", [])],
        "features": row.get("features", []),
        "created_at": now - timedelta(days=100),
    }
    _keep(Product, report, {"sku": row["id"]}, fields)


def _customer(row: Row, topic: Topic, now: datetime, report: Report) -> None:
    kind = "anonymous_id" if row.get("anonymous") else "user_id"
    known = customers.find(kind, row["id"])
    language = Customer.Language.CHINESE if row.get("lang") == "zh" else Customer.Language.ENGLISH
    customer = known or customers.resolve(
        {kind: row["id"]},
        source=SOURCE,
        at=now,
        defaults={"language": language, "timezone": "Asia/Shanghai"},
    )
    if known:
        report.unchanged += 1
    else:
        report.created += 1
        customer.name = row.get("name") or ""
        customer.traits = {"vip": bool(row.get("vip")), "interests": row.get("interests", [])}
        customer.save(update_fields=["name", "traits"])
        segments.touch([customer.pk], "*")
    for channel in row.get("channels", []):
        consent.change(
            customer,
            channel=channel,
            topic=topic,
            is_granted=True,
            source=SOURCE,
            evidence={"store": row["id"]},
            at=now,
        ) if not known else None


def _order(row: Row, place: int, now: datetime, report: Report) -> None:
    customer = customers.find("user_id", row["customer"])
    if customer is None:
        raise ValueError(f"customer {row['customer']} is not in the store")
    products = {p.sku: p for p in Product.objects.filter(sku__in=row["items"])}
    delivered = _moment(row.get("delivered"), now)
    fields = {
        "customer": customer,
        "status": Order.Status(row["status"]),
        "total": sum(products[sku].price for sku in row["items"]),
        "placed_at": (delivered or now - timedelta(hours=place)) - timedelta(days=3),
        "delivered_at": delivered,
        "eta": datetime.fromisoformat(row["eta"]).date() if row.get("eta") else None,
        "carrier": row.get("carrier", ""),
        "source": SOURCE,
    }
    order = _keep(Order, report, {"number": row["id"]}, fields)
    for position, sku in enumerate(row["items"]):
        OrderLine.objects.get_or_create(
            order=order,
            key=str(position),
            defaults={"product": products[sku], "quantity": 1, "unit_price": products[sku].price},
        )


def _moment(day: str | None, now: datetime) -> datetime | None:
    if not day:
        return None
    return datetime.combine(datetime.fromisoformat(day).date(), time(10), tzinfo=now.tzinfo)


def _coupon(row: Row, report: Report) -> None:
    category = (
        Category.objects.filter(slug=row["category"]).first() if row.get("category") else None
    )
    fields = {
        "customer": customers.find("user_id", row["customer"]) if row.get("customer") else None,
        "category": category,
        "text_zh": row["text"]["zh"],
        "text_en": row["text"]["en"],
        "valid_to": datetime.fromisoformat(row["valid_to"]).date(),
    }
    _keep(Coupon, report, {"code": row["code"]}, fields)


def _answer(row: Row, report: Report) -> None:
    fields = {"question_zh": row["zh"], "question_en": row["en"]}
    for language in ("zh", "en"):
        if row.get(f"answer_{language}"):
            fields[f"answer_{language}"] = row[f"answer_{language}"]
    _keep(Answer, report, {"slug": row["id"]}, fields)


LOADERS: dict[str, Loader] = {"dialogue-store": load_dialogue_store}
