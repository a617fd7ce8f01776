"""Membership kept up with what happens: after a change, as time goes by, and all of it anew."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from crm.bulk import chunks
from crm.models import Segment, SegmentSize, Touch
from crm.segments import checking, counting, membership, reading, tallies, touches
from crm.segments import language as lang
from crm.segments.membership import Change, Rule
from crm.segments.sql import Among
from crm.segments.touches import EVERYTHING, KNOWN_FOR

TOUCHES = 5_000  # taken at once
BACKLOG = 50_000  # more than so many waiting: asking everybody is quicker than one by one
CANDIDATES = 20_000  # more than so many whom time may move: the whole segment is quicker
TOGETHER = 20  # segments filled in one transaction: others wait so long
SETTLED = timedelta(seconds=6 * KNOWN_FOR)  # by then every writer knows of a new rule


@dataclass
class Pending:
    """Whom to look at again, segment by segment."""

    some: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    all: set[str] = field(default_factory=set)

    def add(self, slugs: Iterable[str], ids: Iterable[int]) -> None:
        for slug in slugs:
            self.some[slug].update(ids)


def keep_up(*, now: datetime) -> int:
    """By the clock: new rules filled, time's work done, what is waiting looked at."""
    with membership.exclusive():
        rules = readable()
        moved = _settle(rules, _due(rules, now=now), now=now)
        segments = Segment.objects.filter(kind__in=Segment.RULED, problem="")
        segments.exclude(refreshed_at=None).update(refreshed_at=now)
    moved += drain_all(now=now)
    note_sizes(now=now)
    return moved


def drain_all(*, now: datetime) -> int:
    total = 0
    while (moved := drain(now=now)) is not None:
        total += moved
    return total


def drain(*, now: datetime) -> int | None:
    """Look at whoever was touched; return how many memberships moved, None if nobody waits."""
    with membership.exclusive():
        waiting = list(
            Touch.objects.order_by("pk").values_list("pk", "customer_id", "reads")[:TOUCHES]
        )
        if not waiting:
            return None
        rules = readable()
        if len(waiting) == TOUCHES and Touch.objects.order_by("pk")[BACKLOG:].exists():
            waiting = _keys_of_all()
        else:
            Touch.objects.filter(Among("pk", [pk for pk, _, _ in waiting])).delete()
        return _settle(rules, _touched(rules, waiting), now=now)


def refresh(segment: Segment, *, now: datetime) -> Change:
    """Fill one segment by its rule. The first time, and after a change of the rule, quietly."""
    rule = Rule(segment, checking.checked(segment.rule, of=segment))
    change = fill(rule, now=now)
    if change.entered or change.left:
        touches.touch_everybody(f"segment:{segment.slug}")
    return change


def refresh_all(*, now: datetime) -> dict[str, Change]:
    """Fill every segment that has a rule, some in each transaction, parents first."""
    changes: dict[str, Change] = {}
    for rules in batches(readable()):
        changes |= fill_together(rules, now=now)
    return changes


def readable() -> dict[str, Rule]:
    """The rules that can be used, by slug; what is wrong with the others is written on them."""
    found = {}
    for segment in Segment.objects.filter(kind__in=Segment.RULED).order_by("pk"):
        try:
            found[segment.slug] = Rule(segment, checking.parsed(segment))
            if segment.problem:  # it was passed over while something was wrong
                segment.filled_version = ""
        except lang.BadRule as bad:
            _note_problem(segment, str(bad))
    for slug, problem in checking.unusable({s: r.part for s, r in found.items()}).items():
        _note_problem(found.pop(slug).segment, problem)
    return found


def levels(rules: Mapping[str, Rule]) -> list[list[Rule]]:
    """Rules in groups: each needs only segments of the groups before. There are no circles."""
    depth: dict[str, int] = {}

    def of(slug: str) -> int:
        if slug not in depth:
            parents = reading.parents(rules[slug].part) & rules.keys()
            depth[slug] = 1 + max((of(parent) for parent in parents), default=-1)
        return depth[slug]

    grouped: dict[int, list[Rule]] = defaultdict(list)
    for slug, rule in rules.items():
        grouped[of(slug)].append(rule)
    return [grouped[level] for level in sorted(grouped)]


def batches(rules: Mapping[str, Rule]) -> Iterator[list[Rule]]:
    """Rules to fill together, parents first, those that count the same rows side by side."""
    for level in levels(rules):
        yield from chunks(sorted(level, key=_sources), TOGETHER)


def _sources(rule: Rule) -> list[str]:
    leaves = lang.leaves(rule.part)
    return sorted({counting.source(leaf) for leaf in leaves if isinstance(leaf, lang.Counted)})


def note_sizes(*, now: datetime) -> None:
    """Write down how large each segment is today."""
    rows = [
        SegmentSize(segment_id=pk, day=now.date(), size=size)
        for pk, size in Segment.objects.values_list("pk", "size")
    ]
    SegmentSize.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["segment", "day"], update_fields=["size"]
    )


def _settle(rules: Mapping[str, Rule], pending: Pending, *, now: datetime) -> int:
    """Look at everybody pending, parents first, so that a child sees where its parents came to."""
    moved = 0
    for level in levels(rules):
        asked, ids, anew = [], set(), []
        for rule in level:
            slug = rule.segment.slug
            if rule.segment.filled_version != rule.version or slug in pending.all:
                anew.append(rule)
            elif pending.some.get(slug):
                asked.append(rule)
                ids |= pending.some[slug]
        for slug, change in fill_together(anew, now=now).items():
            moved += change.entered + change.left
            if change.entered or change.left:
                pending.all.update(_children(rules, slug))
        for slug, who in membership.evaluate(asked, ids, now=now).items() if asked else ():
            moved += len(who)
            pending.add(_children(rules, slug), who)
    return moved


def _children(rules: Mapping[str, Rule], slug: str) -> list[str]:
    return [s for s, rule in rules.items() if slug in reading.parents(rule.part)]


def _touched(rules: Mapping[str, Rule], waiting: list[tuple[int, int | None, str]]) -> Pending:
    readers: dict[str, list[str]] = defaultdict(list)
    for slug, rule in rules.items():
        for key in (EVERYTHING, *reading.reads(rule.part)):
            readers[key].append(slug)
    pending = Pending()
    for _, customer_id, key in waiting:
        if customer_id is None:
            pending.all.update(readers[key])
        else:
            pending.add(readers[key], [customer_id])
    return pending


def _keys_of_all() -> list[tuple[int, int | None, str]]:
    """Take every touch that waits as touches of everybody: in one statement, so none slips by."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM crm_touch RETURNING reads")
        keys: set[str] = set()
        while some := cursor.fetchmany(10_000):
            keys.update(key for (key,) in some)
    return [(0, None, key) for key in sorted(keys)]


def _due(rules: Mapping[str, Rule], *, now: datetime) -> Pending:
    """Whom time alone may have moved since each segment was last looked at."""
    pending = Pending()
    for slug, rule in rules.items():
        segment = rule.segment
        since = segment.refreshed_at
        if since is None or (segment.refill_at and segment.refill_at <= now):
            pending.all.add(slug)
            continue
        for edge in reading.edges(rule.part):
            ids = list(reading.crossing(edge, since, now)[: CANDIDATES + 1])
            pending.add([slug], ids)
        if len(pending.some[slug]) > CANDIDATES:
            pending.all.add(slug)
    return pending


def fill_together(rules: Sequence[Rule], *, now: datetime) -> dict[str, Change]:
    """Fill segments none of which is built on another, what they count in one pass for all."""
    with membership.exclusive():
        known = tallies.tally([rule.part for rule in rules], now=now)
        return {rule.segment.slug: fill(rule, now=now, known=known) for rule in rules}


def fill(rule: Rule, *, now: datetime, known: Mapping[str, Q] | None = None) -> Change:
    """Fill one segment, quietly the first time; whoever writes may not know yet what it reads."""
    segment = rule.segment
    is_new = segment.filled_version != rule.version
    segment.filled_version = rule.version
    segment.refill_at = now + SETTLED if is_new else None
    with transaction.atomic():
        return membership.fill(segment, rule.part, now=now, announce=not is_new, known=known)


def _note_problem(segment: Segment, problem: str) -> None:
    if segment.problem != problem[:300]:
        Segment.objects.filter(pk=segment.pk).update(problem=problem[:300])
