"""Lets campaigns speak in a chat, without campaigns knowing of conversations."""

from django.utils import timezone

from campaigns.channels import AddressRefused, PermanentFailure
from chatbot import conversation, holdout, transcript, visits
from chatbot.models import Conversation, Message
from crm.models import Customer


class ChatChannel:
    """`to` is the customer's public id. The message waits in their chat until they look.

    The same `message_id` twice is one message. Who is held out is never spoken to first.
    """

    idempotent = True

    def deliver(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str,
        headers: dict[str, str],
        message_id: str,
    ) -> None:
        customer = Customer.objects.filter(public_id=to).first()
        if customer is None:
            raise AddressRefused(f"{to} names no customer")
        if not holdout.may_speak_first(customer):
            raise PermanentFailure("held out: the bot does not speak to this customer first")
        now = timezone.now()
        chat = (
            Conversation.objects.open()
            .filter(customer=customer)
            .order_by("-updated_at", "-id")
            .first()
        )
        if chat is None:
            chat = visits.open_for(
                customer, visitor="", is_verified=customer.is_known, language="", now=now
            )
        saying = transcript.Saying(
            Message.Sender.BOT,
            f"{subject}\n{text}" if subject else text,
            chat.language,
            client_id=message_id[-64:],
            payload={"act": ["campaign"], "products": [], "quick_replies": []},
        )
        conversation.reply(chat.pk, saying, now=now)
