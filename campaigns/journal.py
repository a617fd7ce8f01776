"""What a sender asked the mail server to take, and its answers, in a file that outlives kill -9.

A line is written before the final dot of a mail and another after the answer, so that after a
crash at most one mail of each connection is of unknown fate. The kernel keeps what was written
when the process dies, and the lock tells the living from the dead. Nothing is flushed to the disk:
a machine that lost power has another boot id, and then nothing in the file is relied upon.
"""

import fcntl
import os
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path

from django.conf import settings

ASKED, ACCEPTED, REFUSED = b"?", b"+", b"-"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Journal:
    """The journal of one run, written by all its connections."""

    def __init__(self, owner: str) -> None:
        folder().mkdir(parents=True, exist_ok=True)
        name = secrets.token_hex(8)
        self._path = folder() / f"{name}.journal"
        aside = folder() / f"{name}.part"
        self._file = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._write(f"{owner}\n{boot_id()}\n".encode())
        aside.rename(self._path)  # locked before anybody can find it

    def asked(self, delivery_id: int) -> None:
        """The next bytes may make the server responsible for it."""
        self._write(b"?%d\n" % delivery_id)

    def accepted_and_asked(self, accepted_id: int, asked_id: int) -> None:
        """Both in one call to the system, which is most of what a line costs."""
        self._write(b"+%d\n?%d\n" % (accepted_id, asked_id))

    def accepted(self, delivery_id: int) -> None:
        self._write(b"+%d\n" % delivery_id)

    def refused(self, delivery_id: int) -> None:
        """The server has certainly not taken it."""
        self._write(b"-%d\n" % delivery_id)

    def close(self, *, is_settled: bool) -> None:
        """Let go of the file; where something is not in the table yet, it stays to be read."""
        if is_settled:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        if os.write(self._file, line) != len(line):  # one call, so that lines never mix
            raise OSError(f"{self._path}: the disk is full")


class Abandoned:
    """The journal of a sender that is dead; nobody else reads it while this is held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as lines:
            self.owner = lines.readline().decode().strip()
            self.is_whole = lines.readline().decode().strip() == boot_id()

    def last_words(self, delivery_ids: Collection[int]) -> dict[int, bytes]:
        """Of these deliveries those that it names, and what it says of them at last."""
        wanted, found = set(delivery_ids), {}
        with self._path.open("rb") as lines:
            for line in lines:
                if line[:1] in (ASKED, ACCEPTED, REFUSED) and line.endswith(b"\n"):
                    delivery_id = int(line[1:])
                    if delivery_id in wanted:
                        found[delivery_id] = line[:1]
        return found

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def abandoned() -> Iterator[Abandoned]:
    """The journals in our folder whose writers are dead, each held while it is looked at."""
    for path in sorted(folder().glob("*.journal")):
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # read by another process a moment ago
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its writer is alive
            os.close(file)
            continue
        left = Abandoned(path) if path.exists() else None
        try:
            if left is not None:
                yield left
        finally:
            os.close(file)


def folder() -> Path:
    return Path(settings.VAR_DIR) / "journal"


def boot_id() -> str:
    """Changes whenever the machine starts; empty where the system does not tell."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
