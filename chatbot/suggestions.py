"""Replies that an agent may choose: from the question book, and of the canned answers. They are
put into the answer box and changed there; nothing here sends anything."""

from datetime import datetime
from typing import Any

import numpy as np
from django.contrib.auth.models import User

from chatbot import answers, canned
from chatbot.ml import likeness
from chatbot.models import Conversation, Message
from crm.encoder import encode

LIKELY = 0.15  # chance that an answer of the book fits, from which on it is worth a look
FITS = {True: 0.25, False: 0.12}  # likeness of a canned answer to what was asked
FROM_BOOK, CANNED = 2, 2


def of(chat: Conversation, staff: User, *, now: datetime) -> dict[str, Any]:
    """Suggestions for the customer's newest message, best first, and every canned answer."""
    ready = canned.for_chat(chat, staff)
    said = chat.messages.filter(sender=Message.Sender.CUSTOMER).order_by("-seq").first()
    suggested = []
    if said is not None:
        from_book = _from_book(said.text, chat.language, now=now)
        suggested = [*from_book, *_canned(said.text, ready)]
    return {"suggestions": suggested, "canned": ready, "of": said.seq if said else 0}


def _from_book(question: str, language: str, *, now: datetime) -> list[dict[str, Any]]:
    hits = answers.find(question, language=language, now=now, n=FROM_BOOK)
    return [
        {"text": hit.text, "source": hit.question, "chance": round(hit.chance, 2)}
        for hit in hits
        if hit.chance >= LIKELY and hit.text
    ]


def _canned(question: str, ready: list[dict[str, str]]) -> list[dict[str, Any]]:
    if not ready:
        return []
    texts = [question, *(f"{row['shortcut']} {row['text']}" for row in ready)]
    encoded = encode(texts)
    rows = likeness.by_pieces(texts) if encoded is None else likeness.unit(encoded)
    alike = rows[1:] @ rows[0]
    best = np.argsort(-alike, kind="stable")[:CANNED]
    fits = FITS[encoded is not None]
    return [
        {"text": ready[i]["text"], "source": f"/{ready[i]['shortcut']}", "chance": None}
        for i in best.tolist()
        if alike[i] >= fits
    ]
