"""What customers think of answers and of the whole chat."""

from datetime import datetime

from chatbot.events import ConversationRated
from chatbot.models import Conversation, Message
from crm import segments, timeline
from crm.events import FeedbackGiven
from crm.models import Feedback


class NothingToRate(Exception):
    """There is no such answer in this conversation."""


def rate_answer(conversation_id: int, *, seq: int, rating: int, comment: str = "") -> None:
    """A thumb for one answer; the last one counts. Raises NothingToRate."""
    answers = Message.objects.filter(
        conversation_id=conversation_id,
        seq=seq,
        sender__in=[Message.Sender.BOT, Message.Sender.AGENT],
    )
    if not answers.update(rating=rating, comment=comment[:500]):
        raise NothingToRate(f"message {seq} is not an answer of this conversation")


def rate_conversation(conversation_id: int, *, score: int, now: datetime) -> None:
    """One to five for the whole chat; the last one counts."""
    chat = Conversation.objects.select_related("customer").get(pk=conversation_id)
    row, is_new = Feedback.objects.update_or_create(
        source="chat",
        key=f"csat:{chat.public_id}",
        defaults={
            "customer": chat.customer,
            "kind": Feedback.Kind.CSAT,
            "score": float(score),
            "language": chat.language,
            "at": now,
        },
    )
    segments.touch([row.customer_id], "feedback")
    if is_new:
        key = str(chat.public_id)
        rated = ConversationRated(conversation=key, score=score)
        timeline.record(chat.customer, rated, at=now, key=key)
        given = FeedbackGiven(feedback_id=row.pk, feedback_kind="csat", score=float(score))
        timeline.record(chat.customer, given, at=now, key=f"csat:{key}", source="chat")
