"""What is asked of the API: misspelt is an error, and nothing gets in that no database can keep."""

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import IO, Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

LARGEST = 1024 * 1024  # bytes of a body
DEEPEST = 32


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = _("The body is too large.")


class Asked(serializers.Serializer[Any]):
    """What a request says; a field that nobody knows is an error, not ignored."""

    unknown: Any = _("Unknown field.")
    is_json: ClassVar[bool] = True  # parameters of an address are always text

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError([_("A JSON object is needed.")])
        if self.is_json and (wrong := self._of_another_type(data)):
            raise serializers.ValidationError(wrong)
        said = super().to_internal_value(data)
        if strangers := {name: [self.unknown] for name in data if name not in self.fields}:
            raise serializers.ValidationError(strangers)
        return said

    def _of_another_type(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """DRF reads "yes" as true and 5 as text; a document that says so would be of no use."""
        wrong = {}
        for name, value in data.items():
            field = self.fields.get(name)
            values = [value]
            if isinstance(field, serializers.ListField) and isinstance(value, list):
                field, values = field.child, value
            kind = next((k for k in TYPES if isinstance(field, k)), None)
            if kind and not all(one is None or _fits(one, TYPES[kind][1]) for one in values):
                wrong[name] = [TYPES[kind][0]]
        return wrong


TYPES: dict[type[serializers.Field[Any, Any, Any, Any]], tuple[Any, tuple[type, ...]]] = {
    serializers.BooleanField: (_("Write true or false."), (bool,)),
    serializers.IntegerField: (_("A whole number is needed."), (int,)),
    serializers.FloatField: (_("A number is needed."), (int, float)),
    serializers.DecimalField: (_("A number is needed, as text or not."), (int, float, str)),
    serializers.CharField: (_("Text is needed."), (str,)),
    serializers.ChoiceField: (_("Text is needed."), (str,)),
    serializers.DateTimeField: (_("Text is needed."), (str,)),
}


class JSONParser(BaseParser):
    """JSON of bounded size and depth, with numbers and letters that a database can keep."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> Any:
        view = (parser_context or {}).get("view")
        largest = getattr(view, "largest_body", LARGEST)
        raw = stream.read(largest + 1)
        if len(raw) > largest:
            raise TooLarge(f"The body is over {largest} bytes.")
        try:
            body = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
        except UnicodeDecodeError as error:
            raise exceptions.ParseError(f"Not UTF-8 (byte {error.start}).") from None
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(f"Not JSON: {error}"[:200]) from None
        _look_through(body, "", 0)
        return body


def body_of(request: Request, kind: Asked) -> dict[str, Any]:
    """The body as `kind` reads it. Raises ValidationError."""
    said: dict[str, Any] = kind.run_validation(request.data)
    return said


def query_of(request: Request, kind: Asked) -> dict[str, Any]:
    """The parameters of the address as `kind` reads them; each may be given once."""
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise serializers.ValidationError({name: [_("Given more than once.")]})
    said: dict[str, Any] = kind.run_validation(request.query_params.dict())
    return said


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number


def _look_through(node: Any, pointer: str, depth: int) -> None:
    if depth > DEEPEST:
        raise exceptions.ParseError(f"Nested deeper than {DEEPEST}.")
    if isinstance(node, dict):
        for name, inner in node.items():
            _readable(name, pointer)
            _look_through(inner, f"{pointer}/{name}", depth + 1)
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            _look_through(inner, f"{pointer}/{number}", depth + 1)
    elif isinstance(node, str):
        _readable(node, pointer)
    elif isinstance(node, int) and abs(node) >= 2**63:
        raise exceptions.ParseError(f"{pointer or '/'}: a number over 64 bits.")


def _readable(text: str, pointer: str) -> None:
    if text.isascii():
        bad = "\x00" in text
    else:
        bad = "\x00" in text or any(unicodedata.category(letter) == "Cs" for letter in text)
    if bad:
        raise exceptions.ParseError(f"{pointer or '/'}: a character that is none.")
