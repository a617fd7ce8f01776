"""A mail server for tests that does as it is told: slow, deaf, refusing, dropping connections."""

import asyncio
import threading
from collections import Counter
from contextlib import contextmanager

HANG_UP = object()  # in place of an answer: the connection ends


class MailServer:
    """Remembers what it took: `mails` by recipient, in order; `commands` as they came.

    `rules` says what to answer: {"RCPT ada@x.org": "550 no"} or {"RCPT": "451 later"}; the end of
    a mail is "DOT". HANG_UP ends the connection; HANG_UP at "DOT" does so after the mail is taken.
    `delay`: seconds before a mail is answered.
    """

    def __init__(self, *, pipelining=True):
        self.pipelining, self.delay = pipelining, 0.0
        self.rules, self.mails, self.commands, self.connections = {}, {}, [], 0
        self._changed = threading.Condition()

    @property
    def received(self):
        """How often each address got a mail."""
        return Counter({address: len(mails) for address, mails in self.mails.items()})

    def wait_for(self, number, seconds=60):
        """Until so many mails have come; whether they did."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(map(len, self.mails.values())) >= number, timeout=seconds
            )

    async def _converse(self, reader, writer):
        self.connections += 1
        writer.write(b"220 test\r\n")
        recipient = ""
        try:
            while line := (await reader.readline()).decode().strip():
                self.commands.append(line)
                word = line[:4].upper()
                if word == "RCPT":
                    answer, recipient = self._addressed(line)
                else:
                    answer = self._answer(word, recipient)
                if answer is HANG_UP:
                    break
                writer.write(f"{answer}\r\n".encode())
                if word == "QUIT" or answer.startswith("421"):
                    break
                if word == "DATA" and answer.startswith("354"):
                    mail = await self._read_mail(reader)
                    if not await self._end(writer, recipient, mail):
                        break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _addressed(self, line):
        """The answer to RCPT, and to whom the mail is then; one to nobody may follow."""
        recipient = line.partition("<")[2].partition(">")[0]
        answer = self._answer("RCPT", recipient)
        return answer, "" if answer is HANG_UP or not answer.startswith("2") else recipient

    async def _read_mail(self, reader):
        mail = b""
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionError("hung up in the middle of a mail")
            mail += line
        return mail

    async def _end(self, writer, recipient, mail):
        if not recipient:
            writer.write(b"554 no valid recipients\r\n")
            return True
        answer = self._answer("DOT", recipient)
        if answer is HANG_UP or answer.startswith("2"):
            with self._changed:
                self.mails.setdefault(recipient, []).append(mail.replace(b"\r\n..", b"\r\n."))
                self._changed.notify_all()
        await asyncio.sleep(self.delay)
        if answer is HANG_UP:
            return False
        writer.write(f"{answer}\r\n".encode())
        return True

    def _answer(self, word, recipient):
        usual = {"DATA": "354 go on", "EHLO": "250-test\r\n250 PIPELINING"}
        if not self.pipelining:
            usual["EHLO"] = "250 test"
        answer = self.rules.get(f"{word} {recipient}", self.rules.get(word))
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        return usual.get(word, "250 OK") if answer is None else answer

    async def _serve(self, ready):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=2**22)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()

    @contextmanager
    def running(self):
        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()
