"""Requests under ASGI run on threads that stay, each in one piece, and leave nothing behind."""

import asyncio
from threading import current_thread

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connection
from django.http import HttpResponse
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


urlpatterns = [path("who", who), path("wait", wait)]


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
