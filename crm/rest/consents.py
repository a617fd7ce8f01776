"""REST: what one customer agreed to, and how we know."""

import uuid
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import consent
from crm.models import Channel, Consent, Customer, Scope, Topic
from crm.rest.asked import Asked, body_of
from crm.rest.customers import SOURCE, customer_of
from crm.rest.saying import says
from crm.rest.views import PartnerView


class ConsentSaid(serializers.Serializer[Any]):
    channel = serializers.ChoiceField(choices=Channel.choices)
    topic = serializers.SlugField()
    is_granted = serializers.BooleanField()
    changed_at = serializers.DateTimeField()


class ConsentsSaid(serializers.Serializer[Any]):
    results = ConsentSaid(many=True)


class ConsentAsked(Asked):
    channel = serializers.ChoiceField(choices=Channel.choices)
    topic = serializers.SlugField(max_length=50)
    is_granted = serializers.BooleanField()
    evidence = serializers.CharField(
        max_length=500, help_text=_("How we know: the form, the call, the words that were shown.")
    )


class ConsentsView(PartnerView):
    scope = Scope.CUSTOMERS_READ
    scopes = {"POST": Scope.CUSTOMERS_WRITE}  # noqa: RUF012

    @says("readConsents", ConsentsSaid)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """The present answers of a customer. What is not there was never said: it is a no."""
        return Response({"results": _consents(customer_of(self, public_id))})

    @says(
        "recordConsent",
        ConsentsSaid,
        asked=ConsentAsked,
        example={
            "channel": "email",
            "topic": "offers",
            "is_granted": True,
            "evidence": "The box of the checkout, 3 May",
        },
    )
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Record one answer with its evidence."""
        said = body_of(request, ConsentAsked())
        customer = customer_of(self, public_id)
        topic = Topic.objects.filter(slug=said["topic"]).first()
        if topic is None:
            raise serializers.ValidationError({"topic": [_("There is no such topic.")]})
        consent.change(
            customer,
            channel=said["channel"],
            topic=topic,
            is_granted=said["is_granted"],
            source=SOURCE,
            evidence={"partner": self.partner.name, "said": said["evidence"]},
            at=timezone.now(),
        )
        return Response({"results": _consents(customer)})


def _consents(customer: Customer) -> list[dict[str, Any]]:
    rows = Consent.objects.filter(customer=customer).select_related("topic")
    return [
        {
            "channel": one.channel,
            "topic": one.topic.slug,
            "is_granted": one.is_granted,
            "changed_at": one.changed_at,
        }
        for one in rows.order_by("channel", "topic__slug")
    ]
