"""REST: how campaigns and journeys are doing, and whom another system lets into a journey.

A partner sees the campaigns of their segments, and the journeys that other systems start; of these
they are told of their own customers only. Who sees everybody sees all of them.
"""

import functools
import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

import django_filters
from django.db.models import Count, QuerySet
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import results
from campaigns.journeys import entering, running, steering
from campaigns.journeys.running import Running
from campaigns.models import Campaign, Journey, Passage
from crm import partners
from crm.models import Partner, Scope
from crm.rest import filtering, single
from crm.rest.asked import Asked, body_of
from crm.rest.paging import NewestFirst
from crm.rest.saying import page_of, says
from crm.rest.views import PartnerView

BY_REQUEST = "api"  # the trigger of a journey that other systems let people into


class CampaignFilter(filtering.Strict):
    state = django_filters.ChoiceFilter("status", choices=Campaign.Status.choices)

    class Meta:
        model = Campaign
        fields: tuple[str, ...] = ()


class JourneyFilter(filtering.Strict):
    class Meta:
        model = Journey
        fields = ("state",)


class CampaignSaid(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    channel = serializers.CharField()
    state = serializers.ChoiceField(choices=Campaign.Status.choices)
    segment = serializers.SlugField(allow_null=True)
    topic = serializers.SlugField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    messages = serializers.DictField(child=serializers.IntegerField())


class Caused(serializers.Serializer[Any]):
    customers = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class CampaignResultSaid(CampaignSaid):
    funnel = serializers.DictField(child=serializers.IntegerField())
    skipped = serializers.DictField(child=serializers.IntegerField())
    caused = Caused(allow_null=True)


class JourneySaid(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=Journey.State.choices)
    by_request = serializers.BooleanField()
    topic = serializers.SlugField()
    launched_at = serializers.DateTimeField(allow_null=True)
    people = serializers.DictField(child=serializers.IntegerField())


class PassageSaid(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    state = serializers.CharField()


class EntrySaid(serializers.Serializer[Any]):
    journey = serializers.IntegerField()
    customer = serializers.UUIDField()
    entered = serializers.BooleanField()
    passage = PassageSaid(allow_null=True)


class _EntryAsked(Asked):
    customer = serializers.CharField(max_length=300)


class JourneyNotLive(exceptions.APIException):
    status_code = 409
    default_code = "journey_not_live"
    default_detail = "This journey lets nobody in now."


class CampaignsView(PartnerView):
    scope = Scope.CAMPAIGNS_WRITE

    @says("listCampaigns", page_of(CampaignSaid), filters=CampaignFilter)
    def get(self, request: Request) -> Response:
        """Broadcasts, the newest first."""
        rows = filtering.narrow(request, CampaignFilter, _campaigns_of(self.partner))
        return self.page(request, rows, _campaigns_told, NewestFirst)


class CampaignView(PartnerView):
    scope = Scope.CAMPAIGNS_WRITE

    @says("readCampaign", CampaignResultSaid)
    def get(self, request: Request, pk: int) -> Response:
        """One broadcast with its funnel, and what it caused against those who were held out."""
        campaign = _campaigns_of(self.partner).filter(pk=pk).first()
        if campaign is None:
            raise exceptions.NotFound("No such campaign.")
        result = results.of(campaign, now=timezone.now())
        caused = result.overall_caused
        more = {
            "funnel": dict(result.funnel),
            "skipped": dict(result.skipped),
            "caused": {"customers": caused.estimate, "low": caused.lower, "high": caused.upper}
            if caused
            else None,
        }
        return single.answer(request, _campaigns_told([campaign])[0] | more)


class JourneysView(PartnerView):
    scope = Scope.CAMPAIGNS_WRITE

    @says("listJourneys", page_of(JourneySaid), filters=JourneyFilter)
    def get(self, request: Request) -> Response:
        """The journeys that other systems start; to who sees everybody all others too."""
        rows = filtering.narrow(request, JourneyFilter, _journeys_of(self.partner))
        tell = functools.partial(_journeys_told, partner=self.partner)
        return self.page(request, rows, tell, NewestFirst)


class JourneyView(PartnerView):
    scope = Scope.CAMPAIGNS_WRITE

    @says("readJourney", JourneySaid)
    def get(self, request: Request, pk: int) -> Response:
        """One journey, with how many people are where in it."""
        journey = _journey(self.partner, pk)
        return single.answer(request, _journeys_told([journey], self.partner)[0])


class EntriesView(PartnerView):
    scope = Scope.CAMPAIGNS_WRITE

    @says(
        "letIntoJourney",
        EntrySaid,
        asked=_EntryAsked,
        status=201,
        also={200: EntrySaid},
        example={"customer": "user_id:u-17"},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Let somebody into a journey whose entry is “whom another system lets in”.

        201 with the passage; 200 with `entered: false` for who may not come in (again), or is
        inside. The same `Idempotency-Key` lets in once, and is answered the same.
        """
        wanted = body_of(request, _EntryAsked())
        journey = _journey(self.partner, pk)
        customer = self.customer(wanted["customer"])
        runs = running.of_all([journey])  # none before its first launch
        if not runs or not _is_by_request(runs[0]):
            raise JourneyNotLive
        key = _key(self.partner, request.headers.get("Idempotency-Key") or str(uuid.uuid4()))
        try:
            came = entering.enter_by_request(runs[0], customer, key, now=timezone.now())
        except entering.NotLive:
            raise JourneyNotLive from None
        steering.wake()
        mine = Passage.objects.filter(journey=journey, customer=customer).order_by("-number")
        passage = mine.first()
        answer = {
            "journey": journey.pk,
            "customer": str(customer.public_id),
            "entered": came,
            "passage": passage and {"number": passage.number, "state": passage.state},
        }
        return Response(answer, status=201 if came else 200)


def _campaigns_of(partner: Partner) -> "QuerySet[Campaign]":
    found: QuerySet[Campaign] = Campaign.objects.broadcasts().select_related("segment", "topic")
    if partner.sees_everybody:
        return found
    return found.filter(segment__in=partner.segments.all())


def _journeys_of(partner: Partner) -> "QuerySet[Journey]":
    found = Journey.objects.select_related("version", "topic")
    if partner.sees_everybody:
        return found
    # By the version that runs, not by the draft: that is what staff are still thinking of. A shop
    # has tens of journeys, and not every database can look into JSON.
    runs = running.of_all(found.exclude(version=None))
    return found.filter(pk__in=[one.journey.pk for one in runs if _is_by_request(one)])


def _journey(partner: Partner, pk: int) -> Journey:
    journey = _journeys_of(partner).filter(pk=pk).first()
    if journey is None:
        raise exceptions.NotFound("No such journey.")
    return journey


def _is_by_request(one: Running) -> bool:
    return bool(one.graph.entry.data["trigger"] == BY_REQUEST)


def _campaigns_told(campaigns: Sequence[Campaign]) -> list[dict[str, Any]]:
    """With how many messages are in which state; one query for all of them."""
    counted = results.status_counts(campaigns)
    return [
        {
            "id": one.pk,
            "name": one.name,
            "channel": one.channel,
            "state": one.status,
            "segment": one.segment.slug if one.segment else None,
            "topic": one.topic.slug,
            "started_at": one.started_at,
            "finished_at": one.finished_at,
            "messages": counted.get(one.pk, {}),
        }
        for one in campaigns
    ]


def _journeys_told(journeys: Sequence[Journey], partner: Partner) -> list[dict[str, Any]]:
    """With how many of the partner's customers are in which state; one query for all of them."""
    ours = Passage.objects.filter(journey__in=journeys)
    if not partner.sees_everybody:
        ours = ours.filter(customer__in=partners.customers_of(partner))
    counted: dict[int, dict[str, int]] = {}
    rows = ours.values_list("journey_id", "state").annotate(Count("pk")).order_by()
    for journey_id, state, number in rows:
        counted.setdefault(journey_id, {})[state] = number
    by_pk = {one.journey.pk: one for one in running.of_all(journeys)}
    return [
        {
            "id": one.pk,
            "name": one.name,
            "state": one.state,
            "by_request": one.pk in by_pk and _is_by_request(by_pk[one.pk]),
            "topic": one.topic.slug,
            "launched_at": one.launched_at,
            "people": counted.get(one.pk, {}),
        }
        for one in journeys
    ]


def _key(partner: Partner, text: str) -> str:
    """The partner's own keys are nobody else's, and as short as a passage's may be."""
    return hashlib.sha256(f"{partner.pk}:{text}".encode()).hexdigest()
