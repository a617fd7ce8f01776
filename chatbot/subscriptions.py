"""What a chat changes about who may write to a customer: by channel and by topic, and back."""

from collections.abc import Sequence
from datetime import datetime

from chatbot.ml.subscribing import BEFORE, slugs_of
from chatbot.models import Message, Turn
from crm import consent
from crm.models import Channel, Consent, Customer, Topic

WRITTEN = ("email", "sms", "wechat")  # what "all channels" stands for when somebody comes back


def leave(message: Message, *, channel: str, topic: str, language: str, now: datetime) -> str:
    """Say no, to a channel or only to some topics on it; return the names of these topics."""
    topics = _chosen(topic) if topic else None
    consent.withdraw_all(
        message.conversation.customer,
        channel=channel,
        topics=topics,
        source="chat",
        evidence={"message": message.pk},
        at=now,
    )
    return _names(topics or [], language)


def join(message: Message, *, channel: str, topic: str, language: str, now: datetime) -> str:
    """Say yes to topics on a channel, "all" for every channel; return the names of the topics."""
    customer = message.conversation.customer
    channels = [c for c in WRITTEN if channel in ("all", c) and c in Channel.values]
    topics = _left_before(customer, channels) if topic == BEFORE else []
    topics = topics or _chosen(topic)
    for one in topics:
        for place in channels:
            consent.change(
                customer,
                channel=place,
                topic=one,
                is_granted=True,
                source="chat",
                evidence={"message": message.pk},
                at=now,
            )
    return _names(topics, language)


def set_back(message: Message, *, turn: int, now: datetime) -> None:
    """Turn back what the answer to an earlier message of this chat has changed."""
    taken = Turn.objects.filter(
        message__conversation=message.conversation_id, memory_after__turn=turn
    )
    for changed in taken.values_list("message", flat=True):
        consent.turn_back(
            message.conversation.customer,
            of={"message": changed},
            source="chat",
            evidence={"message": message.pk, "undoes": changed},
            at=now,
        )


def _chosen(slot: str) -> list[Topic]:
    topics = list(Topic.objects.order_by("id"))
    wanted = slugs_of(slot, [topic.slug for topic in topics])
    return [topic for topic in topics if topic.slug in wanted]


def _left_before(customer: Customer, channels: Sequence[str]) -> list[Topic]:
    left = Consent.objects.filter(customer=customer, channel__in=channels, is_granted=False)
    return list(Topic.objects.filter(pk__in=left.values("topic")).order_by("id"))


def _names(topics: Sequence[Topic], language: str) -> str:
    """Nothing where the shop has but one topic, which nobody need be told."""
    if Topic.objects.count() < 2:
        return ""
    chinese = language == "zh"
    names = [topic.name_zh if chinese else topic.name_en for topic in topics]
    return ("、" if chinese else ", ").join(names)
