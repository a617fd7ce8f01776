"""Addresses of the chat: the widget. The staff's inbox lives in the admin."""

from django.urls import path

from chatbot import views

app_name = "chatbot"
urlpatterns = [
    path("widget.js", views.widget_file, {"name": "widget.js"}, name="widget"),
    path("widget.css", views.widget_file, {"name": "widget.css"}, name="widget-style"),
]
