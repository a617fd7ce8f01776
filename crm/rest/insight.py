"""REST: what we think of one customer, and why."""

import uuid
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import partners, scores
from crm.models import Membership, Scope, Score
from crm.rest.customers import customer_of
from crm.rest.saying import says
from crm.rest.views import PartnerView


class _Belongs(serializers.Serializer[Any]):
    segment = serializers.SlugField()
    reason = serializers.DictField()
    since = serializers.DateTimeField()


class _Scored(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.FloatField()
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    reasons = serializers.ListField(child=serializers.CharField())
    detail = serializers.DictField()
    made_by = serializers.CharField()
    at = serializers.DateTimeField()


class InsightSaid(serializers.Serializer[Any]):
    customer = serializers.UUIDField()
    segments = _Belongs(many=True)
    scores = _Scored(many=True)


class CustomerInsightView(PartnerView):
    scope = Scope.INSIGHTS_READ

    @says("readInsights", InsightSaid)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """Segments, RFM, lifetime value, chances: each with its reasons and its maker."""
        customer = customer_of(self, public_id)
        known = Score.objects.filter(customer=customer).order_by("name")
        rows = Membership.objects.filter(customer=customer).select_related("segment")
        if not self.partner.sees_everybody:  # what is no narrowing costs a join
            rows = rows.filter(segment__in=partners.segments_of(self.partner))
        return Response(
            {
                "customer": str(customer.public_id),
                "segments": [
                    {"segment": one.segment.slug, "reason": one.reason, "since": one.entered_at}
                    for one in rows.order_by("segment__slug")
                ],
                "scores": [_score(one) for one in known],
            }
        )


def _score(score: Score) -> dict[str, Any]:
    detail = {name: value for name, value in score.detail.items() if name != "reasons"}
    return {
        "name": score.name,
        "value": score.value,
        "label": score.label,
        "reasons": scores.sentences(score),
        "detail": detail,
        "made_by": score.version,
        "at": score.at,
    }
