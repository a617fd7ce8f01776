"""RFM of every buyer, from their summaries; each label is a segment.

Ranks and scores are made by the database: a million scores are never a million objects here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product

import numpy as np
from django.db import connection
from django.utils.text import slugify

from crm import segments
from crm.ml import rfm
from crm.models import Segment
from crm.scores import folding
from crm.scores.folding import rows, run
from crm.scores.writing import fill, named_segment

RFM_VERSION = "rfm-1"
FEW = 20_000  # customers with another score: look at them alone, not at everybody
BUYERS = "FROM crm_purchasesummary WHERE currency = %s AND days > 0"
FIFTH = "1" + " + CASE WHEN {0} > %s THEN 1 ELSE 0 END" * 4
CELL = (
    f"100 * ({FIFTH.format('last_day')}) + 10 * ({FIFTH.format('days')}) + {FIFTH.format('money')}"
)
CHANGED = f"""
    INSERT INTO rfm_changed SELECT customer_id, new
    FROM (SELECT customer_id, cell, {CELL} AS new {BUYERS}) AS scored WHERE new <> cell
"""
WRITE = """
    WITH cells (cell, value, label, r, f, m) AS (VALUES {cells})
    INSERT INTO crm_score (customer_id, name, value, label, detail, version, at)
    SELECT bought.customer_id, 'rfm', cells.value, cells.label, {object}(
        'recency', {recency}, 'frequency', days, 'monetary', money,
        'r', cells.r, 'f', cells.f, 'm', cells.m
    ), %s, %s
    FROM rfm_changed JOIN cells ON cells.cell = rfm_changed.cell
    JOIN crm_purchasesummary AS bought ON bought.customer_id = rfm_changed.customer_id
    WHERE bought.currency = %s
    ON CONFLICT (customer_id, name) DO UPDATE SET value = excluded.value, label = excluded.label,
        detail = excluded.detail, version = excluded.version, artifact_id = NULL, at = excluded.at
"""
WORDS = {
    "postgresql": {"object": "jsonb_build_object", "recency": "%s::date - last_day"},
    "sqlite": {
        "object": "json_object",
        "recency": "CAST(JULIANDAY(%s) - JULIANDAY(last_day) AS INTEGER)",
    },
}
KEEP_CELL = """
    UPDATE crm_purchasesummary SET cell = rfm_changed.cell FROM rfm_changed
    WHERE rfm_changed.customer_id = crm_purchasesummary.customer_id AND currency = %s
"""
FORGET = """
    DELETE FROM crm_score WHERE name = 'rfm' {among} AND NOT EXISTS (
        SELECT 1 FROM crm_purchasesummary AS bought
        WHERE bought.customer_id = crm_score.customer_id AND currency = %s AND days > 0
    )
"""


def refresh_rfm(*, as_of: datetime, now: datetime) -> dict[str, int]:
    """Score every buyer anew, bring the label segments up to date; return their sizes by label."""
    with folding.exclusive():
        folding.fold_everything(as_of=as_of)
        _score(as_of=as_of, now=now, everybody=True)
        segments.touch_everybody("score:rfm")
    return fill("rfm", _label_segments(), now=now)


def fold_rfm(*, now: datetime) -> int:
    """Fold what was ordered since; write only the scores that are others now; return how many.

    The recency of a score is that of the day it was written: everybody's grows by the day, and
    `refresh_rfm` writes them all every night.
    """
    if not folding.waiting(as_of=now):
        return 0
    with folding.exclusive():
        everybody = folding.fold(as_of=now)
        written, everybody = _score(as_of=now, now=now, everybody=everybody)
        kept = list(Segment.objects.filter(kind=Segment.Kind.LABEL).exclude(filled_version=""))
        if everybody or written > FEW or len(kept) < len(rfm.LABELS):
            segments.touch_everybody("score:rfm")
            fill("rfm", _label_segments(), now=now)
        else:
            changed = ("purchases_changed", "rfm_changed")  # the first may have no score any more
            who = " UNION ".join(f"SELECT customer_id FROM {table}" for table in changed)
            ids = [pk for (pk,) in rows(f"{who} ORDER BY 1")]
            segments.touch(ids, "score:rfm")
            segments.follow(kept, ids, now=now)
    return written


def _score(*, as_of: datetime, now: datetime, everybody: bool) -> tuple[int, bool]:
    """Write the scores that changed; how many, and whether anybody's may have."""
    currency, is_new = _main_currency()
    everybody = everybody or is_new
    if is_new:
        run("UPDATE crm_purchasesummary SET cell = 0 WHERE cell > 0")
    run(FORGET.format(among="" if everybody else folding.AMONG), [currency])
    folding.keep_for_now("rfm_changed", "customer_id bigint, cell integer")
    count = rows(f"SELECT COUNT(*) {BUYERS}", [currency])[0][0]
    if not count:
        return 0, everybody
    cuts = [cut for name in ("last_day", "days", "money") for cut in _cuts(name, currency, count)]
    written = run(CHANGED, [*cuts, currency])
    if folding.is_postgresql():
        run("ANALYZE rfm_changed")
    marks, cells = _cells()
    words = WORDS[connection.vendor]
    moment = connection.ops.adapt_datetimefield_value(now)
    day = as_of.astimezone(UTC).date().isoformat()
    run(WRITE.format(cells=marks, **words), [*cells, day, RFM_VERSION, moment, currency])
    run(KEEP_CELL, [currency])
    return written, everybody


def _main_currency() -> tuple[str, bool]:
    """The currency of most sales, as in `features`; whether scores are of another one so far."""
    found = rows(
        "SELECT currency, SUM(sales), MAX(cell) FROM crm_purchasesummary GROUP BY currency"
    )
    if not found:
        return "", False
    main = min(found, key=lambda row: (-row[1], row[0]))[0]
    return main, any(cell for currency, _, cell in found if currency != main)


def _cuts(name: str, currency: str, count: int) -> list[str | float]:
    """The four values of a column that must be exceeded for a score of 2, 3, 4 and 5."""
    counted = rows(f"SELECT {name}, COUNT(*) {BUYERS} GROUP BY {name} ORDER BY {name}", [currency])
    below = np.cumsum([n for _, n in counted])
    found = [counted[np.searchsorted(below, rank, side="right")][0] for rank in rfm.cuts(count)]
    return [value if isinstance(value, (int, float)) else str(value) for value in found]


def _cells() -> tuple[str, list[object]]:
    """SQL and parameters of the 125 ways to be scored, made by the code that scores arrays."""
    r, f, m = np.array(list(product(range(1, 6), repeat=3))).T
    scores = rfm.of_quintiles(r, f, m)
    columns: Sequence[Sequence[object]] = (
        (100 * r + 10 * f + m).tolist(),
        scores.score.tolist(),
        [rfm.SLUGS[label] for label in scores.label.tolist()],
        r.tolist(),
        f.tolist(),
        m.tolist(),
    )
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(r))
    return marks, [value for row in zip(*columns, strict=True) for value in row]


def _label_segments() -> dict[str, Segment]:
    return {label.slug: _label_segment(label) for label in rfm.LABELS}


def _label_segment(label: rfm.Label) -> Segment:
    return named_segment(
        slug=f"rfm-{slugify(label.slug.replace('_', '-'))}",
        kind=Segment.Kind.LABEL,
        names=(label.name_en, label.name_zh, label.description_en, label.description_zh),
    )
