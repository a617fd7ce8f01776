"""The websocket addresses of the chat. Customers say who they are in the first frame, and their
cookies are not looked at; staff have a session."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from django.urls import path

from chatbot.consumers import ChatConsumer
from chatbot.deskline import DeskConsumer

websocket_urlpatterns: list[Any] = [
    path("ws/chat/", ChatConsumer.as_asgi()),
    path("ws/desk/<int:pk>/", AuthMiddlewareStack(DeskConsumer.as_asgi())),
]
