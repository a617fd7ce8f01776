"""A POST with an `Idempotency-Key` does its work once, and is answered the same every time.

The answer is written in the transaction of the work: there is no effect without it, and none
twice. The same key with something else is 422; while the first is still at work, 409.
"""

import functools
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import sealing
from crm.models import ApiAnswer

LONGEST = 100
KEPT = timedelta(days=3)
Handler = Callable[..., Response]


class OtherBody(exceptions.APIException):
    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "This key came before with something else."


class StillRunning(exceptions.APIException):
    status_code = 409
    default_code = "idempotency_key_in_use"
    default_detail = "The first request with this key is still at work."


def once(handle: Handler) -> Handler:
    """For the `post` of a `PartnerView`."""

    @functools.wraps(handle)
    def handled(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > LONGEST:
            reason = f"At most {LONGEST} characters."
            raise serializers.ValidationError({"Idempotency-Key": [reason]})
        digest = _digest(request)
        with transaction.atomic():
            if not key:
                return handle(view, request, *args, **kwargs)
            partner = view.partner
            _lock(partner.pk, key)
            before = ApiAnswer.objects.filter(partner=partner, key=key).first()
            if before is not None:
                return _again(before, digest)
            response = handle(view, request, *args, **kwargs)
            ApiAnswer.objects.create(
                partner=partner,
                key=key,
                digest=digest,
                status=response.status_code,
                body=sealing.seal(json.dumps(response.data, cls=DjangoJSONEncoder)),
                at=timezone.now(),
            )
            return response

    return handled


def forget_old(*, now: datetime) -> int:
    return ApiAnswer.objects.filter(at__lt=now - KEPT).delete()[0]


def _again(before: ApiAnswer, digest: str) -> Response:
    if before.digest != digest:
        raise OtherBody
    said = json.loads(sealing.unseal(before.body))
    return Response(said, status=before.status, headers={"Idempotent-Replayed": "true"})


def _digest(request: Request) -> str:
    said = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(said).hexdigest()


def _lock(partner: int, key: str) -> None:
    """Held until the transaction ends. SQLite has one writer: who comes second waits, and reads."""
    if connection.vendor != "postgresql":
        return
    number = hashlib.sha256(f"{partner}:{key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(number, signed=True)]
        )
        if not cursor.fetchone()[0]:
            raise StillRunning
