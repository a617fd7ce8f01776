"""E-mail by a provider's API (django-anymail, `EMAIL_PROVIDER`): what its errors mean to us.

Nothing of it is imported where no provider is set.
"""

from django.conf import settings

from campaigns import channels

METADATA = "message_id"  # what providers give back with each report


def errors() -> tuple[type[Exception], ...]:
    """The exceptions that only a provider's backend raises."""
    if not settings.EMAIL_PROVIDER:
        return ()
    from anymail.exceptions import AnymailError

    return (AnymailError,)


def failure(error: Exception) -> Exception:
    """The end of a message that this error stands for."""
    from anymail import exceptions
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import ConnectTimeout

    words = " ".join(str(error).split())[:300]
    match error:
        case exceptions.AnymailRecipientsRefused() | exceptions.AnymailInvalidAddress():
            return channels.AddressRefused(words)
        case exceptions.AnymailAPIError(status_code=int(status)):
            return channels.failure_by_status(status, words)
        case ConnectTimeout():
            return channels.TemporaryFailure(words)
        case exceptions.AnymailAPIError() | NoConnection():
            return channels.Unclear(words)
    return channels.PermanentFailure(words)  # this provider cannot say what the message says
