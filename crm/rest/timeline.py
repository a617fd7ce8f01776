"""REST: what happened to one customer."""

import uuid

import django_filters
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import Event, Scope
from crm.rest import filtering
from crm.rest.customers import customer_of
from crm.rest.paging import NewestFirst
from crm.rest.saying import page_of, says
from crm.rest.views import PartnerView


class EventSaid(serializers.ModelSerializer[Event]):
    data = serializers.DictField()  # type: ignore[assignment]  # the metaclass takes it away

    class Meta:
        model = Event
        fields = ("id", "kind", "name", "source", "message_id", "data", "happened_at",
                  "received_at")  # fmt: skip


class TimelineFilter(filtering.Strict):
    after = django_filters.IsoDateTimeFilter("happened_at", "gte")
    before = django_filters.IsoDateTimeFilter("happened_at", "lt")

    class Meta:
        model = Event
        fields = ("kind",)


class TimelineView(PartnerView):
    scope = Scope.CUSTOMERS_READ

    @says("readTimeline", page_of(EventSaid), filters=TimelineFilter)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """What happened to a customer, as it was told to us: the newest first."""
        customer = customer_of(self, public_id)
        rows = filtering.narrow(request, TimelineFilter, Event.objects.filter(customer=customer))
        return self.page(request, rows, EventSaid, NewestFirst)
