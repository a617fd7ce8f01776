"""What came in: events, where from, and what could not be read."""

from django.contrib import admin

from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import (
    DeadLetter,
    Event,
    Source,
)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["kind", "name", "customer", "source", "happened_at"]
    list_select_related = ["customer"]
    search_fields = ["=message_id", "=kind"]
    ordering = ["-pk"]


@admin.register(Source)
class SourceAdmin(FastAdmin):
    list_display = ["name", "requests_per_second", "duplicates", "revoked_at"]
    readonly_fields = ["write_key", "duplicates"]


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ["reason", "source", "received_at", "replayed_at"]
    list_select_related = ["source"]
    ordering = ["-pk"]
