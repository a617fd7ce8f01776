"""The list over REST at 50 requests a second: a server as in production, beside its bare answer.

    DATABASE_URL=… REDIS_URL=… python -m bench.rest [--rate 50] [--seconds 20] [--again]

An empty database is filled with 10,000 products and 50,000 customers (--again: it was, with the
same VAR_DIR). Requests come by chance, at moments that do not wait for answers; milliseconds are
from the moment when a request was due. There are two floors, of the same server in the same run:
/healthz, all middleware and no work, and a JSON answer of a bare REST view, with no key and no
query. Then a purchase is written, and the very next list is without it.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import serving  # noqa: E402
from bench.chats.servers import production, wait_for  # noqa: E402
from recommendations.ml.hybrid import Hybrid  # noqa: E402

LIST = "/api/v1/recommendations/?customer={}&placement=home&k=10&record={}"
CONNECTIONS = 8
PLACES = ("p50", "p95", "p99")


def filled():
    """A shop with a champion of three voices: popularity, EASE and ALS."""
    from django.core.management import call_command

    from crm import artifacts

    call_command("migrate", verbosity=0)
    rng = np.random.default_rng(0)
    data = serving.world(rng)
    blend = Hybrid(parts=serving.PARTS[:3])
    blend.weights_, blend.heard_ = np.full((serving.GROUPS, 3), 1 / 3), np.arange(3)
    products, _ = serving.stock(data, rng)
    columns = np.array([product.pk for product in products], dtype=np.int64)
    shop = serving.shop_of(blend.refit(data), data, columns)
    now = serving.NOW
    saved = artifacts.save(shop, artifacts.Provenance(metrics={}), as_of=now, now=now)
    artifacts.promote(saved, now=now)


def key(*scopes):
    """Of a partner who may see everybody and ask as often as they like."""
    from crm.models import Partner, PartnerKey, Scope

    partner, _ = Partner.objects.get_or_create(
        name="bench", defaults={"sees_everybody": True, "requests_per_second": 1_000_000}
    )
    made = PartnerKey(partner=partner, name="bench", created_at=datetime.now(UTC))
    made.scopes = scopes or [Scope.RECOMMENDATIONS_READ]
    text = made.cut()
    made.save()
    return text


def asking():
    from crm.models import Customer

    found = Customer.objects.filter(orders__isnull=False).distinct().order_by("pk")
    return list(found[: serving.ASKED])


class Client:
    """One kept connection that GETs."""

    good = 200

    def __init__(self, port, text):
        self.port, self.pipe = port, None
        self.head = (
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {text}\r\n"
            "X-Forwarded-Proto: https\r\n\r\n"
        )

    async def get(self, path):
        if self.pipe is None or self.pipe[0].at_eof():  # the server closes what is idle
            self.pipe = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.pipe
        writer.write(self.asked(path))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        body = await reader.readexactly(length)
        assert f" {self.good} " in head.split("\r\n")[0], body[:500]
        return body

    def asked(self, path):
        return f"GET {path} HTTP/1.1\r\n{self.head}".encode()


async def load(port, text, paths, *, rate, seconds, rng, client_of=Client):  # noqa: PLR0913
    """Milliseconds of every request, from when it was due."""
    free = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        free.put_nowait(client_of(port, text))
    started, spent = time.perf_counter() + 0.1, []

    async def one(due, path):
        await asyncio.sleep(due - time.perf_counter())
        client = await free.get()
        await client.get(path)
        free.put_nowait(client)
        spent.append(1_000 * (time.perf_counter() - due))

    dues = started + np.cumsum(rng.exponential(1 / rate, int(rate * seconds)))
    await asyncio.gather(*(one(due, paths[n % len(paths)]) for n, due in enumerate(dues)))
    return spent


def cpu_seconds(pid):
    """Of a process until now, in its own code and in the kernel."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def told(spent):
    percentiles = np.percentile(spent, [int(name[1:]) for name in PLACES])
    return {name: round(float(p), 2) for name, p in zip(PLACES, percentiles, strict=True)}


@contextmanager
def server(port):
    """Started as the Procfile does it, with one view more."""
    command = [sys.executable, "-m", "uvicorn", "bench.floor:application", "--no-access-log"]
    env = production() | dict(os.environ)
    told = ["--port", str(port), "--log-level", "warning"]
    running = subprocess.Popen([*command, *told], cwd=ROOT, env=env)
    try:
        wait_for(port)
        yield running.pid
    finally:
        running.terminate()
        running.wait(30)


def is_fresh(port, text, customer):
    """Whether what was bought this moment is gone from the very next list."""
    from crm.models import Product

    path = LIST.format(customer.public_id, "false")

    def skus():
        body = json.loads(asyncio.run(Client(port, text).get(path)))
        return [line["product"]["sku"] for line in body["results"]]

    before = skus()
    number = f"{customer.pk}-{time.time_ns()}"
    now = datetime.now(UTC) - timedelta(seconds=1)
    serving.order(customer, [Product.objects.get(sku=before[0])], number=number, at=now)
    return before[0] not in skus()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--port", type=int, default=8971)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")
    import django

    django.setup()
    from django.db import connection

    if not options.again:
        filled()
    text, everybody, rng = key(), asking(), np.random.default_rng(0)
    asked = {"floor": ["/healthz"], "REST floor": ["/bench/bare"]}
    for name, record in (("looked at", "false"), ("written down", "true")):
        asked[name] = [LIST.format(one.public_id, record) for one in everybody]
    figures = {"database": connection.vendor}
    with server(options.port) as pid:
        for seconds in (3, options.seconds):  # first to warm up
            for name, paths in asked.items():
                before = cpu_seconds(pid)
                spent = asyncio.run(
                    load(options.port, text, paths, rate=options.rate, seconds=seconds, rng=rng)
                )
                cpu = 1_000 * (cpu_seconds(pid) - before) / len(spent)
                figures[f"{name}, ms"] = {**told(spent), "server CPU": round(cpu, 2)}
        figures["a purchase shows in the next list"] = is_fresh(options.port, text, everybody[0])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
