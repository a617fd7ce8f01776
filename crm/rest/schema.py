"""The OpenAPI document, made of what views say of themselves (`crm/rest/saying.py`).

Errors, the key and the headers that all calls have in common are added here.
"""

from typing import Any

import django_filters
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers

from crm.rest.asked import Asked
from crm.rest.paging import LARGEST, USUAL
from crm.rest.problems import CONTENT_TYPE
from crm.rest.saying import Problem, Said

PREFIX = "/api/v1/"
BODY = ("POST", "PUT", "PATCH")
ERRORS = {
    "400": "Something in the request is not valid; `errors` says where.",
    "401": "No key, or one that is unknown, revoked or expired.",
    "403": "The key lacks the scope.",
    "404": "Nothing there that this key may see.",
    "406": "Only JSON is spoken here.",
    "409": "It clashes with what is there, or the first request is still running.",
    "412": "It has changed since you read it.",
    "413": "The body is too large.",
    "415": "Send JSON.",
    "422": "Well formed, but it cannot be done.",
    "429": "Too many requests; see `Retry-After`.",
}
TYPES = {
    django_filters.BooleanFilter: OpenApiTypes.BOOL,
    django_filters.IsoDateTimeFilter: OpenApiTypes.DATETIME,
    django_filters.NumberFilter: OpenApiTypes.DECIMAL,
}


def only_the_api(endpoints: list[Any]) -> list[Any]:
    """Of all addresses those that partners call, with what their views say of them."""
    found: dict[Any, Any] = {}
    for path, pattern, method, callback in sorted(endpoints, key=lambda one: len(one[0])):
        call = getattr(callback.cls, method.lower(), None)
        said = getattr(call, "said", None)
        if said is None or not path.startswith(PREFIX):
            continue
        _describe(call, said)
        # A view that answers at two addresses is told of at the shorter.
        found.setdefault((callback.cls, method), (path, pattern, method, callback))
    return sorted(found.values(), key=lambda one: one[0])


def _describe(method: Any, said: Said) -> None:
    if hasattr(method, "kwargs"):  # described before, in this process
        return
    parameters: list[Any] = [said.query] if said.query is not None else []
    if said.filters is not None:
        parameters += [*_filters(said.filters), *PAGING]
    examples = []
    if said.example is not None:
        examples.append(OpenApiExample("example", value=said.example, request_only=True))
    extend_schema(
        operation_id=said.name,
        request=said.asked,
        parameters=parameters,
        responses=dict(said.answers),
        examples=examples,
    )(method)


class PartnerKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "crm.rest.views.PartnerAuthentication"
    name = "partnerKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A partner's key, shown once when it is made: `rk_…`.",
        }


class Calls(AutoSchema):
    """Adds to each call what all calls have in common."""

    view: Any

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix(PREFIX).split("/")[0]]

    def get_override_parameters(self) -> list[Any]:
        if self.method == "POST" and self.view.keeps_answers:
            return [_header("Idempotency-Key", "The same key and body have the first answer.")]
        if self.method == "PATCH":
            return [_header("If-Match", "The ETag of the state that you have seen.")]
        return []

    def get_description(self) -> str:  # type: ignore[override]
        scope = self.view.scopes.get(self.method, self.view.scope)
        return f"{super().get_description()}\n\nNeeds the scope `{scope}`.".strip()

    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_response_bodies(*args, **kwargs)
        for status in sorted(self._errors() - set(found)):
            said = OpenApiResponse(Problem, description=ERRORS[status])
            found[status] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                said, status, media_types=[CONTENT_TYPE]
            )
        return found

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        mapped = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, Asked):
            mapped["additionalProperties"] = False
        return mapped

    def _map_serializer_field(self, field: Any, direction: Any, *args: Any, **kwargs: Any) -> Any:
        mapped = super()._map_serializer_field(field, direction, *args, **kwargs)  # type: ignore[no-untyped-call]
        if direction == "request" and isinstance(field, serializers.DecimalField):
            limits = {"minimum": 0} if field.min_value == 0 else {}
            return {"anyOf": [mapped, {"type": "number", **limits}]}
        return mapped

    def _errors(self) -> set[str]:
        seen = {"400", "401", "403", "404", "406", "429"}
        if self.method in BODY:
            seen |= {"409", "413", "415", "422"}
        if self.method == "PATCH":
            seen.add("412")
        return seen


def _header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description
    )


def _filters(kind: type[django_filters.FilterSet]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(
            name,
            next((say for base, say in TYPES.items() if isinstance(one, base)), OpenApiTypes.STR),
            enum=[value for value, _ in one.extra.get("choices") or ()] or None,
        )
        for name, one in kind.base_filters.items()
    ]


PAGING = (
    OpenApiParameter("cursor", OpenApiTypes.STR, description="Of the page, as a link gave it."),
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": USUAL},
    ),
)
