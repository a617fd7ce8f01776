"""What several rules count over everybody, counted in one pass and kept for a transaction.

A hundred rules that count events would read the same months a hundred times. Here one pass for
each kind of row and twenty leaves leaves a table behind: a row for each customer who has such rows,
and a flag for each leaf. It is right only until the transaction ends, and so is what uses it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Q, Value
from django.db.models.functions import Coalesce

from crm.bulk import chunks
from crm.segments import counting
from crm.segments import language as lang
from crm.segments.sql import Noted
from crm.statements import keep_found

TOGETHER = 20  # leaves in one pass
WORTHWHILE = 2  # a leaf alone is quicker asked by itself


def tally(parts: Iterable[lang.Part], *, now: datetime) -> dict[str, Q]:
    """Ask all that these rules count; return the condition on Customer of each leaf, by its key.

    Call it in the transaction that uses the conditions, once.
    """
    kinds: dict[tuple[str, str], dict[str, lang.Counted]] = defaultdict(dict)
    for part in parts:
        for leaf in lang.leaves(part):
            if isinstance(leaf, lang.Counted):
                # A pass asks every filter of every row: each kind of event has its own.
                kind = leaf.kind if isinstance(leaf, lang.Happened) else ""
                kinds[counting.source(leaf), kind][leaf.key] = leaf
    found: dict[str, Q] = {}
    passes = ((source, some) for (source, _), leaves in kinds.items() for some in _shared(leaves))
    for number, (source, leaves) in enumerate(passes):
        table = f"segment_tally_{number}"
        _write(table, source, list(leaves.values()), now=now)
        found |= {key: _known(table, i, leaf) for i, (key, leaf) in enumerate(leaves.items())}
    return found


def _shared(leaves: dict[str, lang.Counted]) -> Iterator[dict[str, lang.Counted]]:
    return (dict(some) for some in chunks(leaves.items(), TOGETHER) if len(some) >= WORTHWHILE)


def _known(table: str, number: int, leaf: lang.Counted) -> Q:
    if counting.of_none(leaf):  # true also of those who are not in the table
        return ~Q(Noted("pk", table, f"NOT in_{number}"))
    return Q(Noted("pk", table, f"in_{number}"))


def _write(table: str, source: str, leaves: Sequence[lang.Counted], *, now: datetime) -> None:
    flags: dict[str, Any] = {
        f"known_{i}": Coalesce(
            f"in_{i}", Value(counting.of_none(leaf)), output_field=BooleanField()
        )
        for i, leaf in enumerate(leaves)
    }
    groups = counting.together(source, leaves, now=now).annotate(**flags)
    query = groups.values_list(counting.owner(leaves[0]), *flags).query
    sql, params = query.sql_with_params()
    names = ", ".join(f"in_{i}" for i in range(len(leaves)))
    keep_found(table, f"customer_id, {names}", sql, params)
