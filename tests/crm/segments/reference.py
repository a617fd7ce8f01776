"""The language of rules once more, as slowly and plainly as can be: for comparison only.

Rules are read from their JSON, not from the parser's tree, so that a mistake there shows too.
"""

import re
from datetime import timedelta

from crm.models import (
    Consent,
    Event,
    Feedback,
    Interest,
    Membership,
    Mention,
    Opinion,
    Order,
    OrderLine,
    Score,
)
from crm.segments.sql import PRIME, coefficients, limit

AGES = {"days_since_seen": "last_seen_at", "days_since_first_seen": "first_seen_at"}
CHATS = {"messages": "chatbot.message_received", "handoff": "chatbot.handoff_requested"}


def fits(rule, customer, now):
    if "not" in rule:
        return not fits(rule["not"], customer, now)
    for word, together in (("all", all), ("any", any)):
        if word in rule:
            return together(fits(part, customer, now) for part in rule[word])
    word = next(w for w in LEAVES if w in rule)
    return LEAVES[word](rule, customer, now)


def compare(op, have, want):
    if op == "exists":
        return have is not None
    if op == "!=":
        return not compare("=", have, want)
    if op == "in":
        return any(compare("=", have, item) for item in want)
    have = like(have, want)
    if have is None:
        return False
    if op == "contains":
        return want in have
    if op == "starts with":
        return have.startswith(want)
    if isinstance(want, str):
        have, want = have.encode(), want.encode()
    return {
        "=": have == want,
        ">": have > want,
        ">=": have >= want,
        "<": have < want,
        "<=": have <= want,
    }[op]


def like(have, want):
    """The value as the kind of thing it is compared with; None where that cannot be."""
    if isinstance(want, bool) or isinstance(have, bool):
        return have if isinstance(want, bool) and isinstance(have, bool) else None
    if isinstance(want, str):
        return have if isinstance(have, str) else None
    if isinstance(have, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", have):
        return float(have)
    return have if isinstance(have, int | float) else None


def at(document, path):
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def days_ago(op, moment, days, now):
    age = (now - moment) / timedelta(days=1)
    if op in ("=", "!="):
        that_day = days <= age < days + 1
        return that_day == (op == "=")
    return {">": age > days, ">=": age >= days, "<": age < days, "<=": age <= days}[op]


def within(rule, moment, now):
    days = rule.get("days")
    near, far = days if isinstance(days, list) else (0, days)
    if moment > now - timedelta(days=near):
        return False
    return far is None or moment >= now - timedelta(days=far)


def field(rule, customer, now):
    if rule["field"] in AGES:
        return days_ago(
            rule.get("op", "="), getattr(customer, AGES[rule["field"]]), rule["value"], now
        )
    value = getattr(customer, rule["field"])
    return compare(
        rule.get("op", "="),
        None if value == "" and rule.get("op") == "exists" else value,
        rule.get("value"),
    )


def trait(rule, customer, now):
    return compare(rule.get("op", "="), at(customer.traits, rule["trait"]), rule.get("value"))


def event(rule, customer, now, kind=None, where=()):
    rows = [
        e
        for e in Event.objects.filter(customer=customer, kind=kind or rule["event"])
        if within(rule, e.happened_at, now)
    ]
    if rule.get("name"):
        rows = [e for e in rows if e.name == rule["name"]]
    for test in (*rule.get("where", ()), *where):
        rows = [
            e
            for e in rows
            if compare(test.get("op", "="), at(e.data, test["property"]), test.get("value"))
        ]
    op = rule.get("op", "=")
    if "last" in rule:
        last = max((e.happened_at for e in rows), default=None)
        return last is not None and days_ago(op, last, rule["value"], now)
    for word in ("sum", "average"):
        if word in rule:
            numbers = [n for e in rows if (n := like(at(e.data, rule[word]), 0)) is not None]
            if not numbers and word == "average":
                return False
            figure = sum(numbers) / (len(numbers) if word == "average" else 1)
            return compare(op, round(figure, 6), rule["value"])
    return compare(op, len(rows), rule["count"])


def chat(rule, customer, now):
    where = [{"property": w, "value": rule[w]} for w in ("intent", "sentiment") if w in rule]
    rule = {"op": ">=", "count": 1} | rule
    return event(rule, customer, now, kind=CHATS[rule["chat"]], where=where)


def message(rule, customer, now):
    where = [{"property": w, "value": rule[w]} for w in ("campaign", "channel") if w in rule]
    rule = {"op": ">=", "count": 1} | rule
    return event(rule, customer, now, kind=f"campaigns.message_{rule['message']}", where=where)


def orders(rule, customer, now):
    figure, op = rule["orders"], rule.get("op", "=")
    money = figure in ("total", "average")
    rows = [
        o
        for o in Order.objects.filter(customer=customer).exclude(
            status__in=["cancelled", "pending_payment"]
        )
        if within(rule, o.placed_at, now)
        and (money or not o.is_refund)
        and o.currency == rule.get("currency", o.currency)
    ]
    names = {
        "product": "product__sku",
        "category": "product__category__slug",
        "brand": "product__brand__slug",
    }
    only = {path: rule[word] for word, path in names.items() if word in rule}
    lines = OrderLine.objects.filter(order__in=rows, **only)
    if only:
        rows = [o for o in rows if o.pk in {line.order_id for line in lines}]
    if figure == "count":
        return compare(op, len(rows), rule["value"])
    if figure == "days_since_last":
        return bool(rows) and days_ago(op, max(o.placed_at for o in rows), rule["value"], now)
    if figure == "average":
        return bool(rows) and compare(
            op, round(float(sum(o.total for o in rows)) / len(rows), 6), rule["value"]
        )
    spent = (
        sum(line.quantity * line.unit_price for line in lines)
        if only
        else sum(o.total for o in rows)
    )
    return compare(op, float(spent), rule["value"])


def feedback(rule, customer, now):
    rows = [f for f in Feedback.objects.filter(customer=customer) if within(rule, f.at, now)]
    if rule["feedback"] != "any":
        rows = [f for f in rows if f.kind == rule["feedback"]]
    if "value" in rule:
        rows = [
            f
            for f in rows
            if f.score is not None and compare(rule.get("op", "="), f.score, rule["value"])
        ]
    return bool(rows)


def opinion(rule, customer, now):
    said = rule["opinion"]
    rows = [o for o in Opinion.objects.filter(customer=customer) if within(rule, o.at, now)]
    if "word" in said:
        rows = [o for o in rows if said["word"].lower() in o.text.lower()]
    if "aspect" in said:
        mentions = Mention.objects.filter(customer=customer, aspect=said["aspect"])
        rows = [m for m in mentions if within(rule, m.at, now)]
    if "sentiment" in said:
        rows = [row for row in rows if row.label == said["sentiment"][:3]]
    return compare(rule["op"], len(rows), rule["count"])


def interest(rule, customer, now):
    rows = Interest.objects.filter(customer=customer, kind=rule["interest"], value=rule["value"])
    return any(row.weight >= rule["weight"] for row in rows)


def score(rule, customer, now):
    rows = Score.objects.filter(customer=customer, name=rule["score"])
    if "label" in rule:
        return any(s.label == rule["label"] for s in rows)
    return any(compare(rule.get("op", "="), s.value, rule.get("value")) for s in rows)


def consent(rule, customer, now):
    rows = Consent.objects.filter(
        customer=customer, channel=rule["consent"], is_granted=rule.get("granted", True)
    )
    return rows.filter(topic__slug=rule["topic"]).exists() if "topic" in rule else rows.exists()


def segment(rule, customer, now):
    return Membership.objects.filter(customer=customer, segment__slug=rule["segment"]).exists()


def random(rule, customer, now):
    factor, first, second = coefficients(rule["random"].get("salt", ""))
    number = pow((customer.pk * factor + first) % PRIME, 3, PRIME)
    return pow((number + second) % PRIME, 3, PRIME) < limit(rule["random"]["percent"])


LEAVES = {
    "field": field,
    "trait": trait,
    "event": event,
    "orders": orders,
    "score": score,
    "consent": consent,
    "chat": chat,
    "message": message,
    "feedback": feedback,
    "opinion": opinion,
    "interest": interest,
    "segment": segment,
    "random": random,
}
