"""Staff make keys for partners, see each once, and take them back."""

import pytest
from django.contrib.auth.models import User

from crm import partners
from crm.models import PartnerKey
from tests.factories import NOON, make_key, make_partner

pytestmark = pytest.mark.django_db
LIST = "/admin/crm/partnerkey/"


def add(client, partner, **fields):
    said = {"partner": partner.pk, "name": "shop", "scopes": ["recommendations:read"], **fields}
    return client.post(f"{LIST}add/", said, follow=True)


def test_a_key_is_shown_once_and_works(admin_client):
    page = add(admin_client, make_partner("Bazaar")).content.decode()
    key = PartnerKey.objects.get()
    text = page[page.index(key.begins) :].split("<")[0].split('"')[0].strip()
    assert partners.key_of(text, now=NOON) == key
    assert key.scopes == ["recommendations:read"]
    assert text not in admin_client.get(LIST).content.decode()
    assert text not in admin_client.get(f"{LIST}{key.pk}/change/").content.decode()


def test_a_key_that_may_do_nothing_is_not_made(admin_client):
    add(admin_client, make_partner(), scopes=[])
    assert not PartnerKey.objects.exists()


def test_an_unknown_right_is_refused(admin_client):
    add(admin_client, make_partner(), scopes=["everything"])
    assert not PartnerKey.objects.exists()


def test_a_change_of_name_keeps_the_key(admin_client):
    key, text = make_key(make_partner(), "recommendations:read")
    said = {"partner": key.partner_id, "name": "new", "scopes": ["segments:read"]}
    admin_client.post(f"{LIST}{key.pk}/change/", said)
    found = partners.key_of(text, now=NOON)
    assert (found.name, found.scopes) == ("new", ["segments:read"])


def test_selected_keys_are_revoked(admin_client):
    key, text = make_key(make_partner())
    admin_client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})
    assert partners.key_of(text, now=NOON) is None


def test_who_may_only_look_makes_and_revokes_none(client):
    client.force_login(User.objects.create_user("looker", is_staff=True))
    key, text = make_key(make_partner())
    assert client.get(f"{LIST}add/").status_code == 403
    client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})
    assert partners.key_of(text, now=NOON) == key


def test_partners_say_whom_they_see(admin_client, django_assert_max_num_queries):
    for number in range(5):
        make_partner(f"P{number}", sees_everybody=number == 0)
    with django_assert_max_num_queries(12):
        page = admin_client.get("/admin/crm/partner/").content.decode()
    assert "all customers" in page
    assert "nobody" in page
