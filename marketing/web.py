"""Pages and REST under ASGI: every request on one of a few threads that stay.

Django as it comes starts a thread for every request, which opens a connection to the database of
its own, and passes between thread and event loop for every signal, for the middleware, and to
close. Under load that costs many times what most answers do. Here a request passes once.
"""

from asyncio import LifoQueue, get_running_loop
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import IO, Any

import django
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

THREADS = 16  # of one process, with as many connections to the database at most


class Handler(ASGIHandler):
    """Django, with everything between a request and its answer run in one piece.

    Whoever finds every thread busy waits. Last given back is first lent: its connection is open.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: LifoQueue[ThreadPoolExecutor] = LifoQueue()
        for _ in range(THREADS):
            self._idle.put_nowait(ThreadPoolExecutor(1, "web"))

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:  # a slow sender holds no thread
            body = await self.read_body(receive)
        except RequestAborted:
            return
        thread, here = await self._idle.get(), copy_context()
        try:
            answer = await get_running_loop().run_in_executor(
                thread, here.run, self._answer, scope, body
            )
        finally:
            self._idle.put_nowait(thread)
        await self.send_response(answer, send)  # nor does a slow reader

    def _answer(self, scope: Any, body: IO[bytes]) -> HttpResponseBase:
        """From request to closed response, on the thread whose connection it uses."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refused = self.create_request(scope, body)
        found = self.get_response(request) if request else refused
        assert found is not None  # a request or its refusal
        answer = _whole(found)
        answer._handler_class = type(self)  # type: ignore[attr-defined]
        answer.close()  # which ends the request
        body.close()
        return answer


def _whole(answer: HttpResponseBase) -> HttpResponseBase:
    """What streams may read the database, too: it is read here, on the thread."""
    if not isinstance(answer, StreamingHttpResponse):
        return answer
    whole = HttpResponse(b"".join(answer), status=answer.status_code, headers=answer.headers)
    whole.cookies = answer.cookies
    whole._resource_closers = answer._resource_closers  # type: ignore[attr-defined]
    return whole


def application() -> Handler:
    django.setup(set_prefix=False)
    return Handler()
