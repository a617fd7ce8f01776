"""What comes back: forged addresses, people and machines, and how one says no."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from campaigns import channels, tokens, tracking
from campaigns.models import Delivery, LinkTarget, Touch
from crm import consent
from crm.models import Consent, ConsentChange, Event, Identity
from tests.campaigns.world import make_campaign, make_members, make_template, send_all, start
from tests.factories import NOON, agree, make_topic

pytestmark = pytest.mark.django_db
PERSON = {"headers": {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1"}}
LATER = NOON + timedelta(hours=3)


@pytest.fixture
def delivery(outbox_of_channel):
    links = "".join(f'<a href="https://shop.example/{i}">{i}</a>' for i in range(5))
    campaign = make_campaign(labels=("A",), template=make_template(body_en=links), holdout_share=0)
    make_members(campaign, 1)
    start(campaign)
    send_all(campaign)
    return Delivery.objects.select_related("customer", "campaign__topic").get()


def visit(at=LATER, method="GET", agent=PERSON["headers"]["user-agent"]):
    return tracking.Visit(method=method, user_agent=agent, at=at)


def path(url):
    return "/" + url.split("/", 3)[3]


def events(kind):
    return Event.objects.of_kind(f"campaigns.{kind}").count()


def test_the_pixel_counts_an_open_once(client, delivery):
    for _ in range(3):
        response = client.get(path(tokens.open_url(delivery.pk)), **PERSON)
        assert response.status_code == 200
        assert response["Content-Type"] == "image/gif"
        assert "no-store" in response["Cache-Control"]
    delivery.refresh_from_db()
    assert delivery.opened_at
    assert events("message_opened") == 1
    assert Touch.objects.get().count == 3


def test_a_click_leads_to_the_target_and_counts_as_open_too(client, delivery):
    link = LinkTarget.objects.first()
    response = client.get(path(tokens.click_url(delivery.pk, link.pk)), **PERSON)
    assert (response.status_code, response["Location"]) == (302, link.url)
    delivery.refresh_from_db()
    assert delivery.opened_at
    assert delivery.clicked_at
    assert (events("message_opened"), events("message_clicked")) == (1, 1)


def test_the_same_click_again_is_one_click(delivery):
    link = LinkTarget.objects.first()
    for minute in range(3):
        tracking.clicked(delivery.pk, link.pk, visit(LATER + timedelta(minutes=minute)))
    delivery.refresh_from_db()
    assert delivery.clicked_at == LATER
    assert events("message_clicked") == 1


@pytest.mark.parametrize("kind", ["t/o", "t/c", "u"])
@pytest.mark.parametrize(
    "token",
    ["1", "1~", "1~AAAA", "~", "1.1~x", "x" * 500, "1%7Ehttps:", "1.2.3~zz", "-1~a", "１~a"],
)
def test_a_forged_token_is_not_found(client, kind, token):
    assert client.get(f"/{kind}/{token}").status_code == 404
    assert client.post(f"/{kind}/{token}").status_code in (404, 405)


def test_a_token_of_one_purpose_is_worth_nothing_for_another(client, delivery):
    token = tokens.open_url(delivery.pk).rsplit("/", 1)[1]
    assert client.get(f"/u/{token}").status_code == 404
    assert client.post(f"/u/{token}", {"action": "everything"}).status_code == 404


def test_a_token_cannot_be_moved_to_another_delivery(client, delivery):
    signature = tokens.open_url(delivery.pk).rsplit("~", 1)[1]
    assert client.get(f"/t/o/{delivery.pk + 1}~{signature}").status_code == 404


def test_a_link_of_another_campaign_leads_nowhere(client, delivery):
    foreign = LinkTarget.objects.create(
        campaign=make_campaign(), url="https://evil.example/", digest="x"
    )
    assert client.get(path(tokens.click_url(delivery.pk, foreign.pk))).status_code == 404


def test_no_parameter_changes_where_a_link_leads(client, delivery):
    link = LinkTarget.objects.first()
    url = path(tokens.click_url(delivery.pk, link.pk))
    response = client.get(url, {"next": "https://evil.example", "url": "//evil.example"})
    assert response["Location"] == link.url


def test_what_is_gone_is_not_found(client, delivery):
    url = path(tokens.open_url(delivery.pk))
    delivery.delete()
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "machine",
    [
        visit(method="HEAD"),
        visit(agent=""),
        visit(agent="Mozilla/5.0 (via ggpht.com GoogleImageProxy)"),
        visit(agent="python-requests/2.32"),
        visit(at=NOON + timedelta(seconds=1)),
    ],
    ids=["head", "no agent", "proxy", "script", "at once"],
)
def test_what_a_machine_does_is_kept_apart(delivery, machine):
    link = LinkTarget.objects.first()
    tracking.opened(delivery.pk, machine)
    assert tracking.clicked(delivery.pk, link.pk, machine) == link.url
    delivery.refresh_from_db()
    assert (delivery.opened_at, delivery.clicked_at) == (None, None)
    assert Touch.objects.filter(is_machine=True).exclude(reason="").count() == 2
    assert events("message_clicked") == 0


def test_a_scanner_that_follows_every_link_within_seconds_is_no_person(delivery):
    for number, link in enumerate(LinkTarget.objects.all()):
        tracking.clicked(delivery.pk, link.pk, visit(LATER + timedelta(milliseconds=200 * number)))
    delivery.refresh_from_db()
    assert delivery.clicked_at is None
    assert not Touch.objects.filter(kind="click", is_machine=False).exists()


def test_a_person_after_the_scanner_still_counts(delivery):
    links = list(LinkTarget.objects.all())
    for link in links[:4]:
        tracking.clicked(delivery.pk, link.pk, visit(LATER))
    tracking.clicked(delivery.pk, links[4].pk, visit(LATER + timedelta(hours=1)))
    delivery.refresh_from_db()
    assert delivery.clicked_at == LATER + timedelta(hours=1)


class TestTrap:
    """A link in every mail that no person can see."""

    def follow(self, delivery, at=LATER):
        return tracking.clicked(delivery.pk, tracking.TRAP, visit(at))

    def test_it_is_in_the_mail_unseen_and_leads_home(self, client, delivery, outbox_of_channel):
        url = tokens.trap_url(delivery.pk)
        html = outbox_of_channel[0]["html"]
        assert html.count(url) == 1
        assert 'style="display:none;"' in html.partition(url)[2][:90]
        assert url not in outbox_of_channel[0]["text"]
        response = client.get(path(url), **PERSON)
        assert (response.status_code, response["Location"]) == (302, settings.SITE_URL)
        assert Touch.objects.get().reason == "honeypot"

    def test_who_follows_it_was_a_machine_before_and_is_after(self, delivery):
        first, second = LinkTarget.objects.all()[:2]
        tracking.clicked(delivery.pk, first.pk, visit(LATER))
        self.follow(delivery, LATER + timedelta(seconds=1))
        tracking.clicked(delivery.pk, second.pk, visit(LATER + timedelta(seconds=2)))
        tracking.opened(delivery.pk, visit(LATER + timedelta(seconds=2)))
        delivery.refresh_from_db()
        assert (delivery.opened_at, delivery.clicked_at) == (None, None)
        assert not Touch.objects.filter(is_machine=False).exists()

    def test_a_person_counts_before_and_after_it(self, delivery):
        link = LinkTarget.objects.first()
        tracking.opened(delivery.pk, visit(LATER - timedelta(hours=1)))
        self.follow(delivery)
        self.follow(delivery)
        tracking.clicked(delivery.pk, link.pk, visit(LATER + timedelta(hours=1)))
        delivery.refresh_from_db()
        assert delivery.opened_at == LATER - timedelta(hours=1)
        assert delivery.clicked_at == LATER + timedelta(hours=1)
        assert Touch.objects.get(key="trap").reason == "honeypot"


def test_what_a_scanner_seemed_to_have_opened_was_not_opened(delivery):
    for link in LinkTarget.objects.all():
        tracking.clicked(delivery.pk, link.pk, visit(LATER))
    delivery.refresh_from_db()
    assert (delivery.opened_at, delivery.clicked_at) == (None, None)


def test_a_person_who_looks_at_three_things_in_a_minute_is_a_person(delivery):
    for number, link in enumerate(LinkTarget.objects.all()[:3]):
        tracking.clicked(delivery.pk, link.pk, visit(LATER + timedelta(seconds=20 * number)))
    delivery.refresh_from_db()
    assert delivery.clicked_at == LATER
    assert events("message_clicked") == 3


def test_what_somebody_opened_did_arrive(recorder):
    campaign = make_campaign(labels=("A",), holdout_share=0)
    make_members(campaign, 1)
    recorder.answers = [channels.Unclear("reset")]
    start(campaign)
    send_all(campaign)
    held = Delivery.objects.get(status="uncertain")
    tracking.opened(held.pk, visit())
    held.refresh_from_db()
    assert (held.status, held.sent_at) == ("sent", NOON)


# Saying no ---------------------------------------------------------------------------------


def page(delivery):
    return path(tokens.preferences_url(delivery.pk))


def consents(delivery):
    rows = Consent.objects.filter(customer=delivery.customer)
    return dict(rows.values_list("topic__slug", "is_granted"))


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
def test_nothing_but_a_post_changes_anything(client, delivery, method):
    response = getattr(client, method)(page(delivery))
    assert response.status_code in (200, 405)
    assert consents(delivery) == {"offers": True}
    assert not ConsentChange.objects.exists()


def test_one_click_unsubscribes_without_cookie_or_csrf_token(delivery):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    response = strict.post(page(delivery), {"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    assert consents(delivery) == {"offers": False}
    delivery.refresh_from_db()
    assert delivery.unsubscribed_at
    assert events("unsubscribed") == 1


def test_unsubscribing_twice_is_unsubscribing(client, delivery):
    for _ in range(2):
        client.post(page(delivery), {"List-Unsubscribe": "One-Click"})
    assert ConsentChange.objects.count() == 1
    assert events("unsubscribed") == 1


def test_the_proof_of_a_no_names_the_message(client, delivery):
    client.post(page(delivery), {"List-Unsubscribe": "One-Click"})
    change = ConsentChange.objects.get()
    assert change.source == "one-click"
    assert change.evidence == {"delivery": delivery.pk, "campaign": delivery.campaign_id}


def test_the_page_shows_the_topics_in_the_language_of_the_customer(client, delivery):
    make_topic("news")
    english = client.get(page(delivery)).content.decode()
    assert 'value="offers" checked' in english
    assert 'value="news">' in english
    assert 'lang="en"' in english
    chinese = client.get(page(delivery), {"lang": "zh"}).content.decode()
    assert 'lang="zh-hans"' in chinese
    assert "优惠" in chinese


def test_the_page_does_not_tell_the_address(client, delivery):
    body = client.get(page(delivery)).content.decode()
    assert delivery.address not in body
    assert "a•••@example.org" in body


def test_saving_sets_each_topic_to_what_was_ticked(client, delivery):
    make_topic("news")
    client.post(page(delivery), {"action": "save", "topics": ["news"]})
    assert consents(delivery) == {"offers": False, "news": True}
    delivery.refresh_from_db()
    assert delivery.unsubscribed_at


def test_saving_without_a_change_writes_nothing(client, delivery):
    client.post(page(delivery), {"action": "save", "topics": ["offers"]})
    assert not ConsentChange.objects.exists()


def test_unsubscribing_from_everything_covers_every_topic(client, delivery):
    agree(delivery.customer, topic=make_topic("news"))
    response = client.post(page(delivery), {"action": "everything"})
    assert consents(delivery) == {"offers": False, "news": False}
    assert "We will not write to you any more" in response.content.decode()


def test_an_unknown_action_is_refused(client, delivery):
    assert client.post(page(delivery), {"action": "drop"}).status_code == 400
    assert client.post(page(delivery)).status_code == 400


def test_a_no_holds_for_the_next_campaign(client, delivery, outbox_of_channel):
    client.post(page(delivery), {"List-Unsubscribe": "One-Click"})
    again = make_campaign(holdout_share=0, segment=delivery.campaign.segment)
    start(again)
    send_all(again)
    assert len(outbox_of_channel) == 1
    assert again.deliveries.get().reason == "no_consent"
    assert not consent.may_contact(
        delivery.customer, channel="email", topic=delivery.campaign.topic
    )


def test_times_are_those_of_the_clock_at_the_edge(client, delivery):
    before = timezone.now()
    client.get(path(tokens.open_url(delivery.pk)), **PERSON)
    delivery.refresh_from_db()
    assert before <= delivery.opened_at <= timezone.now()


@pytest.mark.parametrize(
    ("posted", "is_proof"),
    [
        ({"action": "save", "topics": ["offers"]}, True),
        ({"action": "everything"}, True),
        ({"action": "nonsense"}, False),
        ({"List-Unsubscribe": "One-Click"}, False),  # a program may press that button
    ],
)
def test_who_acts_on_the_page_behind_a_mail_has_confirmed_its_address(
    client, delivery, posted, is_proof
):
    identity = Identity.objects.get(customer=delivery.customer, kind="email")
    assert identity.value == delivery.address
    client.get(page(delivery))
    assert not Identity.objects.exclude(verified_at=None).exists()
    client.post(page(delivery), posted)
    identity.refresh_from_db()
    assert bool(identity.verified_at) is is_proof
