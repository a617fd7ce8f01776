"""REST: segments, who is in them and why, and how many a rule would find."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import partners, segments
from crm.models import Membership, Scope, Segment
from crm.rest import filtering, single
from crm.rest.asked import Asked, body_of
from crm.rest.paging import Pages
from crm.rest.saying import page_of, says
from crm.rest.views import PartnerView
from crm.segments import freshness


class SegmentSaid(serializers.Serializer[Any]):
    id = serializers.SlugField(source="slug")
    name_en = serializers.CharField()
    name_zh = serializers.CharField(allow_blank=True)
    description_en = serializers.CharField(allow_blank=True)
    description_zh = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(choices=Segment.Kind.choices)
    rule = serializers.DictField()
    size = serializers.IntegerField()
    refreshed_at = serializers.DateTimeField(allow_null=True)


class OneSegmentSaid(SegmentSaid):
    is_fresh = serializers.BooleanField(help_text=_("Whether its members are those of now."))
    stale_because = serializers.CharField(allow_blank=True)


class MemberSaid(serializers.Serializer[Any]):
    customer = serializers.UUIDField(source="customer.public_id")
    reason = serializers.DictField()
    entered_at = serializers.DateTimeField()


class EstimateAsked(Asked):
    rule = serializers.DictField()


class EstimateSaid(serializers.Serializer[Any]):
    size = serializers.IntegerField()
    low = serializers.IntegerField()
    high = serializers.IntegerField()
    is_exact = serializers.BooleanField()
    of = serializers.IntegerField()


class SegmentFilter(filtering.Strict):
    class Meta:
        model = Segment
        fields = ("kind",)


class MemberFilter(filtering.Strict):
    class Meta:
        model = Membership
        fields: tuple[str, ...] = ()


class SegmentsView(PartnerView):
    scope = Scope.SEGMENTS_READ

    @says("listSegments", page_of(SegmentSaid), filters=SegmentFilter)
    def get(self, request: Request) -> Response:
        """The segments that this partner may see, with their rules and sizes."""
        rows = filtering.narrow(request, SegmentFilter, partners.segments_of(self.partner))
        return self.page(request, rows, SegmentSaid)


class SegmentView(PartnerView):
    scope = Scope.SEGMENTS_READ

    @says("readSegment", OneSegmentSaid)
    def get(self, request: Request, slug: str) -> Response:
        """One segment, and whether its members are those of this moment."""
        segment = _one(self, slug)
        fresh = freshness.of(segment, now=timezone.now())
        said = SegmentSaid(segment).data | {
            "is_fresh": fresh.is_fresh,
            "stale_because": fresh.why,
        }
        return single.answer(request, said)


class MembersView(PartnerView):
    scope = Scope.SEGMENTS_READ

    @says("listMembers", page_of(MemberSaid), filters=MemberFilter)
    def get(self, request: Request, slug: str) -> Response:
        """Who is in a segment, why, and since when."""
        rows = Membership.objects.filter(
            segment=_one(self, slug), customer__merged_into=None
        ).select_related("customer")
        rows = filtering.narrow(request, MemberFilter, rows)
        return self.page(request, rows, MemberSaid, Pages)


class EstimateView(PartnerView):
    scope = Scope.SEGMENTS_READ
    keeps_answers = False  # nothing is changed

    @says(
        "estimateRule",
        EstimateSaid,
        asked=EstimateAsked,
        example={"rule": {"field": "language", "op": "=", "value": "en"}},
    )
    def post(self, request: Request) -> Response:
        """How many a rule would find, within seconds: counted, or estimated with its interval."""
        if not self.partner.sees_everybody:
            raise exceptions.PermissionDenied(
                _("Only a partner who sees all customers asks how many a rule finds.")
            )
        rule = body_of(request, EstimateAsked())["rule"]
        try:
            found = segments.estimate(rule, now=timezone.now())
        except segments.BadRule as error:
            raise serializers.ValidationError({"rule": [str(error)]}) from None
        except segments.TooSlow:
            raise TooSlow from None
        return Response(EstimateSaid(found).data)


class TooSlow(exceptions.APIException):
    status_code = 422
    default_code = "too_slow"
    default_detail = _("This rule takes too long to be counted.")


def _one(view: PartnerView, slug: str) -> Segment:
    segment = partners.segments_of(view.partner).filter(slug=slug).first()
    if segment is None:
        raise exceptions.NotFound(_("No such segment."))
    return segment
