"""Websockets to the chat, everything else to Django."""

import gc
import os

from channels.routing import ProtocolTypeRouter, URLRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")
from marketing import web  # noqa: E402

http = web.application()  # first: it loads the apps that routing imports

from chatbot.routing import websocket_urlpatterns  # noqa: E402
from marketing.checks import refuse_half_configured  # noqa: E402

refuse_half_configured()

application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})

# What start-up made stays. To look through it again and again held up every request at once.
gc.collect()
gc.freeze()
