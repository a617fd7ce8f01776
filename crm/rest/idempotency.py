"""A POST that may be sent again: the first answer is kept under the key that it came with.

The answer is written in the transaction of the effect, so there is never one without the other.
An error has no effect and keeps nothing: what is sent again is tried again.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import sealing
from crm.models import ApiAnswer, Partner

HEADER = "Idempotency-Key"
LONGEST = 100
KEPT = timedelta(days=3)
HEADERS = ("Location", "ETag")  # of an answer, kept with it


class OtherBody(exceptions.APIException):
    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = _("This key came before with something else.")


class StillRunning(exceptions.APIException):
    status_code = 409
    default_code = "idempotency_key_in_use"
    default_detail = _("The first request with this key is still running.")


def key_of(request: Request) -> str:
    """The key of a request, "" for none. Raises ValidationError."""
    key: str = request.headers.get(HEADER, "")
    if len(key) > LONGEST or not key.isprintable():
        raise serializers.ValidationError({HEADER: [f"At most {LONGEST} printable characters."]})
    return key


def once(
    request: Request, partner: Partner, act: Callable[[], Response], *, now: datetime
) -> Response:
    """Act, or answer as the first time. Raises OtherBody and StillRunning."""
    key = key_of(request)
    if not key:
        return act()
    digest = _digest(request)
    with transaction.atomic():
        if not _claim(partner, key):
            raise StillRunning
        kept = ApiAnswer.objects.filter(partner=partner, key=key).first()
        if kept is None:
            answer = act()
            _keep(answer, partner, key, digest, now=now)
            return answer
    if kept.digest != digest:
        raise OtherBody
    said = json.loads(sealing.unseal(kept.body))
    headers = said["headers"] | {"Idempotent-Replayed": "true"}
    return Response(said["data"], status=kept.status, headers=headers)


def forget_old(*, now: datetime) -> int:
    """Forget answers of more than three days ago; return how many."""
    return ApiAnswer.objects.filter(at__lt=now - KEPT).delete()[0]


def _digest(request: Request) -> str:
    said = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(said + request._request.body).hexdigest()


def _claim(partner: Partner, key: str) -> bool:
    """Whether nobody else is at this key. SQLite has one writer at a time anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"answer {partner.pk} {key}"],
        )
        return bool(cursor.fetchone()[0])


def _keep(answer: Response, partner: Partner, key: str, digest: str, *, now: datetime) -> None:
    headers = {name: answer[name] for name in HEADERS if answer.has_header(name)}
    said = json.dumps({"data": answer.data, "headers": headers}, cls=DjangoJSONEncoder)
    ApiAnswer.objects.create(
        partner=partner,
        key=key,
        digest=digest,
        status=answer.status_code,
        body=sealing.seal(said),  # it may tell of a person
        at=now,
    )
