"""An e-mail backend that needs no server: each mail becomes a file a person can open."""

import os
import re
import tempfile
from collections.abc import Sequence
from email.message import Message
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    """Writes `<Message-ID>.eml` into EMAIL_FILE_PATH. The same message twice is one file."""

    idempotent = True

    def __init__(self, *args: Any, file_path: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._folder = Path(file_path or settings.EMAIL_FILE_PATH)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        for email in email_messages:
            message = email.message()
            write_at_once(self._folder / _file_name(message), message.as_bytes())
        return len(email_messages)


def _file_name(message: Message) -> str:
    known = re.sub(r"[^A-Za-z0-9@._-]", "", str(message["Message-ID"]))
    return f"{known.lstrip('.')[:200]}.eml"


def write_at_once(path: Path, data: bytes) -> None:
    """Nobody ever sees half a mail: it is written aside and then renamed."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
