"""A message tried out on oneself: what a customer would get, sent to the staff member who asks.

It is no message to a customer: nothing is claimed, counted or tracked, no consent is asked for,
and it goes to nobody but the address of the account that asks.
"""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.forms import ValidationError
from django.utils.translation import gettext as _

from campaigns import previews
from campaigns.models import Campaign
from crm.models import Channel, Customer

MOST = 20  # messages an hour for one member of staff
HOUR = 3600
MARK = "X-Rapport-Test"


class NotTried(Exception):
    """Why nothing was sent, in words for the person who asked."""


def send(campaign: Campaign, customer: Customer, staff: Any, *, now: datetime) -> int:
    """Send each variant, as this customer would get it, to the address of `staff`; how many.

    Raises NotTried: no e-mail campaign, no address, too many in an hour, a template that is broken.
    """
    if campaign.channel != Channel.EMAIL:
        raise NotTried(_("Only e-mails can be sent as a test."))
    address = _address(staff)
    shown = previews.of_campaign(campaign, customer, now=now)
    for preview in shown:
        if preview.message is None:
            raise NotTried(preview.error)
    _count(staff, len(shown))
    for preview in shown:
        assert preview.message is not None
        mail = EmailMultiAlternatives(
            f"[{_('Test')} {preview.label}] {preview.message.subject}",
            preview.message.text,
            settings.DEFAULT_FROM_EMAIL,
            [address],
            headers={MARK: str(campaign.pk), "Message-ID": f"<{secrets.token_hex(16)}@test>"},
        )
        mail.attach_alternative(preview.message.html, "text/html")
        try:
            mail.send()
        except OSError as error:  # also all of smtplib's
            raise NotTried(_("The mail server did not take it: %s") % error) from error
    return len(shown)


def _address(staff: Any) -> str:
    address = str(staff.email or "").strip()
    try:
        validate_email(address)
    except ValidationError:
        raise NotTried(_("Your account has no e-mail address to send a test to.")) from None
    return address


def _count(staff: Any, number: int) -> None:
    """Somebody who leans on the button is no mail storm."""
    key = f"campaigns.trying.{staff.pk}"
    cache.add(key, 0, HOUR)
    try:
        used = cache.incr(key, number)
    except ValueError:  # it lapsed in this moment
        cache.set(key, used := number, HOUR)
    if used > MOST:
        words = _("At most %(number)s test messages an hour; try again later.")
        raise NotTried(words % {"number": MOST})
