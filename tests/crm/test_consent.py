import pytest

from crm import consent
from crm.models import ConsentChange, Customer, Event
from tests.factories import NOON, agree, make_customer, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_customer("Ada")


@pytest.fixture
def offers():
    return make_topic("offers")


def answer(customer, topic, yes, **fields):
    values = {"channel": "email", "source": "test", "evidence": {"ip": "::1"}, "at": NOON}
    return consent.change(customer, topic=topic, is_granted=yes, **{**values, **fields})


def test_silence_is_a_no(ada, offers):
    assert not consent.may_contact(ada, channel="email", topic=offers)
    assert not consent.consenting(Customer.objects.all(), channel="email", topic=offers).exists()


def test_a_yes_counts_for_its_channel_and_topic_alone(ada, offers):
    answer(ada, offers, True)
    assert consent.may_contact(ada, channel="email", topic=offers)
    assert not consent.may_contact(ada, channel="sms", topic=offers)
    assert not consent.may_contact(ada, channel="email", topic=make_topic("news"))


def test_every_change_is_kept_with_its_evidence_and_told(ada, offers):
    assert answer(ada, offers, True)
    assert answer(ada, offers, False)
    assert [c.is_granted for c in ConsentChange.objects.order_by("pk")] == [True, False]
    assert ConsentChange.objects.first().evidence == {"ip": "::1"}
    assert Event.objects.of_kind("crm.consent_changed").count() == 2


def test_the_same_answer_again_changes_nothing(ada, offers):
    answer(ada, offers, True)
    assert not answer(ada, offers, True)
    assert ConsentChange.objects.count() == 1


def test_leaving_a_channel_leaves_all_its_topics(ada, offers):
    news = make_topic("news")
    for topic in (offers, news):
        answer(ada, topic, True)
    answer(ada, offers, True, channel="sms")
    left = consent.withdraw_all(ada, channel="email", source="test", evidence={}, at=NOON)
    assert left == 2
    assert consent.may_contact(ada, channel="sms", topic=offers)
    assert consent.withdraw_all(ada, channel="all", source="test", evidence={}, at=NOON) == 1


def test_an_address_is_suppressed_whatever_its_case():
    consent.suppress(channel="email", address="Ada@Example.org", reason="bounce", at=NOON)
    consent.suppress(channel="email", address="ada@example.org", reason="bounce", at=NOON)
    assert consent.is_suppressed(channel="email", address="ADA@example.org")
    assert not consent.is_suppressed(channel="sms", address="ada@example.org")


def test_an_unknown_topic_has_a_name():
    with pytest.raises(consent.UnknownTopic, match="gossip"):
        consent.topic("gossip")


def test_only_who_agreed_is_in_the_audience(ada, offers):
    agree(ada, topic=offers)
    make_customer("Bob")
    audience = consent.consenting(Customer.objects.all(), channel="email", topic=offers)
    assert list(audience) == [ada]
