from django.urls import path

from campaigns import api, views

app_name = "campaigns"
urlpatterns = [
    path("api/v1/decisions/", api.DecisionsView.as_view(), name="api-decisions"),
    path("api/v1/decisions/<uuid:public_id>/reward/", api.RewardView.as_view(), name="api-reward"),
    path("t/o/<str:token>", views.open_pixel, name="open"),
    path("t/c/<str:token>", views.click, name="click"),
    path("u/<str:token>", views.preferences_page, name="preferences"),
]
