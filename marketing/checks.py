"""Refuse to start half configured."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

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
        if not settings.env(name, default="")
    ]


@register()
def language_model_is_complete(**kwargs: Any) -> list[CheckMessage]:
    """An endpoint without a model name would fail at the first customer's message."""
    if settings.LLM_BASE_URL and not settings.LLM_MODEL:
        return [Error("LLM_BASE_URL is set but LLM_MODEL is not.", id="marketing.E002")]
    return []
