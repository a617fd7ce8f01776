"""Why a row was rejected, in the reader's language.

Loaders give their reasons in English, and files of rejects keep them so.
"""

from django.utils.translation import gettext_noop

from crm.importing.formats import LABELS
from crm.phrasing import Phrases

FORMS = Phrases(
    gettext_noop("%(column)s: %(value)s belongs to another customer"),
    gettext_noop("order %(value)s belongs to another customer"),
    gettext_noop("%(column)s: %(value)s is not an address"),
    gettext_noop("%(column)s: %(value)s is not a number"),
    gettext_noop("%(column)s: %(value)s is not a whole number"),
    gettext_noop("%(column)s: %(value)s is not a time (write 2026-01-31 13:45:00)"),
    gettext_noop("%(column)s: %(value)s is out of range"),
    gettext_noop("%(column)s: %(value)s is negative"),
    gettext_noop("%(column)s: %(value)s does not exist"),
    gettext_noop("%(column)s: %(value)s is neither en nor zh"),
    gettext_noop("%(column)s: %(value)s is not yes or no for a channel and topic"),
    gettext_noop("%(column)s: %(value)s is none of %(known)s"),
    gettext_noop(
        "%(column)s: %(value)s does not fit %(status)s (refunds are negative, sales positive)"
    ),
    gettext_noop("%(column)s: longer than %(number)s characters"),
    gettext_noop("%(column)s is missing"),
    gettext_noop("user_id and email are both missing"),
    gettext_noop("Quantity is 0"),
    gettext_noop("Quantity %(number)s is negative outside a cancelled invoice"),
    gettext_noop("Quantity %(number)s is positive in a cancelled invoice"),
    gettext_noop("repeats line %(number)s"),
    gettext_noop("%(number)s cells, not %(width)s"),
    gettext_noop("holds a NUL character"),
    gettext_noop("a cell over %(number)s characters"),
    gettext_noop("is not in the encoding of the file"),
    gettext_noop("not a JSON object"),
    gettext_noop("userId and anonymousId are both missing"),
)


def said(reason: str) -> str:
    """The reason in the present language, its column by the name that staff know."""
    return FORMS.said(reason, column=lambda name: str(LABELS.get(name, name)))
