"""What products look like: kept beside each product, and those that look most like one.

Descriptors are made once for a picture. They need no training, so that a product listed a minute
ago has its look-alikes; `recommendations/ml/looks.py` says what they can see.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db.models import Count, Max

from crm import pictures
from crm.models import Product
from recommendations.models import ProductLooks

if TYPE_CHECKING:
    import numpy as np

VERSION = "looks-1"  # of the descriptors: another one is made of every picture anew
LEAST = 0.7  # likeness below which two pictures are not called alike
AT_ONCE = 500
REMEMBERED = 1_000  # products whose look-alikes are kept in memory


@dataclass(frozen=True)
class Gallery:
    """The looks of all products that have any; ids ascending."""

    product_ids: "np.ndarray"  # (products,)
    looks: "np.ndarray"  # (products, features) float32, rows of length one
    _alike: dict[int, list[tuple[int, float]]] = field(default_factory=dict, compare=False)

    def like(self, product_id: int) -> list[tuple[int, float]]:
        """Other products by how much they look like this one, best first; empty if unknown."""
        import numpy as np

        if product_id not in self.product_ids:
            return []
        own = int(np.searchsorted(self.product_ids, product_id))
        likeness = self.looks @ self.looks[own]
        order = np.argsort(-likeness, kind="stable")
        ids, shares = self.product_ids[order].tolist(), likeness[order].tolist()
        return [(pk, share) for pk, share in zip(ids, shares, strict=True) if pk != product_id]

    def alike(self, product_id: int) -> list[tuple[int, float]]:
        """Those of `like` whose pictures are called alike. Found once while the gallery stands:
        every list with a newcomer asks for the same few."""
        if product_id not in self._alike:
            if len(self._alike) >= REMEMBERED:
                self._alike.clear()
            found = [one for one in self.like(product_id) if one[1] >= LEAST]
            self._alike[product_id] = found
        return self._alike[product_id]


_kept: dict[str, tuple[object, Gallery]] = {}


def gallery() -> Gallery:
    """All looks. One query where nothing has changed since they were last read."""
    marks = ProductLooks.objects.aggregate(n=Count("pk"), last=Max("made_at"), top=Max("pk"))
    version = tuple(marks.values())
    kept = _kept.get("gallery")
    if kept is None or kept[0] != version:
        _kept["gallery"] = kept = (version, _read())
    return kept[1]


def forget() -> None:
    """Read anew at the next request (between tests, whose ids begin again)."""
    _kept.clear()


def refresh(*, now: datetime) -> int:
    """Make the looks of products whose picture is new or another; return how many.

    A picture that cannot be read leaves its product without looks. Twice is once.
    """
    made = 0
    ids = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        products = Product.objects.select_related("category").in_bulk(ids[start : start + AT_ONCE])
        made += _refresh(products.values(), now)
    return made


def _refresh(products: Iterable[Product], now: datetime) -> int:
    marks = {one: mark for one in products if (mark := pictures.mark_of(one))}
    digests = {one: sha256((VERSION + mark).encode()).hexdigest() for one, mark in marks.items()}
    looks = ProductLooks.objects.filter(product__in=[one.pk for one in products])
    known = dict(looks.values_list("product_id", "digest"))
    fresh = [one for one, digest in digests.items() if known.get(one.pk) != digest]
    rows = [row for one in fresh if (row := _looks(one, digests[one], now))]
    ProductLooks.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["product"],
        update_fields=["digest", "features", "made_at"],
    )
    # What was described is gone where the picture is, or where it is one that cannot be read.
    unseen = {one.pk for one in fresh} - {row.product_id for row in rows}
    gone = known.keys() - {one.pk for one in marks} | unseen
    looks.filter(product__in=gone).delete()
    return len(rows)


def _looks(product: Product, digest: str, now: datetime) -> ProductLooks | None:
    from recommendations.ml.looks import SIDE, describe_looks

    source = pictures.source_of(product)
    try:
        pixels = pictures.pixels(source, side=SIDE) if source else None
    except pictures.UnusablePicture:
        return None
    if pixels is None:
        return None
    features = describe_looks(pixels).tobytes()
    return ProductLooks(product_id=product.pk, digest=digest, features=features, made_at=now)


def _read() -> Gallery:
    import numpy as np

    rows = ProductLooks.objects.order_by("product").values_list("product_id", "features")
    known = [(pk, np.frombuffer(bytes(features), dtype=np.float32)) for pk, features in rows]
    looks = np.vstack([one for _, one in known]) if known else np.zeros((0, 0), dtype=np.float32)
    return Gallery(np.array([pk for pk, _ in known], dtype=np.int64), looks)
