"""Serving: 10,000 products, 50,000 customers; beside numpy's own matrix and vector in the same run.

    python bench/serving.py [--no-database] [--splits NAME…]

Milliseconds of CPU, p50 and p95. The floor is one product of a (products, 64) matrix and a vector in
float32. A scorer is from a customer's row to the scores of all products, every voice by itself and
blends of them; a person who was never seen is scored from bare ids. Reasons are measured on the
public splits: how many products leave the list of ten with their evidence, beside as many other
choices taken at random. The whole list, with its queries, is read from an empty database.
"""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy import sparse

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.peers import splits  # noqa: E402
from recommendations.ml.because import because  # noqa: E402
from recommendations.ml.compiled.blend import CompiledBlend  # noqa: E402
from recommendations.ml.hybrid import SHORT, Hybrid  # noqa: E402
from recommendations.ml.interactions import Interactions  # noqa: E402
from recommendations.ml.ranking import best  # noqa: E402
from recommendations.ml.shop import ShopRecommender  # noqa: E402

PRODUCTS, CUSTOMERS, KINDS = 10_000, 50_000, 50
GROUPS = len(SHORT) + 1  # of histories, each with weights of its own
ASKED = 400  # requests of each kind
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARTS = (
    ("popularity", {"half_life": 30.0}),
    ("ease", {"fading": 0.8}),
    ("als", {}),
    ("truncated-svd", {}),
    ("item-knn", {}),
    ("sequential", {}),
    ("user-knn", {}),
    ("session-knn", {}),
    ("content", {}),
)
BLENDS = {
    "popularity + als + truncated-svd": (0, 2, 3),
    "popularity + ease + als": (0, 1, 2),
    "popularity + ease + als + sequential": (0, 1, 2, 5),
    "all nine": tuple(range(9)),
}


def timed(work, times=ASKED):
    spent = []
    for number in range(times):
        started = time.thread_time()
        work(number)
        spent.append(1000 * (time.thread_time() - started))
    p50, p95 = np.percentile(spent, [50, 95])
    return {"p50": round(float(p50), 4), "p95": round(float(p95), 4)}


def world(rng):
    """Customers of a kind, who choose by popularity within it four times of five."""
    each = PRODUCTS // KINDS
    popular = np.arange(1, each + 1) ** -0.8
    counts = np.minimum(1 + rng.geometric(0.1, CUSTOMERS), 80)
    customers = np.repeat(np.arange(CUSTOMERS), counts)
    own = rng.integers(0, KINDS, CUSTOMERS)[customers]
    kinds = np.where(rng.random(len(own)) < 0.8, own, rng.integers(0, KINDS, len(own)))
    chosen = rng.choice(each, len(own), p=popular / popular.sum()) * KINDS + kinds
    words = sparse.random(PRODUCTS, 20_000, density=30 / 20_000, format="csr", random_state=0)
    days = NOW.timestamp() / 86_400 - rng.random(len(own)) * 300
    shape = (CUSTOMERS, PRODUCTS)
    return Interactions.from_rows(
        (customers, chosen), np.ones(len(own)), days, shape=shape, features=words, explicit=False
    )


def only(blend, numbers):
    """The same voices, these alone heard, all alike."""
    weights = np.zeros(len(PARTS))
    weights[list(numbers)] = 1.0 / len(numbers)
    blend.weights_ = np.tile(weights, (GROUPS, 1))
    return weights


def fitted(data):
    blend = Hybrid(parts=PARTS)
    blend.weights_ = np.full((GROUPS, len(PARTS)), 1.0 / len(PARTS))
    blend.heard_ = np.arange(len(PARTS))
    return blend.refit(data)


def scorers(blend, data, rng):
    who = rng.choice(CUSTOMERS, ASKED)
    rows = [data.take([one]) for one in who]
    matrix, vector = rng.random((PRODUCTS, 64), dtype="f4"), rng.random(64, dtype="f4")
    figures = {"floor, one matrix and vector": timed(lambda _: matrix @ vector)}
    compiled = CompiledBlend(blend, products=PRODUCTS)
    singles = {f"only {name}": (number,) for number, (name, _) in enumerate(PARTS)}
    for name, numbers in {**singles, **BLENDS}.items():
        weights = only(blend, numbers)

        def score(number, weights=weights):
            compiled.score(compiled.listen(rows[number]), weights)

        figures[name] = timed(score)
        if len(numbers) > 1:
            figures[f"{name}: the estimators themselves"] = timed(
                lambda number: blend.score(rows[number]), 40
            )
    return figures


def newcomer(shop, rng):
    """A person who was never seen, from ids, weights and days to scores."""
    weights = only(shop.blend_, BLENDS["popularity + ease + als"])
    chosen = [rng.choice(PRODUCTS, 8, replace=False) for _ in range(ASKED)]
    today = NOW.timestamp() / 86_400

    def fold(number):
        days = today - np.arange(8.0)
        row = shop.row(chosen[number], np.ones(8), days, today=today)
        shop.compiled.score(shop.compiled.listen(row), weights)

    return timed(fold)


def shop_of(blend, data, products):
    shop = ShopRecommender()
    shop.products_, shop.blend_ = products, blend
    return shop._look_alikes(data)


def in_database(blend, data, rng):
    """The whole list through the one door, from an artifact that is mapped."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    settings.DEBUG = False  # a page of production keeps no list of its queries
    call_command("migrate", verbosity=0)
    from crm import artifacts
    from crm.models import Customer
    from recommendations import serving

    products, customers = stock(data, rng)
    only(blend, BLENDS["popularity + ease + als"])
    shop = shop_of(blend, data, np.array([product.pk for product in products], dtype=np.int64))
    provenance = artifacts.Provenance(metrics={})
    artifact = artifacts.save(shop, provenance, as_of=NOW, now=NOW)
    artifacts.promote(artifact, now=NOW)
    everybody = list(Customer.objects.filter(pk__in=customers))
    started = time.thread_time()
    serving.recommend(everybody[0], n=10, now=NOW, placement="home")
    first = time.thread_time() - started

    def ask(number, **asked):
        serving.recommend(everybody[number % len(everybody)], n=10, now=NOW, **asked)

    stranger = Customer(first_seen_at=NOW, last_seen_at=NOW)
    return {
        f"ten products, {connection.vendor}": timed(lambda n: ask(n, placement="home")),
        "ten products of a stranger": timed(lambda _: serving.recommend(stranger, n=10, now=NOW)),
        "queries of a list": queries(connection, lambda: ask(0, placement="home")),
        "the first after a start, s": round(first, 3),
        "artifact, MB": round(artifact.file.size / 1e6),
    }


def queries(connection, work):
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def stock(data, rng):
    """A shelf, 50,000 customers, and the orders and views of those who ask."""
    from crm.models import Customer

    products = shelf(rng)
    customers = Customer.objects.bulk_create(
        (Customer(name=f"C{n}", first_seen_at=NOW, last_seen_at=NOW) for n in range(CUSTOMERS)),
        batch_size=5_000,
    )
    asking = rng.choice(CUSTOMERS, ASKED, replace=False)
    for one in asking:
        columns = data.take([one]).values.indices
        half = len(columns) // 2 + 1
        order(customers[one], [products[column] for column in columns[:half]])
        look(customers[one], [products[column] for column in columns[half:]])
    return products, [customers[one].pk for one in asking]


def shelf(rng):
    """Products of fifty kinds; one of twenty is sold out."""
    from crm.models import Brand, Category, Product

    kinds = Category.objects.bulk_create(
        Category(slug=f"kind{n}", name_en=f"Kind {n}", name_zh=f"第{n}类") for n in range(KINDS)
    )
    brands = Brand.objects.bulk_create(
        Brand(slug=f"brand{n}", name_en=f"Brand {n}", name_zh=f"品牌{n}") for n in range(100)
    )
    return Product.objects.bulk_create(
        Product(
            sku=f"P{n}",
            title_en=f"Product {n}",
            title_zh=f"商品{n}",
            description_en="As good as it looks. " * 10,
            category=kinds[n % KINDS],
            brand=brands[n % 100],
            price=int(rng.integers(10, 5000)),
            stock=int(rng.random() > 0.05) * 10,
        )
        for n in range(PRODUCTS)
    )


def order(customer, products, *, number="", at=NOW - timedelta(days=9)):
    from crm.models import Order, OrderLine

    made = Order.objects.create(
        number=number or f"N{customer.pk}", customer=customer, total=1, placed_at=at
    )
    OrderLine.objects.bulk_create(
        OrderLine(order=made, product=one, quantity=1, unit_price=1, key=one.sku)
        for one in products
    )


def look(customer, products):
    from crm.models import Event

    Event.objects.bulk_create(
        Event(
            customer=customer,
            kind="crm.product_viewed",
            source="bench",
            message_id=f"{customer.pk}-{one.sku}",
            data={"sku": one.sku},
            happened_at=NOW - timedelta(days=1),
            received_at=NOW,
            dispatched_at=NOW,
        )
        for one in products
    )


def reasons(split):
    """Shares of products that leave a list of ten without their evidence; scored by the estimators."""
    data = splits.load(split).data
    blend = Hybrid(by_chance=split.endswith("random")).fit(data)
    compiled = CompiledBlend(blend, products=data.shape[1])
    rng = np.random.default_rng(0)
    left, chance, spent, named, three = [], [], [], [], []
    for customer in rng.choice(data.shape[0], min(150, data.shape[0]), replace=False):
        row = data.take([customer])
        said, weights = compiled.listen(row), blend.weights_of(row)[0]
        seen = row.values.indices
        ranked = best(compiled.score(said, weights).astype(float), n=30, exclude=seen)
        started = time.thread_time()
        why = because(said, weights, ranked[:10], ranked[10:])
        spent.append(1000 * (time.thread_time() - started) / 10)
        for column, one in zip(ranked[:10], why, strict=True):
            three.append(bool(one.choices) + len(one.supporting))
            if not one.choices:
                continue
            named.append(len(one.choices))
            left.append(gone(blend, row, column, one.choices))
            others = np.setdiff1d(np.arange(len(seen)), one.choices)
            if len(others) >= len(one.choices):
                chosen = rng.choice(others, len(one.choices), replace=False)
                chance.append(gone(blend, row, column, chosen))
    return {
        "leave without the evidence": round(float(np.mean(left)), 3),
        "leave without as many others": round(float(np.mean(chance)), 3),
        "choices named, median": float(np.median(named)),
        "voices of a product, mean": round(float(np.mean(three)), 2),
        "ms each": {"p50": round(float(np.median(spent)), 4)},
    }


def gone(blend, row, column, choices):
    kept = np.ones(row.values.nnz, dtype=bool)
    kept[list(choices)] = False
    rest = row.keep(kept)
    rest = Interactions(rest.values, rest.days, row.today, row.features, row.explicit)
    return column not in best(blend.score(rest)[0], n=10, exclude=row.values.indices)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-database", action="store_true")
    parser.add_argument("--splits", nargs="*", default=["movielens_temporal", "retail_new"])
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    data = world(rng)
    started = time.process_time()
    blend = fitted(data)
    print(f"{data.values.nnz} interactions, fitted in {time.process_time() - started:.0f} CPU s")
    figures = {"scorer, ms": scorers(blend, data, rng)}
    show(figures)
    shop = shop_of(blend, data, np.arange(PRODUCTS))
    figures["a person never seen, ms"] = newcomer(shop, rng)
    if not options.no_database:
        figures["list, ms"] = in_database(blend, data, rng)
    show(figures)
    for split in options.splits if splits.SPLITS.exists() else ():
        figures.setdefault("reasons", {})[split] = reasons(split)
    show(figures)
    print(json.dumps(figures))


def show(figures):
    sys.stderr.write(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
