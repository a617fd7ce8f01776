"""Products from a CSV: `sku`, `title_en` and `price` needed. Lists are split by `|`."""

from datetime import datetime
from pathlib import Path

from django.db import transaction

from crm.loaders import parsing
from crm.loading import Columns, Numbered, Report, Writer, load_csv
from crm.models import Brand, Category, Product
from crm.segments import touches

TEXTS = ("title_en", "title_zh", "description_en", "description_zh", "currency", "image")
LISTS = ("colors", "sizes", "features")
COLUMNS = Columns(
    needed=("sku", "title_en", "price"),
    optional=(*TEXTS[1:], *LISTS, "category", "brand", "stock", "is_active"),
)


def load(path: Path, report: Report, *, now: datetime) -> None:
    load_csv(path, report, COLUMNS, ProductWriter(now=now, file=path.name))


class ProductWriter(Writer):
    size = 500

    def write(self, rows: list[Numbered], report: Report) -> None:
        with transaction.atomic():
            for line, row in rows:
                try:
                    with transaction.atomic():
                        _load_row(row, report, now=self.now)
                except parsing.BadValue as bad:
                    report.reject(line, str(bad), row)


def _load_row(row: dict[str, str], report: Report, *, now: datetime) -> None:
    sku = parsing.text(row, "sku", needed=True, longest=64)
    values = _values(row)
    product, is_new = Product.objects.get_or_create(sku=sku, defaults={**values, "created_at": now})
    changed = [name for name, value in values.items() if getattr(product, name) != value]
    if is_new:
        report.created += 1
    elif changed:
        for name in changed:
            setattr(product, name, values[name])
        product.save(update_fields=changed)
        if {"category", "brand"} & set(changed):
            touches.touch_buyers([product.pk])
        report.updated += 1
    else:
        report.unchanged += 1


def _values(row: dict[str, str]) -> dict[str, object]:
    parsing.text(row, "title_en", needed=True)
    longest = {c: getattr(Product._meta.get_field(c), "max_length", None) for c in TEXTS}
    values: dict[str, object] = {
        c: parsing.text(row, c, longest=longest[c]) for c in TEXTS if parsing.text(row, c)
    }
    values["price"] = parsing.price(row, "price")
    values |= {column: parsing.words(row, column) for column in LISTS if row.get(column)}
    if row.get("stock"):
        values["stock"] = parsing.whole(row, "stock")
        if values["stock"] < 0:  # type: ignore[operator]
            raise parsing.BadValue(f"stock: {values['stock']} is negative")
    if row.get("is_active"):
        values["is_active"] = row["is_active"].strip().lower() in ("1", "true", "yes")
    if slug := parsing.text(row, "category"):
        values["category"] = named(Category, slug)
    if slug := parsing.text(row, "brand"):
        values["brand"] = named(Brand, slug)
    return values


def named(kind: type[Category] | type[Brand], slug: str) -> Category | Brand:
    made, _ = kind.objects.get_or_create(
        slug=slug.lower().replace(" ", "-")[:64], defaults={"name_en": slug, "name_zh": slug}
    )
    return made
