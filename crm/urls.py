from django.urls import path

from crm import api

urlpatterns = [
    path("v1/projects/<str:write_key>/settings", api.settings, name="tracking-settings"),
    path("v1/<slug:call>", api.track, name="tracking"),
]
