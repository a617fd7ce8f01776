"""Addresses of the chat: the widget, and what partners ask. The staff's inbox is in the admin."""

from django.urls import path

from chatbot import rest, views

app_name = "chatbot"
urlpatterns = [
    path("api/v1/nlu/", rest.UnderstandingView.as_view(), name="api-nlu"),
    path("widget.js", views.widget_file, name="widget"),
    path("widget/waiting/", views.waiting, name="widget-waiting"),
]
