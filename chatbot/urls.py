"""Addresses of the chat: the widget. The staff's inbox lives in the admin."""

from django.urls import path

from chatbot import views

app_name = "chatbot"
urlpatterns = [
    path("widget.js", views.widget_file, name="widget"),
    path("widget/waiting/", views.waiting, name="widget-waiting"),
]
