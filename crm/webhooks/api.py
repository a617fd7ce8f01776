"""REST: a partner's own webhooks, and what became of the messages to them."""

import hashlib
import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import Scope, Webhook, WebhookMessage
from crm.rest.asked import Asked, PageAsked, page
from crm.rest.idempotency import once
from crm.rest.views import PartnerView
from crm.webhooks import steering

MOST_REPLAYED = 500


class _WebhookSaid(Asked):
    url = serializers.CharField(max_length=500)
    name = serializers.CharField(max_length=100, required=False)
    events = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=100, source="kinds"
    )
    contact = serializers.EmailField(required=False, allow_blank=True)
    state = serializers.ChoiceField(
        choices=[Webhook.State.ACTIVE, Webhook.State.PAUSED], required=False
    )


class _ReplaySaid(Asked):
    messages = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=MOST_REPLAYED, required=False
    )


class _Nothing(Asked):
    pass


class _MessagesAsked(PageAsked):
    state = serializers.ChoiceField(choices=WebhookMessage.State.choices, required=False)


class Changed(exceptions.APIException):
    status_code = 412
    default_code = "changed_meanwhile"
    default_detail = "It was changed since you read it: the ETag is another one."


class NotActive(exceptions.APIException):
    status_code = 409
    default_code = "webhook_not_active"
    default_detail = "This webhook is paused or disabled; nothing is sent to it."


class _View(PartnerView):
    """A webhook carries what its partner may read anyway: who may read customers may have one."""

    scope = Scope.CUSTOMERS_READ

    def webhook(self, public_id: uuid.UUID) -> Webhook:
        found = Webhook.objects.filter(partner=self.partner, public_id=public_id).first()
        if found is None:
            raise exceptions.NotFound("No such webhook.")
        return found


class WebhooksView(_View):
    """GET: the partner's webhooks. POST {url, events, name, contact}: one more, and its secret."""

    def get(self, request: Request) -> Response:
        PageAsked().run_validation(request.query_params.dict())
        mine = Webhook.objects.filter(partner=self.partner)
        return page(self, request, mine, lambda rows: [_told(one) for one in rows])

    @once
    def post(self, request: Request) -> Response:
        said = _WebhookSaid().run_validation(request.data)
        said.setdefault("name", said["url"].partition("://")[2].partition("/")[0][:100])
        try:
            webhook, secret = steering.make(self.partner, now=timezone.now(), **said)
        except steering.BadWebhook as error:
            raise _bad(error) from None
        return Response(_told(webhook) | {"secret": secret}, status=201)


class WebhookView(_View):
    """GET, PATCH, DELETE. With `If-Match` a change is made only to what was read."""

    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        webhook = self.webhook(public_id)
        return Response(_told(webhook), headers={"ETag": _etag(webhook)})

    @transaction.atomic
    def patch(self, request: Request, public_id: uuid.UUID) -> Response:
        webhook = self._locked(request, public_id)
        said = _WebhookSaid(partial=True).run_validation(request.data)
        try:
            steering.change(webhook, now=timezone.now(), **said)
        except steering.BadWebhook as error:
            raise _bad(error) from None
        return Response(_told(webhook), headers={"ETag": _etag(webhook)})

    @transaction.atomic
    def delete(self, request: Request, public_id: uuid.UUID) -> Response:
        self._locked(request, public_id).delete()
        return Response(status=204)

    def _locked(self, request: Request, public_id: uuid.UUID) -> Webhook:
        webhook = self.webhook(public_id)
        webhook = Webhook.objects.select_for_update(of=("self",)).get(pk=webhook.pk)
        wanted = request.headers.get("If-Match", "*")
        if wanted != "*" and _etag(webhook) not in [one.strip() for one in wanted.split(",")]:
            raise Changed
        return webhook


class RotateView(_View):
    """POST: a fresh secret, shown this once. For a day the former one signs as well."""

    @once
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        _Nothing().run_validation(request.data)
        webhook = self.webhook(public_id)
        secret = steering.rotate(webhook, now=timezone.now())
        return Response(_told(webhook) | {"secret": secret})


class TestView(_View):
    """POST: a message of the type `webhook.test` goes out; 202 with its number."""

    @once
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        _Nothing().run_validation(request.data)
        message = steering.try_out(self.webhook(public_id), now=timezone.now())
        if message is None:
            raise NotActive
        return Response(_message_told(message), status=202)


class MessagesView(_View):
    """GET ?state=: what was queued for this webhook, newest first, and what came of it."""

    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        wanted = _MessagesAsked().run_validation(request.query_params.dict())
        found = WebhookMessage.objects.filter(webhook=self.webhook(public_id))
        if "state" in wanted:
            found = found.filter(state=wanted["state"])
        return page(self, request, found, lambda rows: [_message_told(one) for one in rows])


class ReplayView(_View):
    """POST {messages}: send once more what was given up; without a list, the oldest 500 of them."""

    @once
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        said = _ReplaySaid().run_validation(request.data)
        webhook = self.webhook(public_id)
        dead = WebhookMessage.objects.filter(webhook=webhook, state=WebhookMessage.State.DEAD)
        if "messages" in said:
            dead = dead.filter(message_id__in=said["messages"])
        ids = list(dead.order_by("pk").values_list("pk", flat=True)[:MOST_REPLAYED])
        count = steering.replay(ids, now=timezone.now(), webhook=webhook)
        return Response({"replayed": count}, status=202)


def _told(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": str(webhook.public_id),
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.kinds,
        "contact": webhook.contact,
        "state": webhook.state,
        "why_disabled": webhook.why_disabled or None,
        "former_secret_until": webhook.former_until,
        "failing_since": webhook.failing_since,
        "last_failure": {"at": webhook.failed_at, "reason": webhook.failure}
        if webhook.failed_at
        else None,
        "last_success": webhook.succeeded_at,
        "created_at": webhook.created_at,
    }


def _message_told(message: WebhookMessage) -> dict[str, Any]:
    return {
        "id": message.message_id,
        "type": message.kind,
        "state": message.state,
        "attempts": message.attempts,
        "status": message.status,
        "failure": message.failure,
        "due_at": message.due_at if message.state == WebhookMessage.State.WAITING else None,
        "tried_at": message.tried_at,
        "created_at": message.created_at,
    }


def _etag(webhook: Webhook) -> str:
    said = f"{webhook.pk}:{webhook.changed_at.isoformat()}:{webhook.state}"
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _bad(error: steering.BadWebhook) -> serializers.ValidationError:
    names = {"kinds": "events", "partner": "non_field_errors"}
    return serializers.ValidationError({names.get(error.field, error.field): [error.reason]})
