"""RFM of every buyer, from their summaries; each label is a segment.

Ranks and scores are made by the database: a million scores are never a million objects here.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import product

import numpy as np
from django.db import connection
from django.utils.text import slugify

from crm import segments
from crm.ml import rfm
from crm.models import CutPoints, Segment
from crm.scores import cuts, folding
from crm.scores.folding import AMONG, ANEW
from crm.scores.writing import Labelled, fill
from crm.statements import keep_for_now, rows, run

RFM_VERSION = "rfm-1"
FEW = 20_000  # customers with another score: rules look at them alone, not at everybody
FIFTH = "1" + " + CASE WHEN {0} > %s THEN 1 ELSE 0 END" * 4
CELL = " + ".join(
    f"{weight} * ({FIFTH.format(name)})"
    for weight, name in zip((100, 10, 1), cuts.COLUMNS, strict=True)
)
SCORE = """
    INSERT INTO rfm_scored
    WITH cells (cell, value, label, r, f, m) AS (VALUES {cells}),
    bought AS (SELECT *, {cell} AS cell {buyers} {among})
    SELECT bought.customer_id, cells.value, cells.label, {object}(
        'recency', {recency}, 'frequency', days, 'monetary', money,
        'r', cells.r, 'f', cells.f, 'm', cells.m
    ), present.detail, present.label
    FROM bought JOIN cells ON cells.cell = bought.cell
    LEFT JOIN crm_score AS present
        ON present.customer_id = bought.customer_id AND present.name = 'rfm'
            AND present.version = %s
    ORDER BY bought.customer_id
"""
# What is the same is left as it is; by day that includes the recency, which grows by itself.
WRITE = """
    INSERT INTO crm_score (customer_id, name, value, label, detail, version, at)
    SELECT customer_id, 'rfm', value, label, detail, %s, %s FROM rfm_scored
    WHERE was IS NULL OR {was} <> {detail}
    ON CONFLICT (customer_id, name) DO UPDATE SET value = excluded.value, label = excluded.label,
        detail = excluded.detail, version = excluded.version, artifact_id = NULL, at = excluded.at
"""
MOVED = """
    INSERT INTO rfm_moved
    SELECT customer_id FROM rfm_scored WHERE label_was IS NULL OR label_was <> label
    UNION SELECT customer_id FROM purchases_anew
"""
WORDS = {
    "postgresql": {
        "object": "jsonb_build_object",
        "recency": "%s::date - last_day",
        "timeless": "({} - 'recency')",
    },
    "sqlite": {
        "object": "json_object",
        "recency": "CAST(JULIANDAY(%s) - JULIANDAY(last_day) AS INTEGER)",
        "timeless": "json_remove({}, '$.recency')",
    },
}
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
        _score(cuts.draw(now=now), as_of=as_of)
        _write(now=now, timeless=False)
        segments.touch_everybody("score:rfm")
        return fill("rfm", _labels(), now=now)


def fold_rfm(*, now: datetime) -> int:
    """Fold what was ordered since; write only the scores that are others now; return how many.

    Only whose purchases changed are scored, unless the cut points have to be drawn anew. The
    recency of a score is that of the day it was written: everybody's grows by the day, and
    `refresh_rfm` writes them all every night.
    """
    if not folding.waiting(as_of=now):
        return 0
    with folding.exclusive():
        folded = folding.fold(as_of=now)
        points = None if folded is None else cuts.kept(folded)
        if points is None:
            _score(cuts.draw(now=now), as_of=now)
        else:
            _score(points, as_of=now, among=(AMONG, ANEW))
        written = _write(now=now, timeless=True)
        if points is None or written > FEW:
            segments.touch_everybody("score:rfm")
        else:
            segments.touch(_changed(), "score:rfm")
        keep_for_now("rfm_moved", "customer_id bigint")
        if points is None:
            fill("rfm", _labels(), now=now)
        elif run(MOVED):
            fill("rfm", _labels(), now=now, among="rfm_moved")
    return written


def _changed() -> Iterator[int]:
    """Asked of the database only when somebody wants to know."""
    for (pk,) in rows("SELECT customer_id FROM purchases_changed ORDER BY 1"):
        yield pk


def _score(points: CutPoints | None, *, as_of: datetime, among: tuple[str, str] = ("", "")) -> None:
    """Write down the scores, of everybody or among some; forget those of who buys no more.

    among: whom to score, and who alone may have stopped, for an added order takes no score.
    """
    vendor = connection.vendor
    currency = points.currency if points else ""
    some, stopped = among
    run(FORGET.format(among=stopped), [currency])
    detail = {"postgresql": "jsonb", "sqlite": "text"}[vendor]
    columns = f"value float, label text, detail {detail}, was {detail}, label_was text"
    keep_for_now("rfm_scored", f"customer_id bigint, {columns}")
    if points is None:
        return
    marks, cells = _cells()
    score = SCORE.format(cells=marks, cell=CELL, buyers=cuts.BUYERS, among=some, **WORDS[vendor])
    exceeded = [value for name in cuts.COLUMNS for value in points.exceeded[name]]
    day = as_of.astimezone(UTC).date().isoformat()
    run(score, [*cells, *exceeded, currency, day, RFM_VERSION])


def _write(*, now: datetime, timeless: bool) -> int:
    """Keep the scores that are others than before; return how many."""
    form = WORDS[connection.vendor]["timeless"] if timeless else "{}"
    sql = WRITE.format(was=form.format("was"), detail=form.format("detail"))
    return run(sql, [RFM_VERSION, connection.ops.adapt_datetimefield_value(now)])


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


def _labels() -> dict[str, Labelled]:
    return {
        label.slug: Labelled(
            f"rfm-{slugify(label.slug.replace('_', '-'))}",
            label.name_en,
            label.name_zh,
            label.description_en,
            label.description_zh,
            kind=Segment.Kind.LABEL,
        )
        for label in rfm.LABELS
    }
