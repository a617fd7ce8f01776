"""REST: ratings and reviews of products, satisfaction and recommendation of the shop."""

from typing import Any

import django_filters
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import partners, segments, timeline
from crm.events import FeedbackGiven
from crm.models import Customer, Feedback, Product, Scope
from crm.rest import filtering
from crm.rest.asked import Asked, body_of
from crm.rest.saying import page_of, says
from crm.rest.views import PartnerView

SCALES = {  # of each kind: the least and the most
    Feedback.Kind.RATING: (1.0, 5.0),
    Feedback.Kind.REVIEW: (1.0, 5.0),
    Feedback.Kind.CSAT: (1.0, 5.0),
    Feedback.Kind.NPS: (0.0, 10.0),
}


class FeedbackSaid(serializers.ModelSerializer[Feedback]):
    customer = serializers.UUIDField(source="customer.public_id")
    product = serializers.SerializerMethodField()

    class Meta:
        model = Feedback
        fields = ("id", "customer", "product", "kind", "score", "text", "language", "source", "at")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_product(self, feedback: Feedback) -> str | None:
        return feedback.product.sku if feedback.product else None


class NewFeedback(Asked):
    key = serializers.CharField(max_length=100, help_text=_("Of the shop: the same key is one."))
    customer = serializers.CharField(max_length=300)
    product = serializers.CharField(max_length=64, required=False)
    kind = serializers.ChoiceField(choices=Feedback.Kind.choices)
    score = serializers.FloatField(min_value=0, max_value=10, required=False)
    text = serializers.CharField(max_length=5_000, required=False)
    language = serializers.ChoiceField(choices=Customer.Language.choices, required=False)
    at = serializers.DateTimeField(required=False)

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        if "score" not in said and "text" not in said:
            raise serializers.ValidationError([_("Give a score, a text, or both.")])
        low, high = SCALES[said["kind"]]
        if not low <= said.get("score", low) <= high:
            raise serializers.ValidationError(
                {"score": [_("From %(low)g to %(high)g.") % {"low": low, "high": high}]}
            )
        return said


class FeedbackFilter(filtering.Strict):
    customer = django_filters.UUIDFilter("customer__public_id")
    product = django_filters.CharFilter("product__sku")

    class Meta:
        model = Feedback
        fields = ("kind",)


class FeedbackView(PartnerView):
    scope = Scope.CUSTOMERS_READ
    scopes = {"POST": Scope.EVENTS_WRITE}  # noqa: RUF012  (ClassVar of the base)

    @says("listFeedback", page_of(FeedbackSaid), filters=FeedbackFilter)
    def get(self, request: Request) -> Response:
        """What the customers whom this partner sees have said."""
        rows = Feedback.objects.select_related("customer", "product")
        if not self.partner.sees_everybody:
            rows = rows.filter(customer__in=partners.customers_of(self.partner))
        rows = filtering.narrow(request, FeedbackFilter, rows)
        return self.page(request, rows, FeedbackSaid)

    @says(
        "giveFeedback",
        FeedbackSaid,
        asked=NewFeedback,
        status=201,
        also={200: FeedbackSaid},
        example={
            "key": "review-77",
            "customer": "user_id:u-17",
            "product": "TEA-1",
            "kind": "review",
            "score": 5,
            "text": "很好喝",
        },
    )
    def post(self, request: Request) -> Response:
        """Something that a customer said elsewhere. 200 where the key was told before."""
        said = body_of(request, NewFeedback())
        customer = self.customer(said["customer"])
        row, is_new = self._keep(customer, said)
        return Response(FeedbackSaid(row).data, status=201 if is_new else 200)

    @transaction.atomic
    def _keep(self, customer: Customer, said: dict[str, Any]) -> tuple[Feedback, bool]:
        source, at = f"partner {self.partner.pk}", said.get("at", timezone.now())
        row, is_new = Feedback.objects.get_or_create(
            source=source,
            key=said["key"],
            defaults={
                "customer": customer,
                "product": _product(said.get("product")),
                "kind": said["kind"],
                "score": said.get("score"),
                "text": said.get("text", ""),
                "language": said.get("language", ""),
                "at": at,
            },
        )
        if row.customer_id != customer.pk:
            raise exceptions.NotFound(_("No such customer."))
        if is_new:
            segments.touch([customer.pk], "feedback")
            fact = FeedbackGiven(
                feedback_id=row.pk,
                feedback_kind=row.kind,
                score=row.score,
                sku=said.get("product", ""),
            )
            timeline.record(customer, fact, at=at, key=row.key, source=source)
        return row, is_new


def _product(sku: str | None) -> Product | None:
    if sku is None:
        return None
    found = Product.objects.filter(sku=sku).first()
    if found is None:
        raise serializers.ValidationError({"product": [_("There is no such product.")]})
    return found
