"""What a request may ask, and lists in pages."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response


class Asked(serializers.Serializer[Any]):
    """What is misspelt is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(["A JSON object is needed."])
        said = super().to_internal_value(data)
        strangers = {name: ["Unknown field."] for name in data if name not in self.fields}
        if strangers:
            raise serializers.ValidationError(strangers)
        return said


class PageAsked(Asked):
    """The query of a list; a subclass has its filters."""

    limit = serializers.IntegerField(min_value=1, max_value=500, required=False)
    cursor = serializers.CharField(max_length=300, required=False)


class Pages(CursorPagination):
    """Newest first, `limit` rows a page; the neighbours stand in `Link` as well (RFC 8288)."""

    page_size, max_page_size, page_size_query_param, ordering = 50, 500, "limit", "-pk"

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        links = {"next": self.get_next_link(), "prev": self.get_previous_link()}
        if said := ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url):
            response["Link"] = said
        return response


def page(view: Any, request: Request, rows: Any, told: Any) -> Response:
    """A page of these rows; `told` puts a list of them into words."""
    pages = Pages()
    found: Any = pages.paginate_queryset(rows, request, view=view)
    return pages.get_paginated_response(told(found or []))
