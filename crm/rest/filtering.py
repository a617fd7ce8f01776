"""Filters of lists: a filter that nobody knows would be a longer list, so it is an error."""

from typing import Any, TypeVar

import django_filters
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from crm.rest.paging import LARGEST

PAGING = {"cursor", "page_size"}
M = TypeVar("M", bound=Model)


class Strict(django_filters.FilterSet):  # type: ignore[misc]  # it has no types
    """A set of filters whose names are all that may be asked for."""


def narrow(request: Request, kind: type[Strict], rows: QuerySet[M]) -> QuerySet[M]:
    """The rows that the parameters ask for. Raises ValidationError naming the parameter."""
    asked = request.query_params
    known = PAGING | set(kind.base_filters)
    strangers: dict[str, Any] = {n: [_("Unknown parameter.")] for n in asked if n not in known}
    twice = {n: [_("Given more than once.")] for n, v in asked.lists() if len(v) > 1}
    nul = {n: [_("A character that is none.")] for n, v in asked.items() if "\0" in v}
    blank = {n: [_("May not be blank.")] for n, v in asked.items() if not v and n != "cursor"}
    yes_no = {
        name: [_("Write true or false.")]
        for name, one in kind.base_filters.items()
        if isinstance(one, django_filters.BooleanFilter)
        and asked.get(name, "true") not in ("true", "false")
    }
    if wrong := strangers | yes_no | twice | nul | blank | _wrong_size(asked.get("page_size")):
        raise serializers.ValidationError(wrong)
    found = kind(asked, rows, request=request)
    if not found.is_valid():
        raise serializers.ValidationError(found.errors)
    narrowed: QuerySet[M] = found.qs
    return narrowed


def _wrong_size(text: str | None) -> dict[str, Any]:
    if not text or (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST):
        return {}
    return {"page_size": [_("A whole number from 1 to %(most)s.") % {"most": LARGEST}]}
