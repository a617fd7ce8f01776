"""Requests under ASGI run on threads that stay, each in one piece, and leave nothing behind."""

import asyncio
from threading import current_thread

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.signals import request_finished, request_started
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation

from marketing import web

here = {}  # what a test wants of the views below


def who(request):
    here.setdefault("threads", []).append(current_thread())
    here.setdefault("connections", []).append(connection)
    return HttpResponse(f"{translation.get_language()} {request.body.decode()}")


def wait(request):
    here["inside"] = here.get("inside", 0) + 1
    here["most"] = max(here.get("most", 0), here["inside"])
    here["barrier"].wait(10)
    here["inside"] -= 1
    return HttpResponse("done")


def stream(request):
    def parts():
        for part in (b"piece ", b"by ", b"piece"):
            here.setdefault("threads", []).append(current_thread())
            yield part

    answer = StreamingHttpResponse(parts(), status=202, headers={"X-Kept": "yes"})
    answer.set_cookie("seen", "1")
    return answer


urlpatterns = [path("who", who), path("wait", wait), path("stream", stream)]


@pytest.fixture(autouse=True)
def _addresses(settings):
    settings.ROOT_URLCONF = __name__
    here.clear()


@pytest.fixture
def handler():
    return web.Handler()


def scope(address="/who", method="GET", **headers):
    told = {"host": "localhost", **headers}
    return {
        "type": "http",
        "method": method,
        "path": address,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }


async def answer(handler, asked, *bodies):
    asking = ApplicationCommunicator(handler, asked)
    for number, body in enumerate(bodies or (b"",)):
        more = number + 1 < len(bodies)
        await asking.send_input({"type": "http.request", "body": body, "more_body": more})
    begin = await asking.receive_output(10)
    body = await asking.receive_output(10)
    await asking.wait()
    return begin["status"], body["body"].decode()


def test_one_request_after_the_other_is_on_the_same_thread_with_its_connection(handler):
    async def ask():
        return [await answer(handler, scope()) for _ in range(3)]

    assert asyncio.run(ask()) == [(200, "en ")] * 3
    assert len(set(here["threads"])) == 1
    assert len({id(one.connection) for one in here["connections"]}) == 1


def test_a_body_in_pieces_arrives_whole(handler):
    asked = scope(method="GET")
    assert asyncio.run(answer(handler, asked, b"what ", b"was ", b"sent")) == (
        200,
        "en what was sent",
    )


def test_the_language_of_one_reader_is_not_that_of_the_next(handler):
    async def ask():
        return [
            (await answer(handler, scope(**{"accept-language": language})))[1]
            for language in ("zh-hans", "en", "zh-hans")
        ]

    assert asyncio.run(ask()) == ["zh-hans ", "en ", "zh-hans "]


def test_no_more_run_at_once_than_there_are_threads_and_all_are_answered(handler):
    from threading import Barrier

    here["barrier"] = Barrier(web.THREADS)  # opens when every thread is at it

    async def ask():
        return await asyncio.gather(
            *(answer(handler, scope("/wait")) for _ in range(2 * web.THREADS))
        )

    assert asyncio.run(ask()) == [(200, "done")] * 2 * web.THREADS
    assert here["most"] == web.THREADS


def test_whoever_sends_slowly_holds_no_thread(handler):
    async def ask():
        slow = [ApplicationCommunicator(handler, scope()) for _ in range(web.THREADS)]
        for one in slow:
            await one.send_input({"type": "http.request", "body": b"be", "more_body": True})
        quick = await answer(handler, scope(), b"quick")
        for one in slow:
            await one.send_input({"type": "http.request", "body": b"gun", "more_body": False})
        begun = [await one.receive_output(10) for one in slow]
        return quick, {one["status"] for one in begun}

    assert asyncio.run(ask()) == ((200, "en quick"), {200})


def test_whoever_leaves_before_all_is_sent_is_forgotten(handler):
    async def ask():
        leaving = ApplicationCommunicator(handler, scope())
        await leaving.send_input({"type": "http.request", "body": b"be", "more_body": True})
        await leaving.send_input({"type": "http.disconnect"})
        await leaving.wait()
        return await answer(handler, scope())

    assert asyncio.run(ask()) == (200, "en ")
    assert len(here["threads"]) == 1


def test_what_is_streamed_is_read_on_the_thread_and_arrives_whole(handler):
    assert asyncio.run(answer(handler, scope("/stream"))) == (202, "piece by piece")
    assert len(set(here["threads"])) == 1
    assert here["threads"][0] is not current_thread()


def test_what_is_streamed_keeps_its_headers_and_cookies(handler):
    async def begin():
        asking = ApplicationCommunicator(handler, scope("/stream"))
        await asking.send_input({"type": "http.request", "body": b""})
        return dict((await asking.receive_output(10))["headers"])

    headers = asyncio.run(begin())
    assert headers[b"X-Kept"] == b"yes"
    assert headers[b"Set-Cookie"].startswith(b"seen=1")


@pytest.mark.parametrize("address", ["/who", "/stream", "/nowhere"])
def test_a_request_begins_and_ends_once_on_its_own_thread(handler, address):
    heard = []

    def hear(signal, **_):
        heard.append((signal is request_finished, current_thread()))

    for signal in (request_started, request_finished):
        signal.connect(hear)
    try:
        asyncio.run(answer(handler, scope(address)))
    finally:
        for signal in (request_started, request_finished):
            signal.disconnect(hear)
    assert [is_end for is_end, _ in heard] == [False, True]
    assert len({thread for _, thread in heard}) == 1
    assert heard[0][1] is not current_thread()


def test_whoever_reads_slowly_holds_no_thread(handler):
    async def ask():
        read = asyncio.Event()

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(_):
            await read.wait()

        unread = [asyncio.create_task(handler(scope(), receive, send)) for _ in range(web.THREADS)]
        quick = await answer(handler, scope())
        read.set()
        await asyncio.gather(*unread)
        return quick

    assert asyncio.run(ask()) == (200, "en ")


def test_what_cannot_be_read_is_refused_and_closed(handler, monkeypatch):
    def unreadable(*_):
        raise UnicodeDecodeError("utf-8", b"", 0, 1, "not a letter")

    monkeypatch.setattr(handler, "request_class", unreadable)
    assert asyncio.run(answer(handler, scope())) == (400, "")
