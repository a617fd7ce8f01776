"""A rule in words, and a reason: in English or Chinese, whichever is spoken at the moment."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crm.models import Aspect, Brand, Category, Channel, Feedback, Product, Segment, Topic
from crm.models.opinions import Feeling
from crm.segments import language as lang
from crm.segments.parsing import parse

# Marked for translation here, translated where they are used.
MUCH = {
    "=": gettext_noop("exactly %(number)s"),
    "!=": gettext_noop("not exactly %(number)s"),
    ">": gettext_noop("more than %(number)s"),
    ">=": gettext_noop("at least %(number)s"),
    "<": gettext_noop("less than %(number)s"),
    "<=": gettext_noop("at most %(number)s"),
}
COMPARED = {
    "=": gettext_noop("%(what)s is %(value)s"),
    "!=": gettext_noop("%(what)s is not %(value)s"),
    ">": gettext_noop("%(what)s is over %(value)s"),
    ">=": gettext_noop("%(what)s is at least %(value)s"),
    "<": gettext_noop("%(what)s is under %(value)s"),
    "<=": gettext_noop("%(what)s is at most %(value)s"),
    "contains": gettext_noop("%(what)s contains %(value)s"),
    "starts with": gettext_noop("%(what)s starts with %(value)s"),
    "in": gettext_noop("%(what)s is one of %(value)s"),
    "exists": gettext_noop("%(what)s is known"),
}
ONCE = ((">", 0), (">=", 1))
NEVER = (("=", 0), ("<", 1), ("<=", 0))
FIELDS = {
    "language": gettext_noop("language"),
    "country": gettext_noop("country"),
    "name": gettext_noop("name"),
    "email": gettext_noop("e-mail"),
    "phone": gettext_noop("phone"),
    "is_known": gettext_noop("known by name or number"),
    "timezone": gettext_noop("time zone"),
}
AGES = {
    "last_seen_at": gettext_noop("was last seen %(much)s days ago"),
    "first_seen_at": gettext_noop("was first seen %(much)s days ago"),
}
EVENTS = {
    "chatbot.message_received": gettext_noop("wrote in the chat"),
    "chatbot.handoff_requested": gettext_noop("asked for a person in the chat"),
    "campaigns.message_sent": gettext_noop("was sent a message"),
    "campaigns.message_opened": gettext_noop("opened a message"),
    "campaigns.message_clicked": gettext_noop("clicked in a message"),
    "campaigns.message_bounced": gettext_noop("could not be reached"),
    "campaigns.message_complained": gettext_noop("complained of a message"),
    "campaigns.message_replied": gettext_noop("answered a message"),
    "campaigns.offer_shown": gettext_noop("was shown an offer"),
    "campaigns.offer_clicked": gettext_noop("clicked an offer"),
    "campaigns.unsubscribed": gettext_noop("unsubscribed"),
    "crm.product_viewed": gettext_noop("looked at a product"),
    "crm.product_added": gettext_noop("put a product in the cart"),
    "crm.product_removed": gettext_noop("took a product out of the cart"),
    "crm.products_searched": gettext_noop("searched for products"),
    "crm.coupon_applied": gettext_noop("used a coupon"),
    "crm.order_placed": gettext_noop("placed an order"),
    "crm.order_refunded": gettext_noop("was refunded"),
    "crm.feedback_given": gettext_noop("gave feedback"),
    "crm.consent_changed": gettext_noop("changed a consent"),
    "crm.identified": gettext_noop("introduced themselves"),
    "crm.page": gettext_noop("visited a page"),
    "crm.segment_entered": gettext_noop("entered a segment"),
    "crm.segment_left": gettext_noop("left a segment"),
}
PROPERTIES = {
    "intent": gettext_noop("intent"),
    "sentiment": gettext_noop("sentiment"),
    "campaign": gettext_noop("campaign"),
    "channel": gettext_noop("channel"),
    "category": gettext_noop("category"),
    "brand": gettext_noop("brand"),
    "price": gettext_noop("price"),
    "segment": gettext_noop("segment"),
}
SCORES = {
    "rfm": gettext_noop("RFM score"),
    "clv": gettext_noop("customer lifetime value"),
    "churn": gettext_noop("chance of churning"),
    "propensity": gettext_noop("chance of buying"),
    "cluster": gettext_noop("cluster"),
    "sentiment": gettext_noop("sentiment"),
    "churn_30": gettext_noop("chance of staying away for 30 days"),
    "churn_90": gettext_noop("chance of staying away for 90 days"),
    "purchase_30": gettext_noop("chance of buying within 30 days"),
    "purchase_90": gettext_noop("chance of buying within 90 days"),
    "next_order": gettext_noop("days to the next order"),
    "need": gettext_noop("what they needed lately"),
    "channel": gettext_noop("preferred channel"),
    "hour": gettext_noop("preferred hour"),
}


def say(rule: Any, language: str) -> str:
    """The whole rule as a sentence in a language. Raises BadRule."""
    part = parse(rule)
    with translation.override(language):
        if isinstance(part, lang.Several) and len(part.parts) > 1:
            clauses = _("; ").join(map(_part, part.parts))
            text = (
                _("Customers with all of this: %(rules)s.")
                if part.all
                else _("Customers with any of this: %(rules)s.")
            )
            return text % {"rules": clauses}
        return _("Customers who: %(rule)s.") % {"rule": _part(part)}


def in_both(rule: Any) -> list[tuple[str, str]]:
    """The sentence in each language, the reader's first. Raises BadRule."""
    said = [(code, say(rule, code)) for code, _name in settings.LANGUAGES]
    mine = translation.get_language() or "en"
    return sorted(said, key=lambda pair: pair[0] != mine)


def clause(rule: Any) -> str:
    """A part of a rule, in the language that is spoken now."""
    return _part(parse(rule))


def because(reason: Mapping[str, Any], language: str) -> list[str]:
    """A kept reason as sentences."""
    return because_all([reason], language)[0]


def because_all(reasons: Iterable[Mapping[str, Any]], language: str) -> list[list[str]]:
    """Kept reasons as sentences; a part of a rule is put into words once, whomever it holds for."""
    told: dict[str, tuple[lang.Part, str]] = {}
    with translation.override(language):
        return [
            [text for item in reason.get("because", []) if (text := _because(item, told))]
            for reason in reasons
        ]


def _because(item: Mapping[str, Any], told: dict[str, tuple[lang.Part, str]]) -> str:
    if who := item.get("added_by"):
        return _("added by %(who)s") % {"who": who}
    key = json.dumps(item.get("rule"), sort_keys=True)
    if key not in told:
        try:
            leaf = parse(item["rule"])
        except (KeyError, lang.BadRule):  # kept by another version of the language
            return ""
        told[key] = leaf, _part(leaf)
    leaf, text = told[key]
    holds = item.get("holds", True)
    if not holds:
        text = _("not: %(rule)s") % {"rule": text}
    value = _shown(leaf, item.get("value"), holds=holds)
    return _("%(rule)s (is: %(value)s)") % {"rule": text, "value": value} if value else text


def _shown(leaf: lang.Part, value: Any, *, holds: bool) -> str:
    """The value that a part was judged by, where the part does not say it itself."""
    if value is None or isinstance(leaf, lang.Inside | lang.Agreed | lang.Share | lang.Not):
        return ""
    if isinstance(leaf, lang.Scored) and leaf.label:
        return "" if holds else _label(replace(leaf, label=str(value)))
    if isinstance(leaf, lang.Field | lang.Trait) and holds and leaf.test.op == "=":
        return ""
    moment = parse_datetime(value) if isinstance(value, str) and len(value) > 18 else None
    return date_format(moment, "DATETIME_FORMAT") if moment else _number(value)


def _part(part: lang.Part) -> str:
    if isinstance(part, lang.Not):
        return _("not (%(rule)s)") % {"rule": _part(part.part)}
    if isinstance(part, lang.Several):
        if len(part.parts) == 1:
            return _part(part.parts[0])
        text = _("all of (%(rules)s)") if part.all else _("any of (%(rules)s)")
        return text % {"rules": _("; ").join(map(_part, part.parts))}
    return " ".join(LEAVES[type(part)](part).split())


def _field(leaf: lang.Field) -> str:
    (name,) = leaf.test.path
    if isinstance(leaf.test.value, bool):
        known = leaf.test.value == (leaf.test.op == "=")
        return _("is known to us") if known else _("is an unknown visitor")
    return _compared(_(FIELDS[name]), leaf.test)


def _trait(leaf: lang.Trait) -> str:
    return _compared(_("trait “%(name)s”") % {"name": ".".join(leaf.test.path)}, leaf.test)


def _compared(what: str, test: lang.Condition) -> str:
    return _(COMPARED[test.op]) % {"what": what, "value": _value(test.value)}


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return _(", ").join(map(_value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _("“%(text)s”") % {"text": value} if isinstance(value, str) else _number(value)


def _number(value: Any) -> str:
    if isinstance(value, float):
        value = int(value) if value == int(value) else round(value, 2)
    return (
        f"{value:,}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value)
    )


def _much(op: str, number: float) -> str:
    return _(MUCH[op]) % {"number": _number(number)}


def _window(window: lang.Window) -> str:
    if window.far is None:
        return ""
    if not window.near:
        return _("in the last %(days)s days") % {"days": _number(window.far)}
    return _("between %(near)s and %(far)s days ago") % {
        "near": _number(window.near),
        "far": _number(window.far),
    }


def _age(leaf: lang.Age) -> str:
    return _(AGES[leaf.column]) % {"much": _much(leaf.op, leaf.value)}


def _happened(leaf: lang.Happened) -> str:
    event = _(EVENTS[leaf.kind]) if leaf.kind in EVENTS else _("“%(text)s”") % {"text": leaf.kind}
    if leaf.name:
        event = _("did “%(name)s”") % {"name": leaf.name}
    tests = [_compared(_property(test), test) for test in leaf.where_data]
    where = _("(%(tests)s)") % {"tests": _(" and ").join(tests)} if tests else ""
    words = {"event": event, "where": where, "window": _window(leaf.window)}
    words["much"] = _much(leaf.op, leaf.value)
    if leaf.figure == "count":
        if (leaf.op, leaf.value) in ONCE:
            return _("%(event)s %(where)s %(window)s") % words
        if (leaf.op, leaf.value) in NEVER:
            return _("never %(event)s %(where)s %(window)s") % words
        return _("%(event)s %(where)s %(much)s times %(window)s") % words
    if leaf.figure == "last":
        return _("last %(event)s %(where)s %(much)s days ago %(window)s") % words
    words["property"] = ".".join(leaf.property)
    if leaf.figure == "sum":
        return _("%(event)s %(where)s with %(much)s of %(property)s in sum %(window)s") % words
    return _("%(event)s %(where)s with %(much)s of %(property)s on average %(window)s") % words


def _property(test: lang.Condition) -> str:
    name = ".".join(test.path)
    return _(PROPERTIES[name]) if name in PROPERTIES else name


def _ordered(leaf: lang.Ordered) -> str:
    words = {"much": _much(leaf.op, leaf.value), "window": _window(leaf.window)}
    never = leaf.figure == "count" and (leaf.op, leaf.value) in NEVER
    words["what"] = _bought(leaf) or (_("anything") if never else _("something"))
    words["currency"] = leaf.currency
    if leaf.figure == "count":
        if never:
            return _("did not order %(what)s %(window)s") % words
        if (leaf.op, leaf.value) in ONCE:
            return _("ordered %(what)s %(window)s") % words
        return _("ordered %(what)s %(much)s times %(window)s") % words
    if leaf.figure == "last":
        return _("last ordered %(what)s %(much)s days ago %(window)s") % words
    if leaf.figure == "sum":
        return _("spent %(much)s %(currency)s on %(what)s %(window)s") % words
    return _("spent %(much)s %(currency)s an order %(window)s") % words


def _bought(leaf: lang.Ordered) -> str:
    things = [
        _("product “%(name)s”") % {"name": _named(Product, "sku", leaf.product)}
        if leaf.product
        else "",
        _("category “%(name)s”") % {"name": _named(Category, "slug", leaf.category)}
        if leaf.category
        else "",
        _("brand “%(name)s”") % {"name": _named(Brand, "slug", leaf.brand)} if leaf.brand else "",
    ]
    return _(", ").join(filter(None, things))


def _named(model: type[Model], key: str, value: str) -> str:
    row = model._default_manager.filter(**{key: value}).first()
    return str(row) if row else value


def _rated(leaf: lang.Rated) -> str:
    kind = _("feedback") if leaf.kind == "any" else str(Feedback.Kind(leaf.kind).label)
    words = {"kind": kind, "window": _window(leaf.window)}
    if not leaf.score_op:
        return _("gave feedback (%(kind)s) %(window)s") % words
    words["much"] = _much(leaf.score_op, leaf.score)
    return _("gave feedback (%(kind)s) of %(much)s %(window)s") % words


def _scored(leaf: lang.Scored) -> str:
    what = (
        _(SCORES[leaf.name]) if leaf.name in SCORES else _("score “%(name)s”") % {"name": leaf.name}
    )
    if leaf.label:
        return _(COMPARED["="]) % {"what": what, "value": _label(leaf)}
    return _(COMPARED[leaf.op]) % {"what": what, "value": _number(leaf.value)}


def _label(leaf: lang.Scored) -> str:
    rule = {"score": leaf.name, "label": leaf.label}
    segment = Segment.objects.filter(kind__in=("label", "cluster"), rule=rule).first()
    return _("“%(text)s”") % {"text": segment or leaf.label}


def _agreed(leaf: lang.Agreed) -> str:
    words = {
        "channel": str(Channel(leaf.channel).label),
        "topic": _("“%(text)s”") % {"text": _named(Topic, "slug", leaf.topic)}
        if leaf.topic
        else "",
    }
    text = (
        _("agreed to %(topic)s by %(channel)s")
        if leaf.granted
        else _("refused %(topic)s by %(channel)s")
    )
    if not leaf.topic:
        text = (
            _("agreed to something by %(channel)s")
            if leaf.granted
            else _("refused something by %(channel)s")
        )
    return text % words


def _inside(leaf: lang.Inside) -> str:
    return _("is in the segment “%(name)s”") % {"name": _named(Segment, "slug", leaf.slug)}


def _share(leaf: lang.Share) -> str:
    return _("is in a random %(percent)s %% of all (“%(salt)s”)") % {
        "percent": _number(leaf.percent),
        "salt": leaf.salt,
    }


def _opined(leaf: lang.Opined) -> str:
    about = _("said anything")
    if leaf.aspect:
        about = _("spoke of “%(aspect)s”") % {"aspect": _named(Aspect, "slug", leaf.aspect)}
    elif leaf.word:
        about = _("said “%(word)s”") % {"word": leaf.word}
    words = {"about": about, "window": _window(leaf.window)}
    words["feeling"] = str(Feeling(leaf.label).label) if leaf.label else ""
    words["much"] = _much(leaf.op, leaf.value)
    if (leaf.op, leaf.value) in ONCE:
        return _("%(about)s %(feeling)s %(window)s") % words
    return _("%(about)s %(feeling)s %(much)s times %(window)s") % words


def _interested(leaf: lang.Interested) -> str:
    model = {"category": Category, "brand": Brand}.get(leaf.kind)
    name = _named(model, "slug", leaf.value) if model else leaf.value
    return _("is drawn to “%(name)s”") % {"name": name}


LEAVES: dict[type, Any] = {
    lang.Opined: _opined,
    lang.Interested: _interested,
    lang.Field: _field,
    lang.Trait: _trait,
    lang.Age: _age,
    lang.Happened: _happened,
    lang.Ordered: _ordered,
    lang.Rated: _rated,
    lang.Scored: _scored,
    lang.Agreed: _agreed,
    lang.Inside: _inside,
    lang.Share: _share,
}
