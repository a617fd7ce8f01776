"""The server of bench/rest.py: all of Rapport, and a REST view that does nothing."""

from marketing.asgi import application

from django.urls import path  # isort: skip  (when Django is set up)
from rest_framework.response import Response  # isort: skip
from rest_framework.views import APIView  # isort: skip

from marketing import urls  # isort: skip

__all__ = ["application"]


class Bare(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request):
        return Response({"answer": "here"})


urls.urlpatterns.insert(0, path("bench/bare", Bare.as_view()))
