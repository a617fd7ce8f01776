"""Pages and REST under ASGI: every request on one of a few threads that stay.

Django as it comes starts a thread for every request, which opens a connection to the database of
its own, and passes between thread and event loop for every middleware. Under load that costs many
times what most answers do.
"""

from asyncio import LifoQueue
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

import django
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

THREADS = 16  # of one process, with as many connections to the database at most


class Handler(ASGIHandler):
    """Django, with all of its middleware run in one piece.

    Whoever finds every thread busy waits. Last given back is first lent: its connection is open.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: LifoQueue[ThreadPoolExecutor] = LifoQueue()
        for _ in range(THREADS):
            self._idle.put_nowait(ThreadPoolExecutor(1, "web"))

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:  # a slow sender holds no thread
            body = await self.read_body(receive)
        except RequestAborted:
            return
        thread = await self._idle.get()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await super().handle(scope, _Read(body, receive), send)
        finally:
            self._idle.put_nowait(thread)

    async def read_body(self, receive: Any) -> IO[bytes]:
        if isinstance(receive, _Read):
            return receive.body
        body: IO[bytes] = await super().read_body(receive)
        return body

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response)(request)


class _Read:
    """A request whose body was read, and what comes of it after that."""

    def __init__(self, body: IO[bytes], receive: Any) -> None:
        self.body = body
        self._receive = receive

    async def __call__(self) -> Any:
        return await self._receive()


def application() -> Handler:
    django.setup(set_prefix=False)
    return Handler()
