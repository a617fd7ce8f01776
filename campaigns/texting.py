"""Messages to phones, by SMS and WhatsApp: a provider's adapter, and a sandbox without one.

`SMS_URL` and `WHATSAPP_URL` name the provider: `twilio://account:token@+15550001`. Without one,
each message is a file that a person can open, as with mail.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from campaigns import channels, tokens
from campaigns.mailfiles import write_at_once

LONGEST = 1600  # characters; what Twilio takes, about ten text messages
SETTINGS = {"sms": "SMS_URL", "whatsapp": "WHATSAPP_URL"}
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")  # E.164
_FORMAT = "twilio://account:token@+15550001"


class Provider(Protocol):
    idempotent: bool

    def send(self, *, to: str, text: str, message_id: str) -> None:
        """Hand over one message to a number in E.164 form; raises as channels do."""


class Texts:
    """One of the two channels. The body of a template in plain text is what is sent."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def idempotent(self) -> bool:
        return provider_of(self._name).idempotent

    def deliver(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str,
        headers: dict[str, str],
        message_id: str,
    ) -> None:
        number = international(to)
        if len(text) > LONGEST:
            raise channels.PermanentFailure(f"{len(text)} characters; at most {LONGEST} go")
        provider_of(self._name).send(to=number, text=text, message_id=message_id)


def international(number: str) -> str:
    """In E.164 form; one without a country is of ours. Raises AddressRefused."""
    digits = re.sub(r"[\s().-]", "", number)
    digits = re.sub(r"^00", "+", digits)
    if not digits.startswith("+"):
        digits = settings.PHONE_PREFIX + digits.lstrip("0")
    if not _NUMBER.fullmatch(digits):
        raise channels.AddressRefused("no telephone number")
    return digits


def provider_of(channel: str) -> Provider:
    """As the settings name it. Raises ImproperlyConfigured, naming the setting."""
    name = SETTINGS[channel]
    url = getattr(settings, name)
    if not url:
        return Sandbox(Path(settings.EMAIL_FILE_PATH).parent / channel)
    parts = urlsplit(url)
    sender = parts.netloc.rpartition("@")[2]
    if parts.scheme != "twilio" or not (parts.username and parts.password and sender):
        raise ImproperlyConfigured(f"{name} has to look like {_FORMAT}.")
    base = parse_qs(parts.query).get("base", [Twilio.base])[0]
    account, token = unquote(parts.username), unquote(parts.password)
    return Twilio(account, token, sender, channel=channel, base=base)


@dataclass(frozen=True)
class Sandbox:
    """Writes `<message_id>.txt`. The same message twice is one file."""

    folder: Path
    idempotent = True

    def send(self, *, to: str, text: str, message_id: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9@._-]", "", message_id).lstrip(".")[:200]
        write_at_once(self.folder / f"{name}.txt", f"{to}\n\n{text}\n".encode())


@dataclass(frozen=True)
class Twilio:
    """https://www.twilio.com/docs/messaging/api/message-resource

    It knows no idempotency key: what became of a request without an answer is unclear.
    """

    account: str
    token: str
    sender: str
    channel: str = "sms"
    base: str = "https://api.twilio.com"
    idempotent = False

    # https://www.twilio.com/docs/api/errors: numbers that do not exist, cannot take a message,
    # or whose owner said STOP.
    WRONG_NUMBER = (21211, 21217, 21407, 21610, 21612, 21614, 63003, 63024)

    def send(self, *, to: str, text: str, message_id: str) -> None:
        form = {
            "To": self._named(to),
            "From": self._named(self.sender),
            "Body": text,
            "StatusCallback": tokens.phone_report_url(self.channel, message_id),
        }
        url = f"{self.base}/2010-04-01/Accounts/{self.account}/Messages.json"
        try:
            answer = httpx.post(
                url,
                data=form,
                auth=(self.account, self.token),
                timeout=channels.SECONDS_TO_ANSWER,
                follow_redirects=False,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise channels.TemporaryFailure(_words(error)) from error
        except httpx.HTTPError as error:
            raise channels.Unclear(_words(error)) from error
        if not answer.is_success:
            raise self._failure(answer)

    def _named(self, number: str) -> str:
        return f"whatsapp:{number}" if self.channel == "whatsapp" else number

    def _failure(self, answer: httpx.Response) -> Exception:
        code, said = _error(answer)
        words = f"{answer.status_code} {code or ''} {said}".strip()[:300]
        if code in self.WRONG_NUMBER:
            return channels.AddressRefused(words)
        return channels.failure_by_status(answer.status_code, words)


def _error(answer: httpx.Response) -> tuple[int, str]:
    try:
        told = answer.json()
        return int(told.get("code") or 0), str(told.get("message", ""))
    except (ValueError, TypeError, AttributeError):
        return 0, ""


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
