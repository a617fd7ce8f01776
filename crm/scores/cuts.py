"""The cut points of RFM: drawn of all buyers, and kept until enough of them have moved.

Ranks by the last purchase day, by days and by money change only when somebody's purchases do,
never as time goes by. So as long as no more than a tenth of the buyers were folded since, no cut
point lies further than a tenth of the buyers from its place, and a fold scores just whom it folded.
"""

from datetime import datetime

import numpy as np

from crm.ml import rfm
from crm.models import CutPoints
from crm.statements import rows

COLUMNS = ("last_day", "days", "money")
SHARE = 10  # one buyer in so many was folded since: draw anew
BUYERS = "FROM crm_purchasesummary WHERE currency = %s AND days > 0"


def kept(folded: int) -> CutPoints | None:
    """The present cut points, these customers counted as folded; None when they are to be drawn."""
    cuts = CutPoints.objects.first()
    if cuts is None or (cuts.folded + folded) * SHARE > cuts.buyers:
        return None
    cuts.folded += folded
    cuts.save(update_fields=["folded"])
    return cuts


def draw(*, now: datetime) -> CutPoints | None:
    """Cut points of the summaries there are; None when nobody bought."""
    CutPoints.objects.all().delete()
    currency = _main_currency()
    [(count,)] = rows(f"SELECT COUNT(*) {BUYERS}", [currency])
    if not count:
        return None
    exceeded = {name: _exceeded(name, currency, count) for name in COLUMNS}
    return CutPoints.objects.create(
        currency=currency, exceeded=exceeded, buyers=count, drawn_at=now
    )


def _main_currency() -> str:
    """The currency of most sales, as in `features`."""
    found = rows("SELECT currency, SUM(sales) FROM crm_purchasesummary GROUP BY currency")
    return str(min(found, key=lambda row: (-row[1], row[0]))[0]) if found else ""


def _exceeded(name: str, currency: str, count: int) -> list[str | float]:
    """The four values of a column that must be exceeded for a score of 2, 3, 4 and 5."""
    counted = rows(f"SELECT {name}, COUNT(*) {BUYERS} GROUP BY {name} ORDER BY {name}", [currency])
    below = np.cumsum([n for _, n in counted])
    found = [counted[np.searchsorted(below, rank, side="right")][0] for rank in rfm.cuts(count)]
    return [value if isinstance(value, (int, float)) else str(value) for value in found]
