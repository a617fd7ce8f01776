"""The signature of a message, by Standard Webhooks; two of them while a secret changes."""

import base64
import secrets
from datetime import datetime

from crm import sealing
from crm.models import Webhook, WebhookMessage


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(webhook: Webhook, message: WebhookMessage, *, now: datetime) -> dict[str, str]:
    """What goes out with the body of a message. Raises sealing.Unsealable."""
    from standardwebhooks import Webhook as Signer  # pulls in much that no page needs

    sealed = [webhook.secret]
    if webhook.signs_twice(now):
        sealed.append(webhook.former_secret)
    signers = [Signer(sealing.unseal(one)) for one in sealed]
    signed = [one.sign(message.message_id, now, message.body) for one in signers]
    return {
        "Content-Type": "application/json",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }
