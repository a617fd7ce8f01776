"""Webhooks: how they are doing, what was sent to them, and what was given up, to be sent again."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import Webhook, WebhookMessage
from crm.webhooks import kinds, steering

State = Webhook.State
STATE_LABELS = {State.ACTIVE: "success", State.PAUSED: "info", State.DISABLED: "danger"}
MESSAGE_LABELS = {
    WebhookMessage.State.WAITING: "info",
    WebhookMessage.State.DONE: "success",
    WebhookMessage.State.DEAD: "danger",
    WebhookMessage.State.DROPPED: "warning",
}


class WebhookForm(forms.ModelForm):
    kinds = forms.MultipleChoiceField(
        label=_("Events"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None: only what journeys send to it."),
    )

    class Meta:
        model = Webhook
        fields = ("partner", "name", "url", "kinds", "contact")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kinds" in self.fields:
            self.fields["kinds"].choices = list(kinds.KINDS.items())  # type: ignore[attr-defined]

    def clean_url(self) -> str:
        try:
            return steering.check_url(self.cleaned_data["url"])
        except steering.BadWebhook as error:
            raise forms.ValidationError(error.reason) from None


@admin.register(Webhook)
class WebhookAdmin(FastAdmin):
    form = WebhookForm
    list_display = ["name", "partner", "host", "shown_state", "waits", "shown_failure", "success"]
    list_select_related = ["partner"]
    list_filter = ["state"]
    search_fields = ["name", "url", "partner__name"]
    ordering = ["-pk"]
    readonly_fields = [
        "state",
        "why_disabled",
        "failing_since",
        "shown_failure",
        "success",
        "former_until",
        "created_at",
    ]
    actions = ["try_out", "renew", "enable", "pause"]
    nothing_yet = _("Partners add webhooks over the REST API; you can add one here.")

    def get_queryset(self, request: HttpRequest) -> Any:
        waiting = Count("messages", filter=Q(messages__state=WebhookMessage.State.WAITING))
        return super().get_queryset(request).annotate(waiting=waiting)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """How it is doing, once there is one."""
        return self.readonly_fields if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        said = ["partner", "name", "url", "kinds", "contact"]
        return [*said, *self.get_readonly_fields(request, obj)]

    @display(description=_("address"))
    def host(self, webhook: Webhook) -> str:
        return webhook.url.partition("://")[2].partition("/")[0]

    @display(description=_("state"), label=STATE_LABELS)
    def shown_state(self, webhook: Webhook) -> tuple[str, str]:
        return webhook.state, webhook.get_state_display()

    @display(description=_("waiting"))
    def waits(self, webhook: Any) -> int:
        return int(webhook.waiting)

    @display(description=_("last failure"))
    def shown_failure(self, webhook: Webhook) -> str:
        if webhook.why_disabled:
            return webhook.get_why_disabled_display()
        if not webhook.failed_at:
            return "–"
        at = timezone.localtime(webhook.failed_at).strftime("%Y-%m-%d %H:%M")
        return f"{at} {webhook.failure}".strip()

    @display(description=_("last success"))
    def success(self, webhook: Webhook) -> Any:
        return webhook.succeeded_at or "–"

    def save_model(self, request: HttpRequest, webhook: Webhook, form: Any, change: bool) -> None:
        now = timezone.now()
        if change:
            webhook.changed_at = now
            super().save_model(request, webhook, form, change)
            kinds.forget()
            return
        webhook.created_at = now
        secret = steering.renew(webhook, now=now)
        super().save_model(request, webhook, form, change)
        kinds.forget()
        self._show(request, webhook, secret)

    @admin.action(description=_("Send a test message"), permissions=["change"])
    def try_out(self, request: HttpRequest, webhooks: Any) -> None:
        sent = [one for one in webhooks if steering.try_out(one, now=timezone.now())]
        said = ngettext("%(n)s test message queued.", "%(n)s test messages queued.", len(sent))
        messages.success(request, said % {"n": len(sent)})
        if len(sent) < len(webhooks):
            messages.warning(request, _("Nothing is sent to what is paused or disabled."))

    @admin.action(description=_("Change the secret"), permissions=["change"])
    def renew(self, request: HttpRequest, webhooks: Any) -> None:
        for webhook in webhooks:
            self._show(request, webhook, steering.rotate(webhook, now=timezone.now()))

    @admin.action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, webhooks: Any) -> None:
        self._put(request, webhooks, State.ACTIVE)

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, webhooks: Any) -> None:
        self._put(request, webhooks, State.PAUSED)

    def _put(self, request: HttpRequest, webhooks: Any, state: str) -> None:
        changed = 0
        for webhook in webhooks:
            try:
                steering.change(webhook, now=timezone.now(), state=state)
                changed += 1
            except steering.BadWebhook as error:
                messages.error(request, f"{webhook}: {error}")
        said = ngettext("%(n)s webhook changed.", "%(n)s webhooks changed.", changed)
        messages.success(request, said % {"n": changed})

    def _show(self, request: HttpRequest, webhook: Webhook, secret: str) -> None:
        shown = _("The secret of %(webhook)s, shown this once: %(secret)s")
        messages.warning(request, shown % {"webhook": webhook, "secret": secret})


@admin.register(WebhookMessage)
class WebhookMessageAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "event", "webhook", "customer", "shown", "attempts", "answer"]
    list_select_related = ["webhook", "customer"]
    list_filter = ["state", "webhook", "kind"]
    search_fields = ["=message_id"]
    ordering = ["-pk"]
    actions = ["replay"]
    nothing_yet = _("Nothing was sent to a webhook in the last thirty days.")

    @display(description=_("event"), ordering="kind")
    def event(self, message: WebhookMessage) -> str:
        known = kinds.KINDS | kinds.SENT
        return str(known.get(message.kind, message.kind))

    @display(description=_("state"), label=MESSAGE_LABELS)
    def shown(self, message: WebhookMessage) -> tuple[str, str]:
        return message.state, message.get_state_display()

    @display(description=_("answer"))
    def answer(self, message: WebhookMessage) -> str:
        return message.failure or str(message.status or "–")

    @admin.action(description=_("Send once more what was given up"), permissions=["replay"])
    def replay(self, request: HttpRequest, found: Any) -> None:
        count = steering.replay(list(found.values_list("pk", flat=True)), now=timezone.now())
        said = ngettext("%(n)s message queued again.", "%(n)s messages queued again.", count)
        messages.success(request, said % {"n": count})

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.change_webhook")
