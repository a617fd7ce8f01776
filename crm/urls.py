from django.urls import path

from crm import api
from crm.rest import (
    consents,
    customers,
    feedback,
    insight,
    orders,
    pages,
    products,
    segments,
    timeline,
)
from crm.webhooks import api as webhooks

HOOKS = "api/v1/webhooks/"
HOOK = f"{HOOKS}<uuid:public_id>/"
CUSTOMER = "api/v1/customers/<uuid:public_id>/"
SEGMENT = "api/v1/segments/<slug:slug>/"

urlpatterns = [
    path("v1/projects/<str:write_key>/settings", api.settings, name="tracking-settings"),
    path("v1/<slug:call>", api.track, name="tracking"),
    path(HOOKS, webhooks.WebhooksView.as_view(), name="api-webhooks"),
    path(HOOK, webhooks.WebhookView.as_view(), name="api-webhook"),
    path(f"{HOOK}rotate/", webhooks.RotateView.as_view(), name="api-webhook-rotate"),
    path(f"{HOOK}test/", webhooks.TestView.as_view(), name="api-webhook-test"),
    path(f"{HOOK}replay/", webhooks.ReplayView.as_view(), name="api-webhook-replay"),
    path(f"{HOOK}messages/", webhooks.MessagesView.as_view(), name="api-webhook-messages"),
    path("api/v1/schema/", pages.schema, name="api-schema"),
    path("api/v1/docs/", pages.docs, name="api-docs"),
    path("api/v1/customers/", customers.CustomersView.as_view(), name="api-customers"),
    path(
        "api/v1/customers/bulk/", customers.CustomersBulkView.as_view(), name="api-customers-bulk"
    ),
    path(CUSTOMER, customers.CustomerView.as_view(), name="api-customer"),
    path(f"{CUSTOMER}timeline/", timeline.TimelineView.as_view(), name="api-timeline"),
    path(f"{CUSTOMER}insights/", insight.CustomerInsightView.as_view(), name="api-insight"),
    path(f"{CUSTOMER}consents/", consents.ConsentsView.as_view(), name="api-consents"),
    path("api/v1/products/", products.ProductsView.as_view(), name="api-products"),
    path("api/v1/products/<str:sku>/", products.ProductView.as_view(), name="api-product"),
    path("api/v1/orders/", orders.OrdersView.as_view(), name="api-orders"),
    path("api/v1/orders/<str:number>/", orders.OrderView.as_view(), name="api-order"),
    path("api/v1/feedback/", feedback.FeedbackView.as_view(), name="api-feedback"),
    path("api/v1/segments/", segments.SegmentsView.as_view(), name="api-segments"),
    path("api/v1/segments/estimate/", segments.EstimateView.as_view(), name="api-estimate"),
    path(SEGMENT, segments.SegmentView.as_view(), name="api-segment"),
    path(f"{SEGMENT}members/", segments.MembersView.as_view(), name="api-members"),
]
