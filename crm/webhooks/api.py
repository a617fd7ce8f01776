"""REST: a partner's own webhooks, and what became of the messages to them."""

import hashlib
import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import Scope, Webhook, WebhookMessage
from crm.rest import filtering, single
from crm.rest.asked import Asked, body_of
from crm.rest.paging import NewestFirst
from crm.rest.saying import page_of, says
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


class _WebhookChanged(_WebhookSaid):
    """Any of these; what is left out stays."""

    url = serializers.CharField(max_length=500, required=False)
    events = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=100, source="kinds", required=False
    )


class _ReplaySaid(Asked):
    messages = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=MOST_REPLAYED, required=False
    )


class _Nothing(Asked):
    pass


class Failed(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    reason = serializers.CharField()


class WebhookSaid(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    contact = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=Webhook.State.choices)
    why_disabled = serializers.CharField(allow_null=True)
    former_secret_until = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    last_failure = Failed(allow_null=True)
    last_success = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class WebhookWithSecret(WebhookSaid):
    secret = serializers.CharField(help_text=_("Shown this once."))


class WebhookMessageSaid(serializers.Serializer[Any]):
    id = serializers.CharField()
    type = serializers.CharField()
    state = serializers.ChoiceField(choices=WebhookMessage.State.choices)
    attempts = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    failure = serializers.CharField(allow_blank=True)
    due_at = serializers.DateTimeField(allow_null=True)
    tried_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class Replayed(serializers.Serializer[Any]):
    replayed = serializers.IntegerField()


class WebhookFilter(filtering.Strict):
    class Meta:
        model = Webhook
        fields = ("state",)


class MessageFilter(filtering.Strict):
    class Meta:
        model = WebhookMessage
        fields = ("state",)


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
    @says("listWebhooks", page_of(WebhookSaid), filters=WebhookFilter)
    def get(self, request: Request) -> Response:
        """The partner's own webhooks, the newest first."""
        mine = Webhook.objects.filter(partner=self.partner)
        rows = filtering.narrow(request, WebhookFilter, mine)
        return self.page(request, rows, _Told, NewestFirst)

    @says(
        "addWebhook",
        WebhookWithSecret,
        asked=_WebhookSaid,
        status=201,
        example={"url": "https://shop.example.org/hooks", "events": ["crm.order_placed"]},
    )
    def post(self, request: Request) -> Response:
        """One more webhook, and its secret: it signs what comes, and is never shown again."""
        said = body_of(request, _WebhookSaid())
        said.setdefault("name", said["url"].partition("://")[2].partition("/")[0][:100])
        try:
            webhook, secret = steering.make(self.partner, now=timezone.now(), **said)
        except steering.BadWebhook as error:
            raise _bad(error) from None
        return Response(_told(webhook) | {"secret": secret}, status=201)


class WebhookView(_View):
    @says("readWebhook", WebhookSaid)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """One webhook, and how it fares."""
        webhook = self.webhook(public_id)
        return single.answer(request, _told(webhook), etag=_etag(webhook))

    @says(
        "changeWebhook",
        WebhookSaid,
        asked=_WebhookChanged,
        example={"state": "paused"},
    )
    @transaction.atomic
    def patch(self, request: Request, public_id: uuid.UUID) -> Response:
        """Change its address, events, name, contact or state."""
        webhook = self._locked(request, public_id)
        said = body_of(request, _WebhookChanged())
        try:
            steering.change(webhook, now=timezone.now(), **said)
        except steering.BadWebhook as error:
            raise _bad(error) from None
        return single.answer(request, _told(webhook), etag=_etag(webhook))

    @says("deleteWebhook", status=204)
    @transaction.atomic
    def delete(self, request: Request, public_id: uuid.UUID) -> Response:
        """It is gone, with what was waiting for it."""
        self._locked(request, public_id).delete()
        return Response(status=204)

    def _locked(self, request: Request, public_id: uuid.UUID) -> Webhook:
        webhook = self.webhook(public_id)
        webhook = Webhook.objects.select_for_update(of=("self",)).get(pk=webhook.pk)
        single.check(request, etag=_etag(webhook))
        return webhook


class RotateView(_View):
    @says("rotateWebhookSecret", WebhookWithSecret, asked=_Nothing)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """A fresh secret, shown this once. For a day the former one signs as well."""
        body_of(request, _Nothing())
        webhook = self.webhook(public_id)
        secret = steering.rotate(webhook, now=timezone.now())
        return Response(_told(webhook) | {"secret": secret})


class TestView(_View):
    @says("tryWebhook", WebhookMessageSaid, asked=_Nothing, status=202)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """A message of the type `webhook.test` goes out; this is its number."""
        body_of(request, _Nothing())
        message = steering.try_out(self.webhook(public_id), now=timezone.now())
        if message is None:
            raise NotActive
        return Response(_message_told(message), status=202)


class MessagesView(_View):
    @says("listWebhookMessages", page_of(WebhookMessageSaid), filters=MessageFilter)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """What was queued for this webhook, the newest first, and what came of it."""
        queued = WebhookMessage.objects.filter(webhook=self.webhook(public_id))
        rows = filtering.narrow(request, MessageFilter, queued)
        return self.page(request, rows, _MessageTold, NewestFirst)


class ReplayView(_View):
    @says("replayWebhook", Replayed, asked=_ReplaySaid, status=202)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Send once more what was given up; without a list, the oldest 500 of them."""
        said = body_of(request, _ReplaySaid())
        webhook = self.webhook(public_id)
        dead = WebhookMessage.objects.filter(webhook=webhook, state=WebhookMessage.State.DEAD)
        if "messages" in said:
            dead = dead.filter(message_id__in=said["messages"])
        ids = list(dead.order_by("pk").values_list("pk", flat=True)[:MOST_REPLAYED])
        count = steering.replay(ids, now=timezone.now(), webhook=webhook)
        return Response({"replayed": count}, status=202)


class _Told(WebhookSaid):
    def to_representation(self, webhook: Webhook) -> dict[str, Any]:
        return _told(webhook)


class _MessageTold(WebhookMessageSaid):
    def to_representation(self, message: WebhookMessage) -> dict[str, Any]:
        return _message_told(message)


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
