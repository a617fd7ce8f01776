"""Lists a page at a time, by the place of the last row: nothing is skipped or comes twice."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

LARGEST = 500
USUAL = 100


class Pages(CursorPagination):
    """`next`, `previous`, `results`, and the first two as RFC 8288 links too.

    Rows are ordered by what never changes and no two share, so other people's writing moves
    nothing from one page to another.
    """

    page_size = USUAL
    max_page_size = LARGEST
    page_size_query_param = "page_size"
    ordering = "pk"

    def get_paginated_response(self, data: Any) -> Response:
        ends = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        links = [f'<{url}>; rel="{name}"' for name, url in ends.items() if url]
        headers = {"Link": ", ".join(links)} if links else {}
        return Response(ends | {"results": data}, headers=headers)


class NewestFirst(Pages):
    ordering = "-pk"
