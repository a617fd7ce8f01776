"""Campaigns at size: an audience counted and frozen, and messages a second through the door.

    python -m bench.campaigns [--recipients N] [--audience N] [--peer N]

Every sender speaks to one SMTP sink in another process, in one run, on the database of
DATABASE_URL (default: SQLite in a temporary folder; on PostgreSQL a scratch database is made and
dropped). The door adds to a bare loop of render and send: the claim with consent, suppression and
cap, the journal, the status, and the facts on the timeline. Peers: the same mails by Django's
EmailMultiAlternatives, and by smtplib with the library's EmailMessage. CPU is of this process.
"""

import argparse
import json
import smtplib
import sys
import threading
import time
from email.message import EmailMessage
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.scratch import scratch_shop  # noqa: E402
from bench.sink import sink  # noqa: E402


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    number = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "messages": number,
        "per_second": round(number / wall),
        "cpu_ms_each": round(cpu / number * 1000, 3),
    }


_PEOPLE = """
    INSERT INTO crm_customer (public_id, name, email, phone, language, country, timezone, traits,
        is_known, first_seen_at, last_seen_at)
    SELECT gen_random_uuid(), 'Ada' || n || ' Lovelace', %s || n || '@example.org', '', 'en', '',
        '', '{}', true, now(), now() FROM generate_series(1, %s) AS n
"""
_MEMBERS = """
    INSERT INTO crm_membership (reason, entered_at, customer_id, segment_id)
    SELECT '{}', now(), id, %s FROM crm_customer WHERE email LIKE %s
"""
_CONSENTS = """
    INSERT INTO crm_consent (channel, is_granted, changed_at, customer_id, topic_id)
    SELECT 'email', true, now(), id, %s FROM crm_customer WHERE email LIKE %s
"""


def prepare(recipients, name="mail"):
    """A campaign whose members all agreed, written in bulk."""
    from django.db import connection

    from tests.campaigns.world import make_campaign, make_template

    link = '<p><a href="https://shop.example/sale">{{ shop.name }}</a></p>'
    body = "<h1>Hello {{ customer.first_name }}</h1>" + link * 3
    campaign = make_campaign(template=make_template(body_en=body), holdout_share=0, cap_messages=3)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_PEOPLE, [name, recipients])
            cursor.execute(_MEMBERS, [campaign.segment_id, f"{name}%"])
            cursor.execute(_CONSENTS, [campaign.topic_id, f"{name}%"])
    else:
        by_rows(campaign, recipients, name)
    analyze()
    return campaign


def by_rows(campaign, recipients, name):
    from django.utils import timezone

    from crm.models import Consent, Customer, Membership

    now = timezone.now()
    for start in range(0, recipients, 10_000):
        numbers = range(start, min(start + 10_000, recipients))
        seen = {"is_known": True, "language": "en", "first_seen_at": now, "last_seen_at": now}
        made = Customer.objects.bulk_create(
            Customer(name=f"Ada{n} Lovelace", email=f"{name}{n}@example.org", **seen)
            for n in numbers
        )
        Membership.objects.bulk_create(
            Membership(segment=campaign.segment, customer=c, entered_at=now) for c in made
        )
        agreed = {"channel": "email", "topic": campaign.topic, "is_granted": True}
        Consent.objects.bulk_create(Consent(customer=c, changed_at=now, **agreed) for c in made)


def analyze():
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def begin(campaign):
    from django.utils import timezone

    from campaigns import lifecycle, preparing

    lifecycle.start(campaign, now=timezone.now(), stale_is_fine=True)
    preparing.prepare_all(campaign.pk, now=timezone.now())
    campaign.refresh_from_db()


def first_mail(taken, found):
    """Write down when the first mail has arrived."""
    before, start = taken.value, time.perf_counter()
    while taken.value == before and time.perf_counter() - start < 60:
        time.sleep(0.001)
    found.append(round(time.perf_counter() - start, 3))


def through_the_door(campaign, taken):
    from campaigns import tasks

    found = []
    watch = threading.Thread(target=first_mail, args=(taken, found))
    watch.start()
    figures = timed(lambda: tasks.send_due())
    watch.join()
    return figures | {"first_mail_after_s": found[0]}


def rendered(campaign, limit):
    """Messages and addresses as the bare loops send them."""
    from django.utils import timezone

    from campaigns import rendering

    renderer = rendering.Renderer(campaign)
    rows = campaign.deliveries.select_related("customer", "variant__template")[:limit]
    for number, delivery in enumerate(rows.iterator(chunk_size=1000)):
        if number == 0:
            renderer.prepare([delivery], now=timezone.now())
        yield delivery, renderer.render(delivery)


def bare(campaign, limit):
    """Render, make the mail, send it on one connection: nothing claimed, nothing written down."""
    from django.utils import timezone

    from campaigns import mime, smtp

    session, sender, total = smtp.Session(), mime.Sender("Shop <shop@example.com>"), 0
    for delivery, message in rendered(campaign, limit):
        mail = mime.compose(
            sender=sender.header,
            to=delivery.address,
            subject=message.subject,
            text=message.text,
            html=message.html,
            headers=message.headers,
            message_id=delivery.message_id,
            at=timezone.now(),
        )
        session.begin(smtp.Envelope(sender.envelope, delivery.address))
        session.finish(mime.stuffed(mail))
        total += 1
    session.close()
    return total


def by_django(campaign, limit):
    from django.core.mail import EmailMultiAlternatives, get_connection

    total = 0
    with get_connection() as connection:
        for delivery, message in rendered(campaign, limit):
            mail = EmailMultiAlternatives(
                message.subject, message.text, to=[delivery.address], headers=message.headers
            )
            mail.attach_alternative(message.html, "text/html")
            total += connection.send_messages([mail])
    return total


def by_smtplib(campaign, limit, port):
    total = 0
    with smtplib.SMTP("127.0.0.1", port) as server:
        for delivery, message in rendered(campaign, limit):
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = "s@e.com", delivery.address, message.subject
            mail.set_content(message.text)
            mail.add_alternative(message.html, subtype="html")
            server.send_message(mail)
            total += 1
    return total


def pause_within(campaign):
    """Seconds from the pause until the sender has stopped and given everything back."""
    from django.db import connection
    from django.utils import timezone

    from campaigns import lifecycle, pipeline

    def work():
        pipeline.send(campaign, owner="bench", clock=timezone.now)
        ended.append(time.perf_counter())
        connection.close()

    ended = []
    sender = threading.Thread(target=work)
    sender.start()
    time.sleep(0.7)
    start = time.perf_counter()
    lifecycle.pause(campaign)
    sender.join()
    left = campaign.deliveries.filter(status="sending").count()
    return {"seconds": round(ended[0] - start, 3), "left_under_way": left}


def count_audience(campaign, times=20):
    """Seconds to count the audience, the slowest of twenty."""
    from campaigns import audiences

    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        audiences.size(campaign)
        seconds.append(time.perf_counter() - start)
    return round(sorted(seconds)[int(times * 0.95) - 1], 3)


def measure_mail(arguments, port, taken):
    campaign = prepare(arguments.recipients)
    begin(campaign)
    loop = timed(lambda: bare(campaign, arguments.recipients))
    peers = {
        "peer: Django": timed(lambda: by_django(campaign, arguments.peer)),
        "peer: smtplib": timed(lambda: by_smtplib(campaign, arguments.peer, port)),
    }
    door = through_the_door(campaign, taken)
    paused = prepare(max(arguments.recipients, 10_000), name="pause")
    begin(paused)
    return {
        "bare render and send": loop,
        **peers,
        "through the door": door,
        "door to bare": round(door["per_second"] / loop["per_second"], 3),
        "pause": pause_within(paused),
    }


def measure_audience(arguments):
    from django.utils import timezone

    from campaigns import freezing, lifecycle, preparing

    campaign = prepare(arguments.audience, name="audience")
    counted = count_audience(campaign)
    start = time.perf_counter()
    lifecycle.start(campaign, now=timezone.now(), stale_is_fine=True)
    frozen = time.perf_counter() - start
    assert campaign.audience_size == campaign.unprepared == arguments.audience
    blocks = min(20, arguments.audience // freezing.BLOCK)
    prepared = timed(
        lambda: sum(preparing.prepare(campaign.pk, now=timezone.now()) for _ in range(blocks))
    )
    return {
        "audience": arguments.audience,
        "count p95 s": counted,
        "materialise s": round(frozen, 2),
        "prepared": prepared,
    }


def measure(arguments, port, taken):
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    figures = measure_mail(arguments, port, taken) if arguments.recipients else {}
    if arguments.audience:
        figures |= measure_audience(arguments)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--peer", type=int, default=1_000)
    parser.add_argument("--audience", type=int, default=50_000)
    arguments = parser.parse_args()
    with sink() as (port, taken):
        mail = {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "CELERY_BROKER_URL": "memory://"}
        with scratch_shop(DEBUG="0", **mail):
            figures = measure(arguments, port, taken)
    for name, figure in figures.items():
        print(f"{name:24} {figure}", file=sys.stderr)
    print(json.dumps({"campaigns": figures}))


if __name__ == "__main__":
    main()
