"""Template + customer -> message: subject, HTML and text in the customer's language."""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.html import escape
from liquid import BoundTemplate
from liquid.exceptions import LiquidError

from campaigns import markup, mjml, personal, shell, tokens
from campaigns.decisions import messages, offers
from campaigns.decisions.offers import Said
from campaigns.journeys import telling
from campaigns.models import BY_PHONE, Campaign, LinkTarget, Template, Variant
from campaigns.sandbox import LONGEST_SOURCE, Sandbox, line_of_unclosed, one_rendering
from crm.models import Customer

LONGEST_URL = 2000
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
    """Every field that does not parse, by its name; and a body or subject that is missing.

    So is one that speaks of a placement that is not there, which is asked in one query.
    """
    found = {}
    for language in ("en", "zh"):
        for part in ("subject", "body", "text"):
            name = f"{part}_{language}"
            try:
                _compiled(getattr(template, name), template.name, name)
            except BrokenTemplate as error:
                found[name] = error
    language = template.language_for("en")
    for name, slug in personal.unknown_placements(template):
        why = f"there is no placement “{slug}”"
        found.setdefault(name, BrokenTemplate(template.name, name, 1, why))
    for name, slug in personal.unknown_series(template):
        why = f"there is no coupon series “{slug}”"
        found.setdefault(name, BrokenTemplate(template.name, name, 1, why))
    for part in ("body",) if template.channel in BY_PHONE else ("body", "subject"):
        name = f"{part}_{language}"
        if not getattr(template, name).strip():
            found.setdefault(name, BrokenTemplate(template.name, name, 1, "it is empty"))
    return found


class Reader(Protocol):
    """Who reads a message, as far as every template may know them."""

    @property
    def pk(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def traits(self) -> dict[str, Any]: ...


class Addressed(Protocol):
    """A delivery, or as much of it as a message needs. `variant` comes with its template."""

    @property
    def pk(self) -> int: ...
    @property
    def variant(self) -> Variant: ...
    @property
    def customer(self) -> Reader: ...


def preview(template: Template, customer: Customer, *, now: datetime) -> Message:
    """The message as this customer would get it: nothing is tracked, nothing written down."""
    language = template.language_for(customer.language)
    asked = personal.values(personal.wanted(template, language), customer, language, now=now)
    placements = personal.placements(template, language)
    asked["decisions"] = personal.looked_up(
        placements, customer, language, channel=template.channel, now=now
    )
    if slugs := personal.series(template, language):
        asked["coupons"] = personal.shown(slugs, customer, language, now=now)
    if telling.is_wanted(template, language):
        asked["event"] = telling.sample(customer, language, now=now)
    context = _context(customer, asked, preferences="#")
    return _message(template, language, context, track=lambda url: url)


class UnknownLink(Exception):
    """A link that has no number yet; learn() gives it one."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(url)


class Renderer:
    """Renders the messages of one campaign; remembers the links that it has met.

    `prepare` asks the database for a batch; `render` asks nothing, so that threads may call it.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._links: dict[str, int] = {}
        self._asked: dict[int, dict[str, Any]] = {}  # by delivery
        self._met: set[tuple[int, str]] = set()

    def prepare(self, deliveries: Iterable[Addressed], *, now: datetime) -> None:
        """Ask for what the templates want to know of these customers, and number their links."""
        wishes, firsts, deliveries = {}, [], list(deliveries)
        for delivery in deliveries:
            template, language = _spoken(delivery)
            if names := personal.wanted(template, language):
                wishes[delivery.customer.pk] = (language, names)
            if (kind := (delivery.variant.pk, language)) not in self._met:
                self._met.add(kind)
                firsts.append(delivery)
        customers = Customer.objects.in_bulk(wishes) if wishes else {}
        readers = [(customers[pk], *wish) for pk, wish in wishes.items() if pk in customers]
        asked = personal.of_many(readers, now=now)
        decided = self._decided(deliveries, now=now)
        events, codes = self._events(deliveries), self._codes(deliveries, now=now)
        for delivery in deliveries:
            known, mine = asked.get(delivery.customer.pk, {}), decided.get(delivery.pk, {})
            for told in (*known.get("recommendations", ()), *mine.values()):
                self.learn(told["url"])
            event = events.get(delivery.pk, {})
            for url in telling.links(event):
                self.learn(url)
            said = {
                "decisions": mine,
                "event": event,
                "coupons": codes.get(delivery.customer.pk, {}),
            }
            self._asked[delivery.pk] = known | said
        for delivery in firsts:
            with suppress(BrokenTemplate):  # it is told where the message is made
                self.complete(delivery)

    def _codes(
        self, deliveries: Iterable[Addressed], *, now: datetime
    ) -> dict[int, dict[str, dict[str, str]]]:
        """Codes of their own, given to whom these messages offer one."""
        spoken = [(one.customer.pk, *_spoken(one)) for one in deliveries]
        wishes = [(s, pk, lang) for pk, said, lang in spoken for s in personal.series(said, lang)]
        return personal.given(wishes, now=now) if wishes else {}

    def _events(self, deliveries: Iterable[Addressed]) -> dict[int, Said]:
        """What let the readers of these messages into their journey, where it is spoken of."""
        if self._campaign.journey_id is None:
            return {}
        spoken = [(one.pk, *_spoken(one)) for one in deliveries]
        wishes = {pk: lang for pk, said, lang in spoken if telling.is_wanted(said, lang)}
        return telling.of_deliveries(wishes, journey_id=self._campaign.journey_id) if wishes else {}

    def _decided(
        self, deliveries: Iterable[Addressed], *, now: datetime
    ) -> dict[int, dict[str, Said]]:
        """What was decided for these messages, in the words of their readers."""
        wishes, languages = [], {}
        for delivery in deliveries:
            template, languages[delivery.pk] = _spoken(delivery)
            for slug in personal.placements(template, languages[delivery.pk]):
                wishes.append(messages.Wish(delivery.pk, delivery.customer.pk, slug))
        found: dict[int, dict[str, Said]] = {}
        for pk, made in messages.decided(wishes, channel=self._campaign.channel, now=now).items():
            told = {s: offers.decided(one, languages[pk], now=now) for s, one in made.items()}
            found[pk] = {slug: said for slug, said in told.items() if said}
        return found

    def complete(self, delivery: Addressed) -> Message:
        """As `render`, and numbers links on the way. Raises BrokenTemplate."""
        while True:
            try:
                return self.render(delivery)
            except UnknownLink as unknown:
                self.learn(unknown.url)

    def forget(self, deliveries: Iterable[Addressed]) -> None:
        """These messages are made: what was asked for them is not needed any more."""
        for delivery in deliveries:
            self._asked.pop(delivery.pk, None)

    def render(self, delivery: Addressed) -> Message:
        """Raises BrokenTemplate; UnknownLink where only this message has a certain link."""
        preferences = tokens.preferences_url(delivery.pk)
        template, language = _spoken(delivery)
        asked = self._asked.get(delivery.pk, {})
        context = _context(delivery.customer, asked, preferences=preferences)

        tracked: dict[str, str] = {preferences: preferences}  # HTML and text have the same links

        def track(url: str) -> str:
            if url not in tracked:
                tracked[url] = self._click_url(delivery.pk, url)
            return tracked[url]

        pixel, trap = tokens.open_url(delivery.pk), tokens.trap_url(delivery.pk)
        message = _message(template, language, context, track=track, pixel=pixel, trap=trap)
        message.headers.update(
            {
                "List-Unsubscribe": f"<{preferences}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        )
        return message

    def _click_url(self, delivery_id: int, url: str) -> str:
        if len(url) > LONGEST_URL:
            return url
        if url not in self._links:
            raise UnknownLink(url)
        return tokens.click_url(delivery_id, self._links[url])

    def learn(self, url: str) -> None:
        """Give a link its number. Asks the database, once a link."""
        if url in self._links:
            return
        link, _ = LinkTarget.objects.get_or_create(
            campaign=self._campaign,
            digest=hashlib.sha256(url.encode()).hexdigest(),
            defaults={"url": url},
        )
        self._links[url] = link.pk


def _message(
    template: Template,
    language: str,
    context: dict[str, Any],
    *,
    track: Callable[[str], str],
    pixel: str = "",
    trap: str = "",
) -> Message:
    with one_rendering() as missing:
        subject = _fill(template, f"subject_{language}", context)
        body = _fill(template, f"body_{language}", context)
        text = _fill(template, f"text_{language}", context) or markup.to_text(body)
    subject = " ".join(subject.split())
    body = markup.rewrite_links(body, track)  # Liquid escaped it
    around = {
        "subject": escape(subject),
        "body": body,
        "text": markup.rewrite_addresses(text, track),
        "pixel": escape(pixel),
        "trap": escape(trap),
        "preferences_url": context["preferences_url"],
    }
    if template.channel in BY_PHONE:
        plain = shell.fill("phone.txt", LOCALES[language], context["shop"], around).strip()
        return Message(subject, plain, "", missing=tuple(sorted(missing)))
    is_whole = mjml.is_mjml(getattr(template, f"body_{language}"))
    frame = "mjml_end.html" if is_whole else "email.html"
    html = shell.fill(frame, LOCALES[language], context["shop"], around)
    if is_whole:
        html = mjml.closed_with(body, html)
    plain = shell.fill("email.txt", LOCALES[language], context["shop"], around)
    return Message(subject, plain, html, missing=tuple(sorted(missing)))


def _spoken(delivery: Addressed) -> tuple[Template, str]:
    template = delivery.variant.template
    return template, template.language_for(delivery.customer.language)


def _context(reader: Reader, asked: dict[str, Any], *, preferences: str) -> dict[str, Any]:
    """The variables of a template."""
    return {
        "customer": offers.named(
            name=reader.name, first_name=first_name(reader.name), traits=reader.traits
        ),
        "shop": {"name": _shop_name(settings.DEFAULT_FROM_EMAIL), "url": settings.SITE_URL},
        "unsubscribe_url": preferences,
        "preferences_url": preferences,
        **asked,
    }


def first_name(name: str) -> str:
    """“Ada” of “Ada Lovelace”. Chinese names put the family first and are used whole."""
    words = name.split()
    return words[0] if words else ""


@lru_cache
def _shop_name(sender: str) -> str:
    return parseaddr(sender)[0]


def _fill(template: Template, name: str, context: dict[str, Any]) -> str:
    if not (source := getattr(template, name)):
        return ""
    compiled = _compiled(source, template.name, name)
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
        if name.startswith("body") and mjml.is_mjml(source):
            source = mjml.to_html(source)
        return engine.from_string(source)
    except Exception as error:  # as above; a parser may also run out of stack
        raise _broken(template, name, error) from error


def _broken(template: str, name: str, error: Exception) -> BrokenTemplate:
    where = error.context() if isinstance(error, LiquidError) else None
    why = error.message if isinstance(error, LiquidError) else type(error).__name__
    if isinstance(error, mjml.BadMjml):
        why = f"MJML: {error}"
    return BrokenTemplate(template, name, where[0] if where else 1, str(why)[:200])
