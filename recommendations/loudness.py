"""How loud a click is in training: a click where few look says more than one at the top."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from recommendations.models import Impression

if TYPE_CHECKING:
    import numpy as np

    from recommendations.interactions import Touch
    from recommendations.ml.positions import Positions

MOST = 300_000  # impressions that positions are learned from, the newest
FEWEST = 30  # clicks that compare positions, or a placement is judged by all of them
CLIP = 10.0


@dataclass(frozen=True)
class Shown:
    """Impressions as arrays, all (impressions,)."""

    customers: "np.ndarray"
    products: "np.ndarray"
    placements: "np.ndarray"  # of str
    positions: "np.ndarray"
    clicked: "np.ndarray"  # bool


def of(touches: "Sequence[Touch]", *, as_of: datetime) -> "np.ndarray":
    """(touches,) what each weight is multiplied by: one, but for clicks in lists; mean one there.

    One query, or none where nothing was clicked.
    """
    import numpy as np

    loud = np.ones(len(touches))
    clicks = [n for n, touch in enumerate(touches) if touch.kind == "clicked" and touch.position]
    if not clicks:
        return loud
    found = by_placement(shown(until=as_of))
    seen = [
        found.get(touches[n].placement, found[""]).looked_at(np.array([touches[n].position]))
        for n in clicks
    ]
    inverse = np.minimum(1.0 / np.concatenate(seen), CLIP)
    loud[clicks] = inverse / inverse.mean()
    return loud


def shown(*, until: datetime, most: int = MOST) -> Shown:
    """The newest impressions, and which of them were clicked by then. One query."""
    import numpy as np

    rows = (
        Impression.objects.filter(shown_at__lte=until)
        .order_by("-pk")
        .values_list("customer_id", "product_id", "placement", "position", "clicked_at")[:most]
    )
    told = list(rows.iterator(chunk_size=20_000))
    customers, products, placements, positions, clicks = (
        zip(*told, strict=True) if told else [()] * 5
    )
    return Shown(
        np.array(customers, dtype=np.int64),
        np.array(products, dtype=np.int64),
        np.array(placements, dtype=object),
        np.array(positions, dtype=np.int64),
        np.array([at is not None and at <= until for at in clicks], dtype=bool),
    )


def by_placement(one: Shown) -> "dict[str, Positions]":
    """How likely positions are looked at, by placement; "" is of all placements together.

    A placement with too little to say is left out.
    """
    import numpy as np

    from recommendations.ml.positions import Positions

    # What one customer thinks of one product is taken to be the same wherever it is shown.
    pairs = one.customers * (int(one.products.max(initial=0)) + 1) + one.products
    found = {"": Positions().fit(one.positions, pairs, one.clicked)}
    for placement in np.unique(one.placements.astype(str)):
        mine = one.placements == placement
        fitted = Positions().fit(one.positions[mine], pairs[mine], one.clicked[mine])
        if fitted.informative_ >= FEWEST and placement:
            found[str(placement)] = fitted
    return found
