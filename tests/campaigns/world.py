"""Campaigns for tests: plain functions, fixed time."""

from datetime import timedelta
from itertools import count

from campaigns import lifecycle, preparing, sending
from campaigns.models import Campaign, Template, Variant
from crm.models import Membership, Segment
from tests.factories import NOON, agree, make_customer, make_topic

LATER = NOON + timedelta(hours=1)
_numbers = count(1)


class Recorder:
    """A channel that remembers; `answers` are raised in turn, None means accepted."""

    idempotent = False

    def __init__(self):
        self.sent = []
        self.answers = []

    def deliver(self, *, to, subject, text, html, headers, message_id):
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.sent.append(
            {
                "to": to,
                "subject": subject,
                "text": text,
                "html": html,
                "headers": headers,
                "message_id": message_id,
            }
        )


def make_template(name=None, **fields):
    values = {
        "name": name or f"Hello {next(_numbers)}",
        "subject_en": "Hello {{ customer.first_name | default: 'you' }}",
        "body_en": '<p>Dear {{ customer.name }}, <a href="https://shop.example/sale">look</a></p>',
        "subject_zh": "{{ customer.name }}，你好",
        "body_zh": '<p>{{ customer.name }}，<a href="https://shop.example/sale">看看</a></p>',
    }
    return Template.objects.create(**(values | fields))


def make_segment(slug=None):
    slug = slug or f"segment-{next(_numbers)}"
    return Segment.objects.create(slug=slug, name_en=slug, name_zh="客群", kind="static")


def make_campaign(*, labels=("A", "B"), template=None, **fields):
    values = {
        "name": f"Campaign {next(_numbers)}",
        "segment": fields.pop("segment", None) or make_segment(),
        "topic": make_topic(),
        "cap_messages": None,
    }
    campaign = Campaign.objects.create(**(values | fields))
    for label in labels:
        Variant.objects.create(campaign=campaign, label=label, template=template or make_template())
    return campaign


def join(campaign, customer):
    Membership.objects.create(segment=campaign.segment, customer=customer, entered_at=NOON)
    return customer


def make_members(campaign, number, *, consenting=True, **fields):
    members = [make_customer(f"Ada{i}", **fields) for i in range(number)]
    for member in members:
        join(campaign, member)
        if consenting:
            agree(member, topic=campaign.topic, channel=campaign.channel)
    return members


def start(campaign, *, now=NOON):
    """Start and choose the audience, without sending."""
    begun = lifecycle.start(campaign, now=now)
    preparing.prepare_all(campaign.pk, now=now)
    campaign.refresh_from_db()
    return begun


def send_all(campaign, *, now=NOON, owner="worker-1"):
    campaign.refresh_from_db()
    result = sending.send_batch(campaign, owner=owner, now=now)
    lifecycle.finish_if_done(campaign.pk, now=now)
    campaign.refresh_from_db()
    return result
