"""Template + customer -> message: subject, HTML and text in the customer's language."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe
from liquid import BoundTemplate
from liquid.exceptions import LiquidError

from campaigns import markup, tokens
from campaigns.models import Campaign, Coupon, Delivery, LinkTarget, Template
from campaigns.sandbox import LONGEST_SOURCE, Sandbox, line_of_unclosed, one_rendering
from crm.models import Customer
from recommendations import serving

PRODUCTS = 6
LOCALES = {"en": "en", "zh": "zh-hans"}
_html = Sandbox(autoescape=True)
_plain = Sandbox(autoescape=False)


class BrokenTemplate(Exception):
    """A template cannot be read or rendered: which, which field of it, which line, and why."""

    def __init__(self, template: str, field_name: str, line: int, why: str) -> None:
        self.template, self.field_name, self.line, self.why = template, field_name, line, why
        super().__init__(f"Template “{template}”, {field_name}, line {line}: {why}")


@dataclass(frozen=True)
class Message:
    """What leaves the house. `missing` names the values that the template asked for in vain."""

    subject: str
    text: str
    html: str
    headers: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def check(template: Template) -> None:
    """Raise BrokenTemplate for the first field that does not parse, or a message without words."""
    if broken := errors(template):
        raise next(iter(broken.values()))


def errors(template: Template) -> dict[str, BrokenTemplate]:
    """Every field that does not parse, by its name; and a body or subject that is missing."""
    found = {}
    for language in ("en", "zh"):
        for part in ("subject", "body", "text"):
            name = f"{part}_{language}"
            try:
                _compiled(getattr(template, name), template.name, name)
            except BrokenTemplate as error:
                found[name] = error
    language = template.language_for("en")
    for part in ("body", "subject"):
        name = f"{part}_{language}"
        if not getattr(template, name).strip():
            found.setdefault(name, BrokenTemplate(template.name, name, 1, "it is empty"))
    return found


def preview(template: Template, customer: Customer, *, now: datetime) -> Message:
    """The message as this customer would get it: nothing is tracked, nothing written down."""
    context = _context(template, customer, now=now) | {
        "unsubscribe_url": "#",
        "preferences_url": "#",
    }
    return _message(template, customer, context, track=lambda url: url)


class Renderer:
    """Renders the messages of one campaign; remembers the links that it has met."""

    def __init__(self, campaign: Campaign, *, now: datetime) -> None:
        self._campaign, self._now = campaign, now
        self._links: dict[str, int] = {}

    def render(self, delivery: Delivery) -> Message:
        """Raises BrokenTemplate. `delivery` comes with its customer and its variant's template."""
        preferences = tokens.preferences_url(delivery.pk)
        template, customer = delivery.variant.template, delivery.customer
        context = _context(template, customer, now=self._now) | {
            "unsubscribe_url": preferences,
            "preferences_url": preferences,
        }

        def track(url: str) -> str:
            if url == preferences or len(url) > 2000:
                return url
            return tokens.click_url(delivery.pk, self._link(url))

        pixel = tokens.open_url(delivery.pk)
        message = _message(template, customer, context, track=track, pixel=pixel)
        message.headers.update(
            {
                "List-Unsubscribe": f"<{preferences}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        )
        return message

    def _link(self, url: str) -> int:
        if url not in self._links:
            link, _ = LinkTarget.objects.get_or_create(
                campaign=self._campaign,
                digest=hashlib.sha256(url.encode()).hexdigest(),
                defaults={"url": url},
            )
            self._links[url] = link.pk
        return self._links[url]


def _message(
    template: Template,
    customer: Customer,
    context: dict[str, Any],
    *,
    track: Callable[[str], str],
    pixel: str = "",
) -> Message:
    language = template.language_for(customer.language)
    with one_rendering() as missing:
        subject = _fill(template, f"subject_{language}", context)
        body = _fill(template, f"body_{language}", context)
        text = _fill(template, f"text_{language}", context) or markup.to_text(body)
    subject = " ".join(subject.split())
    around = {
        "language": LOCALES[language],
        "subject": subject,
        "body": mark_safe(markup.rewrite_links(body, track)),  # Liquid escaped it
        "text": mark_safe(markup.rewrite_addresses(text, track)),  # not HTML
        "pixel": pixel,
        "shop": context["shop"],
        "preferences_url": context["preferences_url"],
    }
    with translation.override(LOCALES[language]):
        html = render_to_string("campaigns/email.html", around)
        plain = render_to_string("campaigns/email.txt", around)
    return Message(subject, plain, html, missing=tuple(sorted(missing)))


def _context(template: Template, customer: Customer, *, now: datetime) -> dict[str, Any]:
    """The variables of a template. What costs a query is asked only where the template does."""
    language = template.language_for(customer.language)
    source = "".join(
        getattr(template, f"{part}_{language}") for part in ("subject", "body", "text")
    )
    context: dict[str, Any] = {
        "customer": _named(
            name=customer.name, first_name=first_name(customer.name), traits=customer.traits
        ),
        "shop": {"name": parseaddr(settings.DEFAULT_FROM_EMAIL)[0], "url": settings.SITE_URL},
    }
    if "coupon" in source and (coupon := best_coupon(customer, now=now)):
        context["coupon"] = {
            "code": coupon.code,
            "text": coupon.text_in(language),
            "valid_to": coupon.valid_to.isoformat(),
        }
    if "recommendations" in source:
        context["recommendations"] = _recommended(customer, language, now=now)
    return context


def first_name(name: str) -> str:
    """“Ada” of “Ada Lovelace”. Chinese names put the family first and are used whole."""
    words = name.split()
    return words[0] if words else ""


def best_coupon(customer: Customer, *, now: datetime) -> Coupon | None:
    """One of their own before everybody's; of those, the one that ends first."""
    valid = Coupon.objects.valid_for(customer, on=now.date()).order_by("valid_to", "pk")
    return valid.exclude(customer=None).first() or valid.filter(customer=None).first()


def _recommended(customer: Customer, language: str, *, now: datetime) -> list[dict[str, object]]:
    found = serving.recommend(customer, n=PRODUCTS, now=now, placement="campaign")
    return [
        _named(
            title=one.product.title_in(language),
            price=f"{one.product.price:,.2f}",
            currency=one.product.currency,
            url=f"{settings.SITE_URL}/product/{quote(one.product.sku)}/",
            image=_absolute(one.product.image),
            reason=one.reason(language),
        )
        for one in found
    ]


def _absolute(image: str) -> str:
    return f"{settings.SITE_URL}{image}" if image.startswith("/") else image


def _named(**values: object) -> dict[str, object]:
    """Leave out what is empty, so that `default` helps and the preview says what is missing."""
    return {name: value for name, value in values.items() if value not in ("", None)}


def _fill(template: Template, name: str, context: dict[str, Any]) -> str:
    compiled = _compiled(getattr(template, name), template.name, name)
    try:
        return compiled.render(context)
    except Exception as error:  # a template is a stranger's program: what it raises is its own
        raise _broken(template.name, name, error) from error


@lru_cache(maxsize=256)
def _compiled(source: str, template: str, name: str) -> BoundTemplate:
    if len(source) > LONGEST_SOURCE:
        why = f"longer than {LONGEST_SOURCE} characters"
        raise BrokenTemplate(template, name, 1, why)
    if line := line_of_unclosed(source):
        raise BrokenTemplate(template, name, line, "what is opened here is never closed")
    engine = _html if name.startswith("body") else _plain
    try:
        return engine.from_string(source)
    except Exception as error:  # as above; a parser may also run out of stack
        raise _broken(template, name, error) from error


def _broken(template: str, name: str, error: Exception) -> BrokenTemplate:
    where = error.context() if isinstance(error, LiquidError) else None
    why = error.message if isinstance(error, LiquidError) else type(error).__name__
    return BrokenTemplate(template, name, where[0] if where else 1, str(why)[:200])
