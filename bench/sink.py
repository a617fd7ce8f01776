"""A mail server that takes everything, in a process of its own: `with sink() as (port, taken)`."""

import asyncio
import multiprocessing
import time
from contextlib import contextmanager

EHLO = b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n"
END = b"\r\n.\r\n"


class Conversation(asyncio.Protocol):
    """Answers what came in one piece with one piece, as RFC 2920 asks."""

    def __init__(self, taken):
        self.taken, self.unread, self.in_mail = taken, b"", False

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data):
        self.unread += data
        answers = []
        while (answer := self.answer()) is not None:
            answers.append(answer)
        if answers:
            self.transport.write(b"".join(answers))

    def answer(self):
        end = END if self.in_mail else b"\r\n"
        at = self.unread.find(end)
        if at < 0:
            return None
        word, self.unread = self.unread[:4].upper(), self.unread[at + len(end) :]
        if self.in_mail:
            self.in_mail = False
            self.taken.value += 1
            return b"250 taken\r\n"
        if word == b"QUIT":
            self.transport.close()
        if word == b"DATA":
            self.in_mail = True
            return b"354 go on\r\n"
        return EHLO if word == b"EHLO" else b"250 OK\r\n"


def serve(port, taken):
    async def listen():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Conversation(taken), "127.0.0.1", 0)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(listen())


@contextmanager
def sink():
    """Yields the port, and a shared number: how many mails it has taken."""
    port, taken = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0, lock=False)
    process = multiprocessing.Process(target=serve, args=(port, taken), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.01)
    try:
        yield port.value, taken
    finally:
        process.terminate()
