"""The websocket addresses of the chat."""

from typing import Any

from django.urls import path

from chatbot.consumers import ChatConsumer
from chatbot.deskline import DeskConsumer

websocket_urlpatterns: list[Any] = [
    path("ws/chat/", ChatConsumer.as_asgi()),
    path("ws/desk/<int:pk>/", DeskConsumer.as_asgi()),
]
