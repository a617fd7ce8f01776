"""What a call takes and answers, said beside it; `crm/rest/schema.py` makes the document of it.

Nothing here imports drf-spectacular: a server has no need of it until somebody asks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rest_framework import serializers

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Said:
    """asked: the body; query: the parameters of the address, as a serializer; filters: of a list,
    as a FilterSet; answers: by status; name: of the call, in the document and in clients."""

    name: str
    answers: Mapping[int, Any]
    asked: Any = None
    query: Any = None
    filters: Any = None
    example: Any = None
    tags: list[str] = field(default_factory=list)


def says(  # noqa: PLR0913  (all that may be said of a call)
    name: str,
    answer: Any = None,
    *,
    asked: Any = None,
    query: Any = None,
    filters: Any = None,
    status: int = 200,
    also: Mapping[int, Any] | None = None,
    example: Any = None,
) -> Callable[[F], F]:
    """Say of a method of a view what it is called, takes and answers."""

    def note(method: F) -> F:
        method.said = Said(  # type: ignore[attr-defined]
            name, {status: answer, **(also or {})}, asked, query, filters, example
        )
        return method

    return note


class Pointed(serializers.Serializer[Any]):
    pointer = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457: what is wrong, where, and the id by which we find it in our log."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    message = serializers.CharField()
    request_id = serializers.CharField(allow_blank=True)
    errors = Pointed(many=True)  # type: ignore[assignment]  # the metaclass takes it away


def page_of(kind: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """A page of these."""
    fields = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": kind(many=True),
    }
    return type(f"PageOf{kind.__name__}", (serializers.Serializer,), fields)
