"""Codes and what people read for them."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, Promise] = {
    "no_address": _("No address for this channel"),
    "same_address": _("Another customer of the audience has this address"),
    "merged": _("The customer was merged into another"),
    "no_consent": _("No consent to this topic and channel"),
    "control_group": _("In the group to which no campaign writes"),
    "suppressed": _("The address must not be written to"),
    "frequency_cap": _("Enough messages within the time of the cap"),
    "quiet_hours": _("Waiting for the end of the quiet hours"),
    "cancelled": _("The campaign was cancelled"),
    "left_journey": _("They left the journey before it was sent"),
}
STEPS: dict[str, Promise] = {
    "audience": _("Audience"),
    "written_to": _("To be written to"),
    "sent": _("Sent"),
    "opened": _("Opened"),
    "clicked": _("Clicked"),
    "converted": _("Bought"),
}
VERDICTS: dict[str, Promise] = {
    "better": _("More customers bought"),
    "worse": _("Fewer customers bought"),
    "unclear": _("No winner yet: the interval holds zero"),
    "waits": _("Not judged yet: the look that was planned is still to come"),
    "early": _("Too early: an arm has fewer than 30 customers, or fewer than five of them bought"),
}
REFUSALS: dict[str, Promise] = {  # of coupons that were used
    "": "–",  # type: ignore[dict-item]
    "used_up": _("It was used up"),
    "of_another": _("It is another customer's"),
    "not_valid": _("Not on that day"),
}
GUARDS: dict[str, Promise] = {
    "unsubscribed": _("Unsubscribed"),
    "complained": _("Complained of spam"),
}
RULES: dict[str, Promise] = {
    "first": _("First message"),
    "last": _("Last message"),
    "linear": _("All messages alike"),
    "time_decay": _("The nearer, the more (half after 7 days)"),
    # xgettext:no-python-format
    "position": _("First and last 40 % each"),
}
ARMS: dict[str, Promise] = {"holdout": _("Held out"), "all": _("All variants")}


def reason(code: str) -> str:
    return str(REASONS.get(code, code))
