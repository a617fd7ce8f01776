"""The browser's end of the chat socket, as far as frames go."""

import json

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from chatbot.routing import websocket_urlpatterns

HELLO = {
    "type": "hello",
    "locale": "en",
    "visitor": None,
    "user_id": None,
    "user_hash": None,
    "conversation": None,
    "after": 0,
}


WAIT = 60  # seconds; a busy machine may stand still for more than the one that is usual


class Wire(WebsocketCommunicator):
    """Waits longer than its parent, whose one second a busy machine misses."""

    async def connect(self, timeout=WAIT):
        return await super().connect(timeout)

    async def disconnect(self, code=1000, timeout=WAIT):
        await super().disconnect(code, timeout)

    async def receive_output(self, timeout=WAIT):
        return await super().receive_output(timeout)


class Client:
    """A browser, as far as frames go. Remembers everything that came in."""

    def __init__(self, **headers):
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.wire = Wire(URLRouter(websocket_urlpatterns), "/ws/chat/", headers=sent)
        self.frames = []

    async def open(self, **hello):
        self.accepted, _ = await self.wire.connect()
        if self.accepted and hello is not None:
            await self.send({**HELLO, **hello})
            self.welcome = await self.until("welcome")
        return self

    async def send(self, frame):
        await self.wire.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))

    async def say(self, text, client_id="c1"):
        await self.send({"type": "message", "client_id": client_id, "text": text})

    async def until(self, kind, **fields):
        for frame in self.frames:
            if frame["type"] == kind and fields.items() <= frame.items():
                self.frames.remove(frame)
                return frame
        while True:
            frame = json.loads(await self.wire.receive_from(timeout=WAIT))
            if frame["type"] == kind and fields.items() <= frame.items():
                return frame
            self.frames.append(frame)

    async def close(self):
        await self.wire.disconnect()
