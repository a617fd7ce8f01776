from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from campaigns import api, hooks, rest, views

app_name = "campaigns"
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/decisions/", api.DecisionsView.as_view(), name="api-decisions"),
    path("api/v1/decisions/<uuid:public_id>/reward/", api.RewardView.as_view(), name="api-reward"),
    path("api/v1/campaigns/", rest.CampaignsView.as_view(), name="api-campaigns"),
    path("api/v1/campaigns/<int:pk>/", rest.CampaignView.as_view(), name="api-campaign"),
    path("api/v1/journeys/", rest.JourneysView.as_view(), name="api-journeys"),
    path("api/v1/journeys/<int:pk>/", rest.JourneyView.as_view(), name="api-journey"),
    path("api/v1/journeys/<int:pk>/entries/", rest.EntriesView.as_view(), name="api-entries"),
    path("t/o/<str:token>", views.open_pixel, name="open"),
    path("t/c/<str:token>", views.click, name="click"),
    path("hooks/reports/", hooks.standard, name="reports"),
    path("hooks/phone/<str:channel>/", hooks.phone, name="phone_reports"),
    path("u/<str:token>", views.preferences_page, name="preferences"),
]
if settings.EMAIL_PROVIDER and settings.ANYMAIL.get("WEBHOOK_SECRET"):
    urlpatterns += [path("hooks/mail/", include("anymail.urls"))]
