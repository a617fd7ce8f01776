from django.urls import path

from crm import api
from crm.webhooks import api as webhooks

HOOKS = "api/v1/webhooks/"
HOOK = f"{HOOKS}<uuid:public_id>/"

urlpatterns = [
    path("v1/projects/<str:write_key>/settings", api.settings, name="tracking-settings"),
    path("v1/<slug:call>", api.track, name="tracking"),
    path(HOOKS, webhooks.WebhooksView.as_view(), name="api-webhooks"),
    path(HOOK, webhooks.WebhookView.as_view(), name="api-webhook"),
    path(f"{HOOK}rotate/", webhooks.RotateView.as_view(), name="api-webhook-rotate"),
    path(f"{HOOK}test/", webhooks.TestView.as_view(), name="api-webhook-test"),
    path(f"{HOOK}replay/", webhooks.ReplayView.as_view(), name="api-webhook-replay"),
    path(f"{HOOK}messages/", webhooks.MessagesView.as_view(), name="api-webhook-messages"),
]
