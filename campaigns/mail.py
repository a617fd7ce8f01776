"""The channel of e-mail: whatever backend Django is told to use."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from campaigns import channels, mailproviders


class Email:
    """E-mail through Django's backend; one connection a thread while a session lasts."""

    def __init__(self) -> None:
        self._kept = local()

    @property
    def idempotent(self) -> bool:
        """Files are named by their Message-ID; an SMTP server would send a second mail."""
        return bool(getattr(_connection(), "idempotent", False))

    @contextmanager
    def session(self) -> Iterator[None]:
        connection = self._kept.connection = _connection()
        try:
            yield
        finally:
            self._kept.connection = None
            _close(connection)

    def deliver(  # noqa: PLR0913  (the protocol of every channel)
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str,
        headers: dict[str, str],
        message_id: str,
    ) -> None:
        kept = getattr(self._kept, "connection", None)
        connection = kept or _connection()
        message = EmailMultiAlternatives(
            subject,
            text,
            to=[to],
            headers={**headers, "Message-ID": message_id},
            connection=connection,
        )
        message.metadata = {mailproviders.METADATA: message_id}  # type: ignore[attr-defined]  # for django-anymail
        if html:
            message.attach_alternative(html, "text/html")
        _ready(connection)
        _hand_over(connection, message)
        if kept is None:
            _close(connection)


def _connection() -> BaseEmailBackend:
    connection: BaseEmailBackend = get_connection(timeout=channels.SECONDS_TO_ANSWER)
    return connection


def _ready(connection: Any) -> None:
    """Open, or open again when the server hung up while we were not talking.

    Whatever goes wrong before the message is begun has certainly sent nothing.
    """
    try:
        kept = getattr(connection, "connection", None)
        if isinstance(kept, smtplib.SMTP) and not _answers(kept):
            connection.connection = None
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        raise channels.TemporaryFailure(str(error) or type(error).__name__) from error


def _answers(kept: smtplib.SMTP) -> bool:
    try:
        return kept.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def _hand_over(connection: Any, message: EmailMultiAlternatives) -> None:
    try:
        accepted = connection.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise (channels.AddressRefused if code >= 500 else channels.TemporaryFailure)(
            _said(code, answer)
        ) from error
    except smtplib.SMTPResponseException as error:
        kind = channels.PermanentFailure if error.smtp_code >= 500 else channels.TemporaryFailure
        raise kind(_said(error.smtp_code, error.smtp_error)) from error
    except mailproviders.errors() as error:
        raise mailproviders.failure(error) from error
    except (OSError, smtplib.SMTPException) as error:
        connection.connection = None
        raise channels.Unclear(str(error) or type(error).__name__) from error
    if not accepted:
        raise channels.PermanentFailure("the mail backend accepted nothing")


def _said(code: int, answer: bytes | str) -> str:
    words = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"{code} {words}"[:300]


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):  # hanging up failed: they are gone already
        return
