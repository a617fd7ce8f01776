from django.urls import path

from campaigns import views

app_name = "campaigns"
urlpatterns = [
    path("t/o/<str:token>", views.open_pixel, name="open"),
    path("t/c/<str:token>", views.click, name="click"),
    path("u/<str:token>", views.preferences_page, name="preferences"),
]
