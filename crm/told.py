"""What was told already: the keys of events, wherever in time the events lie.

PostgreSQL keeps events by month, and no constraint reaches over months: there the keys have a
table of their own, which triggers keep up (docs/decisions/0064-events-by-month.md).
"""

from collections.abc import Collection

from django.db import connection

from crm.models import Event


def known(source: str, message_ids: Collection[str]) -> set[str]:
    """Which of these the source has told before."""
    if connection.vendor != "postgresql":
        told = Event.objects.filter(source=source, message_id__in=message_ids)
        return set(told.values_list("message_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT message_id FROM crm_event_key WHERE source = %s AND message_id = ANY(%s)",
            [source, list(message_ids)],
        )
        return {row[0] for row in cursor.fetchall()}


def event(source: str, message_id: str) -> Event:
    """The event of that key. Raises Event.DoesNotExist."""
    if connection.vendor != "postgresql":
        return Event.objects.get(source=source, message_id=message_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id, happened_at FROM crm_event_key WHERE source = %s AND message_id = %s",
            [source, message_id],
        )
        found = cursor.fetchone()
    if found is None:
        raise Event.DoesNotExist
    pk, at = found
    return Event.objects.get(pk=pk, happened_at=at)  # the moment names the month
