"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path, re_path

from crm.rest import problems
from marketing import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("django_prometheus.urls")),  # /metrics
    path("", include("crm.urls")),
    path("", include("recommendations.urls")),
    path("", include("campaigns.urls")),
    path("", include("chatbot.urls")),
    re_path("^api/", problems.unknown_route),  # whatever none of them knew
    path("", include("marketing.shop.urls")),
]
