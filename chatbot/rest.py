"""REST: what the chatbot understands of a text, for other programs. Nothing is kept of it."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot import understanding
from chatbot.ml.hearing import Heard
from crm.models import Scope
from crm.rest.asked import Asked, body_of
from crm.rest.saying import says
from crm.rest.views import PartnerView

LONGEST = 2_000  # characters, as in the chat


class TextAsked(Asked):
    text = serializers.CharField(max_length=LONGEST)


class IntentSaid(serializers.Serializer[Any]):
    name = serializers.CharField()
    confidence = serializers.FloatField()


class SpanSaid(serializers.Serializer[Any]):
    slot = serializers.CharField()
    value = serializers.JSONField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class SentimentSaid(serializers.Serializer[Any]):
    label = serializers.ChoiceField(choices=["pos", "neu", "neg"])  # type: ignore[assignment]
    score = serializers.FloatField()


class UnderstoodSaid(serializers.Serializer[Any]):
    language = serializers.CharField()
    tokens = serializers.ListField(child=serializers.CharField())
    intent = serializers.CharField()
    confidence = serializers.FloatField()
    intents = IntentSaid(many=True)
    entities = SpanSaid(many=True)
    sentiment = SentimentSaid()
    is_in_scope = serializers.BooleanField()
    made_by = serializers.CharField()


class UnderstandingView(PartnerView):
    scope = Scope.CHAT_WRITE
    keeps_answers = False  # nothing is changed

    @says(
        "understand", UnderstoodSaid, asked=TextAsked, example={"text": "有没有3000以下的华为手机"}
    )
    def post(self, request: Request) -> Response:
        """Language, words, the intent and its chance, entities and their places, feeling."""
        text = body_of(request, TextAsked())["text"]
        now = timezone.now()
        return Response(
            _told(understanding.hear(text, now=now), made_by=understanding.version(now=now))
        )


def _told(heard: Heard, *, made_by: str) -> dict[str, Any]:
    intents = [{"name": name, "confidence": chance} for name, chance in heard.guess.intents]
    best = intents[0]  # "fallback" where nothing fits
    return {
        "language": heard.language,
        "tokens": list(heard.tokens),
        "intent": best["name"],
        "confidence": best["confidence"],
        "intents": intents,
        "entities": [
            {"slot": slot, "value": value, "start": start, "end": end}
            for slot, value, start, end in heard.said
        ],
        "sentiment": {"label": heard.sentiment.label, "score": heard.sentiment.score},
        "is_in_scope": heard.guess.known >= heard.threshold,
        "made_by": made_by,
    }
