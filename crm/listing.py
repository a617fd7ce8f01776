"""Admin lists that stay fast when a table is large: no full counts, a fixed number of queries."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts to 10,000 and no further: nobody turns to page four hundred, and a count reads all."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: COUNTED + 1].count())


class FastAdmin(ModelAdmin):
    """The base of every list in the admin."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    compressed_fields = True
    nothing_yet: Any = ""  # what to do where the list is empty


class ReadOnlyAdmin(FastAdmin):
    """For trails: what was recorded is looked at, not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
