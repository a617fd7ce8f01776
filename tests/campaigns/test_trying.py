"""A campaign sent to oneself before anybody else gets it."""

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from campaigns import trying
from campaigns.models import Delivery, LinkTarget
from crm.models import Event
from tests.campaigns.world import make_campaign, make_members, make_template
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def staff(django_user_model):
    return django_user_model.objects.create_superuser("boss", "boss@shop.example", "x")


@pytest.fixture
def campaign():
    return make_campaign()


@pytest.fixture
def ada(campaign):
    return make_members(campaign, 1, consenting=False)[0]


def test_each_variant_comes_marked_as_a_test_to_the_one_who_asked(campaign, ada, staff):
    assert trying.send(campaign, ada, staff, now=NOON) == 2
    assert [m.to for m in mail.outbox] == [["boss@shop.example"]] * 2
    assert [m.subject[:8] for m in mail.outbox] == ["[Test A]", "[Test B]"]
    assert {m.extra_headers[trying.MARK] for m in mail.outbox} == {str(campaign.pk)}
    assert len({m.extra_headers["Message-ID"] for m in mail.outbox}) == 2
    assert ada.name in mail.outbox[0].body


def test_nothing_is_counted_tracked_or_told(campaign, ada, staff):
    trying.send(campaign, ada, staff, now=NOON)
    html = mail.outbox[0].alternatives[0].content
    assert "/t/o/" not in html
    assert "/t/c/" not in html
    assert "https://shop.example/sale" in html
    assert not Delivery.objects.exists()
    assert not LinkTarget.objects.exists()
    assert not Event.objects.exists()


def test_without_an_address_of_ones_own_nothing_is_sent(campaign, ada, staff):
    for address in ("", "nobody", "a@x.org\nBcc: b@x.org"):
        staff.email = address
        with pytest.raises(trying.NotTried, match="no e-mail address"):
            trying.send(campaign, ada, staff, now=NOON)
    assert mail.outbox == []


def test_there_is_an_end_to_trying(campaign, ada, staff, django_user_model):
    for _ in range(trying.MOST // 2):
        trying.send(campaign, ada, staff, now=NOON)
    with pytest.raises(trying.NotTried, match="an hour"):
        trying.send(campaign, ada, staff, now=NOON)
    assert len(mail.outbox) == trying.MOST
    other = django_user_model.objects.create_superuser("other", "other@shop.example", "x")
    assert trying.send(campaign, ada, other, now=NOON) == 2


def test_a_broken_template_sends_no_variant_at_all(staff):
    campaign = make_campaign(labels=("A",), template=make_template(body_en="{% if %}", body_zh=""))
    ada = make_members(campaign, 1)[0]
    with pytest.raises(trying.NotTried, match="body_en"):
        trying.send(campaign, ada, staff, now=NOON)
    assert mail.outbox == []


def test_only_e_mails_can_be_tried(staff):
    campaign = make_campaign(channel="sms")
    with pytest.raises(trying.NotTried, match="Only e-mails"):
        trying.send(campaign, make_members(campaign, 1)[0], staff, now=NOON)


def test_a_server_that_is_down_is_told_in_words(campaign, ada, staff, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(trying.NotTried, match="did not take it"):
        trying.send(campaign, ada, staff, now=NOON)


class TestPage:
    def url(self, campaign):
        return reverse("admin:campaigns_campaign_preview", args=[campaign.pk])

    def test_the_button_sends_and_says_where_to(self, client, campaign, ada, staff):
        client.force_login(staff)
        page = client.get(self.url(campaign), {"customer": ada.email})
        assert 'id="try"' in page.content.decode()
        done = client.post(self.url(campaign), {"customer": ada.email}, follow=True)
        assert "boss@shop.example" in done.content.decode()
        assert len(mail.outbox) == 2
        assert mail.outbox[0].to == ["boss@shop.example"]

    def test_looking_sends_nothing(self, client, campaign, ada, staff):
        client.force_login(staff)
        client.get(self.url(campaign), {"customer": ada.email})
        assert mail.outbox == []

    def test_who_may_only_look_may_not_send(self, client, campaign, ada, django_user_model):
        from django.contrib.auth.models import Permission

        looker = django_user_model.objects.create_user(
            "looker", "looker@shop.example", "x", is_staff=True
        )
        looker.user_permissions.set(Permission.objects.filter(codename="view_campaign"))
        client.force_login(looker)
        page = client.get(self.url(campaign), {"customer": ada.email})
        assert 'id="try"' not in page.content.decode()
        assert client.post(self.url(campaign), {"customer": ada.email}).status_code == 403
        assert mail.outbox == []
