"""Decisions over REST, one at a time at 100 a second: a server as in production, beside its floors.

    DATABASE_URL=… REDIS_URL=… python -m bench.deciding_rest [--rate 100] [--seconds 20]

The placement is that of bench/deciding.py: six actions with segment, consent, cap, repeat and
stock; a LinUCB decides. Each request is another customer; milliseconds are from the moment when it
was due. The floors are those of bench/rest.py. On PostgreSQL a scratch database is made and dropped.
"""

import argparse
import asyncio
import json
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bench.deciding import taught, town
from bench.rest import Client, cpu_seconds, key, load, server, told
from bench.scratch import scratch_shop

PEOPLE = 3_000


class Asker(Client):
    """One kept connection that asks for a customer's next best action."""

    good = 201

    def asked(self, path):
        body = json.dumps({"customer": path, "placement": "home"})
        head = self.head.removesuffix("\r\n")
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return f"POST /api/v1/decisions/ HTTP/1.1\r\n{head}{body}".encode()


def measure(options):
    import numpy as np
    from django.core.management import call_command
    from django.db import connection

    from crm.models import Customer, Scope

    call_command("migrate", verbosity=0)
    place, ids = town(PEOPLE)
    taught(place)
    text, rng = key(Scope.CAMPAIGNS_WRITE), np.random.default_rng(0)
    rows = Customer.objects.filter(pk__among=ids).order_by("pk")
    asked = {
        "floor": (["/healthz"], Client),
        "REST floor": (["/bench/bare"], Client),
        "decided": ([str(one) for one in rows.values_list("public_id", flat=True)], Asker),
    }
    figures = {"database": connection.vendor, "rate": options.rate}
    with server(options.port) as pid:
        for seconds in (3, options.seconds):  # first to warm up
            for name, (paths, client_of) in asked.items():
                before, how = cpu_seconds(pid), {"rate": options.rate, "seconds": seconds}
                spent = asyncio.run(
                    load(options.port, text, paths, rng=rng, client_of=client_of, **how)
                )
                cpu = 1_000 * (cpu_seconds(pid) - before) / len(spent)
                figures[f"{name}, ms"] = {**told(spent), "server CPU": round(cpu, 2)}
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--port", type=int, default=8972)
    options = parser.parse_args()
    with scratch_shop():
        figures = measure(options)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
