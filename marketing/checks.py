"""Refuse to start half configured."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

NEEDED_IN_PRODUCTION = (
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "EMAIL_URL",
    "FIELD_ENCRYPTION_KEYS",
    "WIDGET_IDENTITY_SECRET",
    "SITE_URL",
)


@register()
def production_is_configured(**kwargs: Any) -> list[CheckMessage]:
    """With DEBUG=0 every server and secret has to be named; one error for each that is not."""
    if settings.DEBUG or settings.TESTING:
        return []
    return [
        Error(
            f"{name} is not set, and DEBUG is off.",
            hint=f"Set {name} in the environment (see .env.example), or DEBUG=1 for a trial.",
            id="marketing.E001",
        )
        for name in NEEDED_IN_PRODUCTION
        if not os.environ.get(name)
    ]


@register()
def language_model_is_complete(**kwargs: Any) -> list[CheckMessage]:
    """An endpoint without a model name would fail at the first customer's message."""
    if settings.LLM_BASE_URL and not settings.LLM_MODEL:
        return [Error("LLM_BASE_URL is set but LLM_MODEL is not.", id="marketing.E002")]
    return []


def refuse_half_configured() -> None:
    """For servers that start without `manage.py`: the same errors, before the first request."""
    errors = production_is_configured() + language_model_is_complete()
    if errors:
        raise ImproperlyConfigured(" ".join(str(error.msg) for error in errors))
