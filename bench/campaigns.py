"""Messages a second through the door, beside a bare loop that only renders and sends.

    python bench/campaigns.py [--recipients N]

Both speak SMTP to a sink in another process, in one run, on the database of DATABASE_URL
(default: SQLite in a temporary folder; on PostgreSQL a scratch database is made and dropped).
The door adds the claim, consent, suppression, cap, the marks before and after every message,
and the facts on the timeline. CPU milliseconds are those of this process.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


async def converse(reader, writer):
    """The least that smtplib is content with."""
    answer = writer.write
    answer(b"220 sink\r\n")
    while line := await reader.readline():
        word = line[:4].upper()
        if word == b"DATA":
            answer(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        elif word == b"QUIT":
            break
        answer(b"250 OK\r\n")
    writer.close()


def sink(port):
    async def serve():
        server = await asyncio.start_server(converse, "127.0.0.1", 0, limit=2**22)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(serve())


def start_sink():
    port = multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=sink, args=(port,), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.01)
    return process, port.value


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    number = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "messages": number,
        "per_second": round(number / wall),
        "cpu_ms_each": round(cpu / number * 1000, 3),
    }


def prepare(recipients):
    from django.core.management import call_command

    from tests.campaigns.world import make_campaign, make_members, make_template

    call_command("migrate", verbosity=0)
    body = (
        "<h1>Hello {{ customer.first_name }}</h1>"
        + '<p><a href="https://shop.example/{{ customer.name }}">{{ shop.name }}</a></p>' * 3
    )
    body = body.replace("/{{ customer.name }}", "/sale")
    campaign = make_campaign(template=make_template(body_en=body), holdout_share=0, cap_messages=3)
    make_members(campaign, recipients)
    return campaign


def through_the_door(campaign):
    from django.utils import timezone

    from campaigns import sending
    from campaigns.models import Campaign

    campaign = Campaign.objects.select_related("topic", "segment").get(pk=campaign.pk)
    total = 0
    while sent := sending.send_batch(campaign, owner="bench", now=timezone.now()).outcomes["sent"]:
        total += sent
    return total


def bare(campaign):
    from django.core.mail import EmailMultiAlternatives, get_connection
    from django.utils import timezone

    from campaigns import rendering

    renderer, total = rendering.Renderer(campaign, now=timezone.now()), 0
    with get_connection() as connection:
        for delivery in campaign.deliveries.select_related("customer", "variant__template"):
            message = renderer.render(delivery)
            mail = EmailMultiAlternatives(
                message.subject, message.text, to=[delivery.address], headers=message.headers
            )
            mail.attach_alternative(message.html, "text/html")
            total += connection.send_messages([mail])
    return total


def measure(recipients):
    from django.utils import timezone

    from campaigns import audiences, lifecycle

    campaign = prepare(recipients)
    lifecycle.start(campaign, now=timezone.now())
    audience = timed(lambda: audiences.materialise(campaign.pk, now=timezone.now()))
    campaign.refresh_from_db()
    loop = timed(lambda: bare(campaign))
    door = timed(lambda: through_the_door(campaign))
    return {
        "materialise": audience,
        "bare render and send": loop,
        "through the door": door,
        "door to bare": round(door["per_second"] / loop["per_second"], 3),
    }


def scratch(url):
    """A database of this run's own; returns its address and how to drop it."""
    if "postgres" not in url:
        return "", lambda: None
    import psycopg2

    name, server = f"rapport_bench_{os.getpid()}", url.rsplit("/", 1)[0]
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}", lambda: connection.cursor().execute(
        f"DROP DATABASE {name} WITH (FORCE)"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipients", type=int, default=2000)
    arguments = parser.parse_args()
    process, port = start_sink()
    url, drop = scratch(os.environ.get("DATABASE_URL", ""))
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "VAR_DIR": folder,
            "DATABASE_URL": url,
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
            "CELERY_BROKER_URL": "memory://",
        }
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "marketing.settings",
            "DEBUG": "0",
            "LOG_LEVEL": "WARNING",
        }
        import django

        django.setup()
        try:
            figures = measure(arguments.recipients)
        finally:
            django.db.connections.close_all()
            drop()
            process.terminate()
    for name, figure in figures.items():
        print(f"{name:24} {figure}", file=sys.stderr)
    print(json.dumps({"campaigns": figures}))


if __name__ == "__main__":
    main()
