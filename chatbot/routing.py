"""The websocket addresses of the chat."""

from typing import Any

from django.urls import path

from chatbot.consumers import ChatConsumer

websocket_urlpatterns: list[Any] = [path("ws/chat/", ChatConsumer.as_asgi())]
