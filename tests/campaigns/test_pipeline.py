"""Many messages on several connections, with a mail server that does as it is told."""

import threading
import time
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.db.models import F

from campaigns import claiming, connections, journal, lifecycle, pipeline, smtp
from campaigns.models import Campaign, Delivery
from crm.models import Event, Suppression
from tests.campaigns.mailserver import HANG_UP, MailServer
from tests.campaigns.world import join, make_campaign, make_members, make_template, start
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
SETTLED = ["sent", "failed", "skipped", "uncertain"]


@pytest.fixture
def server(settings, tmp_path, monkeypatch):
    with MailServer().running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.VAR_DIR = tmp_path
        monkeypatch.setattr(connections, "PATIENCE", (0.01,))
        monkeypatch.setattr(pipeline, "PAUSE", 0.01)
        yield server


def begun(number=20, **fields):
    campaign = make_campaign(**({"holdout_share": 0, "labels": ("A",)} | fields))
    make_members(campaign, number)
    start(campaign)
    return campaign


def send(campaign, *, now=NOON, owner="worker"):
    fresh = Campaign.objects.select_related("topic", "segment").get(pk=campaign.pk)
    try:
        return pipeline.send(fresh, owner=owner, clock=lambda: now)
    finally:
        lifecycle.finish_if_done(campaign.pk, now=now)
        campaign.refresh_from_db()


def statuses(campaign):
    rows = campaign.deliveries.values_list("customer__email", "status")
    return dict(rows)


def test_everybody_gets_one_message_in_their_name(server):
    campaign = begun(50)
    assert send(campaign) == 50
    assert server.received == {email: 1 for email in statuses(campaign)}
    assert set(statuses(campaign).values()) == {"sent"}
    assert campaign.status == "finished"
    email, (mail,) = next(iter(server.mails.items()))
    mail = message_from_bytes(mail, policy=policy.default)
    name = email.partition("@")[0].rstrip("0123456789")
    assert mail["Subject"].lower().startswith(f"hello {name}")
    assert mail["To"] == email
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/t/c/" in mail.get_body(("html",)).get_content()


def test_the_row_says_what_the_one_by_one_way_says(server):
    campaign = begun(1)
    send(campaign)
    row = campaign.deliveries.get()
    assert (row.attempts, row.sent_at, row.attempted_at, row.told_at) == (1, NOON, NOON, NOON)
    assert (row.claimed_by, row.claimed_until, row.reason) == ("", None, "")
    event = Event.objects.of_kind("campaigns.message_sent").get()
    assert event.message_id == f"campaigns.message_sent:{row.pk}"
    assert event.data == {
        "delivery_id": row.pk,
        "campaign_id": campaign.pk,
        "campaign": campaign.name,
        "variant": "A",
        "channel": "email",
    }
    assert event.happened_at == NOON


def test_each_kind_of_answer_leaves_its_mark(server):
    campaign = begun(6)
    refused, later, spam, unclear, busy, fine = statuses(campaign)
    server.rules |= {
        f"RCPT {refused}": "550 5.1.1 no such user",
        f"RCPT {later}": "451 greylisted",
        f"DOT {spam}": "554 spam",
        f"DOT {unclear}": HANG_UP,
        f"DATA {busy}": ["421 closing"],
    }
    send(campaign)
    assert statuses(campaign) == {
        refused: "failed",
        later: "queued",
        spam: "failed",
        unclear: "uncertain",
        busy: "queued",
        fine: "sent",
    }
    assert [s.address for s in Suppression.objects.all()] == [refused]
    assert campaign.status == "sending"
    assert set(campaign.deliveries.values_list("attempts", flat=True)) == {1}
    server.rules.clear()
    send(campaign, now=NOON + timedelta(minutes=2))
    assert server.received == {later: 1, busy: 1, fine: 1, unclear: 1}
    assert campaign.status == "finished"


def test_the_last_message_of_a_connection_is_in_the_journal_as_answered(server, settings):
    """Answers are written with the next question; where there is none, they are not kept back."""
    settings.EMAIL_CONNECTIONS = 1
    campaign = begun(5)
    written = []
    with pytest.MonkeyPatch.context() as patch:
        real = journal.Journal._write
        patch.setattr(
            journal.Journal, "_write", lambda j, line: (written.append(line), real(j, line))
        )
        send(campaign)
    lines = b"".join(written).splitlines()[2:]
    ids = [line[1:] for line in lines if line[:1] == b"?"]
    expected = [mark + pk for pk in ids for mark in (b"?", b"+")]
    assert lines == expected
    assert len(ids) == 5
    assert len(written) < 1 + 2 * 5


def test_a_refused_message_takes_nothing_from_the_next_that_was_announced(server, settings):
    settings.EMAIL_CONNECTIONS = 1
    campaign = begun(6)
    emails = sorted(statuses(campaign))
    server.rules |= {f"DOT {emails[1]}": "554 spam", f"RCPT {emails[3]}": "550 5.1.1 no such user"}
    send(campaign)
    found = statuses(campaign)
    assert [found[e] for e in emails] == ["sent", "failed", "sent", "failed", "sent", "sent"]
    assert server.connections == 1


def test_five_temporary_refusals_are_enough(server):
    campaign = begun(1)
    server.rules["RCPT"] = "451 greylisted"
    for hour in range(0, 20, 2):
        send(campaign, now=NOON + timedelta(hours=hour))
    row = campaign.deliveries.get()
    assert (row.status, row.attempts, row.reason) == ("failed", 5, "451 greylisted")


def test_a_server_that_closes_after_every_few_mails_gets_all_of_them(server, settings):
    settings.EMAIL_CONNECTIONS = 1
    campaign = begun(9)
    server.rules["MAIL"] = [None, None, None, HANG_UP] * 3
    send(campaign)
    assert set(server.received.values()) == {1}
    assert set(statuses(campaign).values()) == {"sent"}


def test_without_a_server_everything_waits_and_no_attempt_is_used_up(server, settings):
    campaign = begun(30)
    settings.EMAIL_PORT = 1
    with pytest.raises(smtp.NoServer, match="waits for the mail server"):
        send(campaign)
    rows = campaign.deliveries
    assert set(rows.values_list("status", "attempts", "claimed_by")) == {("queued", 0, "")}
    settings.EMAIL_PORT = server.port
    send(campaign)
    assert len(server.received) == 30


def test_pause_stops_within_moments_and_gives_back_what_was_not_begun(server, settings):
    settings.EMAIL_CONNECTIONS = 2
    server.delay = 0.02
    campaign = begun(40)
    written = pipeline.Run._write

    def pause_after_three(run, ends):
        written(run, ends)
        if len(server.received) >= 3:
            Campaign.objects.filter(status="sending").update(status="paused")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.Run, "_write", pause_after_three)
        send(campaign)
    at_pause = len(server.received)
    assert 3 <= at_pause < 20
    counts = list(statuses(campaign).values())
    assert (counts.count("sent"), counts.count("queued")) == (at_pause, 40 - at_pause)
    assert not campaign.deliveries.exclude(claimed_by="").exists()
    Campaign.objects.update(status="sending")
    send(campaign)
    assert set(server.received.values()) == {1}
    assert len(server.received) == 40


def test_a_template_that_fails_for_one_customer_fails_only_there(server):
    source = "{% for i in (1..customer.traits.many) %}x{% endfor %}"
    campaign = make_campaign(
        labels=("A",), template=make_template(body_en=source, body_zh=""), holdout_share=0
    )
    good, bad = make_members(campaign, 2, traits={"many": 3})
    type(bad).objects.filter(pk=bad.pk).update(traits={"many": 10**9})
    start(campaign)
    send(campaign)
    assert server.received == {good.email: 1}
    assert "body_en" in campaign.deliveries.get(customer=bad).reason


def test_links_of_one_customers_own_are_numbered_on_the_way(server):
    body = '<p><a href="https://shop.example/{{ customer.name }}">yours</a></p>'
    campaign = begun(5, template=make_template(body_en=body))
    send(campaign)
    assert len(server.received) == 5
    assert campaign.links.filter(url__startswith="https://shop.example/Ada").count() == 5


def test_recommendations_and_coupons_are_asked_before_the_threads_render(server):
    from campaigns.models import Coupon
    from tests.factories import make_product

    make_product("TEA-1", title_en="Green tea", title_zh="绿茶", price=12)
    Coupon.objects.create(code="ALL", text_en="10 %", text_zh="九折", valid_to=NOON.date())
    body = "{{ coupon.code }}{% for p in recommendations %}<a href='{{ p.url }}'>{{ p.title }}</a>{% endfor %}"
    campaign = begun(3, template=make_template(body_en=body))
    send(campaign)
    for (mail,) in server.mails.values():
        html = message_from_bytes(mail, policy=policy.default).get_body(("html",)).get_content()
        assert "ALL" in html
        assert "Green tea" in html
        assert "/t/c/" in html


def test_an_address_that_is_none_fails_alone(server):
    campaign = begun(2)
    bad = campaign.deliveries.first()
    Delivery.objects.filter(pk=bad.pk).update(address="ada@x.org>\r\nRCPT TO:<eve@x.org")
    send(campaign)
    assert len(server.received) == 1
    assert campaign.deliveries.get(pk=bad.pk).reason.startswith("not an address")


def test_the_rules_of_the_door_hold_here_too(server):
    campaign = make_campaign(holdout_share=0.2, cap_messages=3)
    make_members(campaign, 30)
    make_members(campaign, 15, consenting=False)
    join(campaign, make_customer("Nemo", email=""))
    start(campaign)
    send(campaign)
    rows = campaign.deliveries
    assert rows.filter(status__in=SETTLED).count() == campaign.to_be_written_to
    assert len(server.received) == rows.filter(status="sent").count()
    assert rows.filter(reason="no_consent").count() + rows.filter(reason="no_address").count() > 3


def test_what_was_sent_before_a_failing_database_is_settled_from_the_journal(server, monkeypatch):
    campaign = begun(30)

    def fails(*_):
        server.wait_for(30)
        raise ConnectionError("the database is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.Run, "_write", fails)
        with pytest.raises(ConnectionError):
            send(campaign)
    assert set(statuses(campaign).values()) == {"sending"}
    assert claiming.settle_abandoned(now=NOON) == 30
    assert set(campaign.deliveries.values_list("status", "attempts")) == {("sent", 1)}
    assert list(journal.folder().iterdir()) == []
    send(campaign)
    assert set(server.received.values()) == {1}


def test_a_journal_settles_each_message_by_its_last_word(server):
    campaign = begun(4)
    claimed = claiming.claim(campaign, owner="dead", now=NOON, limit=9, begun=True).deliveries
    answered, unanswered, refused, unasked = claimed
    kept = journal.Journal("dead")
    for delivery in (answered, unanswered, refused):
        kept.asked(delivery.pk)
    kept.accepted(answered.pk)
    kept.refused(refused.pk)
    kept.close(is_settled=False)
    assert not lifecycle.finish_if_done(campaign.pk, now=NOON)
    assert claiming.settle_abandoned(now=NOON) == 4
    found = dict(campaign.deliveries.values_list("pk", "status"))
    assert found == {
        answered.pk: "sent",
        unanswered.pk: "uncertain",
        refused.pk: "queued",
        unasked.pk: "queued",
    }
    send(campaign)
    assert len(server.received) == 2


def test_a_journal_from_before_the_machine_restarted_leaves_all_in_doubt(server, monkeypatch):
    campaign = begun(3)
    claiming.claim(campaign, owner="dead", now=NOON, limit=9, begun=True)
    journal.Journal("dead").close(is_settled=False)
    monkeypatch.setattr(journal, "boot_id", lambda: "another")
    claiming.settle_abandoned(now=NOON)
    assert set(statuses(campaign).values()) == {"uncertain"}


def test_a_journal_read_late_frees_what_the_lease_had_put_in_doubt(server):
    campaign = begun(2)
    claimed = claiming.claim(campaign, owner="dead", now=NOON, limit=9, begun=True).deliveries
    kept = journal.Journal("dead")
    kept.asked(claimed[0].pk)
    campaign.deliveries.update(claimed_until=NOON - timedelta(days=999))
    assert claiming.settle_lapsed(now=NOON) == 2
    kept.close(is_settled=False)
    claiming.settle_abandoned(now=NOON)
    assert sorted(statuses(campaign).values()) == ["queued", "uncertain"]


def test_a_message_whose_turn_has_lapsed_is_not_begun(server, monkeypatch):
    monkeypatch.setattr(pipeline, "MARGIN", 1000.0)
    monkeypatch.setattr(pipeline.Run, "_renew", lambda _: None)
    campaign, looked = begun(3), []

    def stop_after_two(run):
        looked.append(1)
        return len(looked) < 3

    monkeypatch.setattr(pipeline.Run, "_is_sending", stop_after_two)
    send(campaign)
    assert server.received == {}
    assert set(campaign.deliveries.values_list("status", "attempts")) == {("queued", 0)}


def test_a_slow_server_keeps_its_turn(server, monkeypatch, settings):
    settings.EMAIL_CONNECTIONS = 1
    monkeypatch.setattr(pipeline, "LEASE", 0.3)
    monkeypatch.setattr(pipeline, "MARGIN", 0.1)
    server.delay = 0.05
    campaign = begun(20)
    send(campaign)
    assert set(server.received.values()) == {1}
    assert set(statuses(campaign).values()) == {"sent"}


def test_a_fault_of_our_own_is_told_and_loses_nothing(server, monkeypatch):
    campaign = begun(5)
    monkeypatch.setattr(connections.Connection, "_composed", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(campaign)
    claiming.settle_abandoned(now=NOON)
    assert set(statuses(campaign).values()) == {"queued"}


def test_a_turn_costs_a_fixed_number_of_queries(server, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(pipeline, "PAUSE", 3.0)
    campaign = begun(300, cap_messages=3)
    with django_assert_max_num_queries(34):  # with the first look at the template's links
        send(campaign)
    assert Delivery.objects.filter(status="sent", attempts=F("attempts")).count() == 300


def test_no_thread_is_left_behind(server):
    before = threading.active_count()
    send(begun(5))
    assert threading.active_count() == before


def test_a_rate_holds_the_messages_back_and_all_arrive(server, settings):
    settings.EMAIL_RATE, settings.EMAIL_DOMAIN_RATES = 40.0, {"example.org": 20.0}
    campaign = begun(12)
    start_at = time.monotonic()
    send(campaign)
    assert time.monotonic() - start_at > 0.5
    assert set(server.received.values()) == {1}
    assert set(statuses(campaign).values()) == {"sent"}
