"""What each customer needed lately: shares of their texts of 90 days, as a score with reasons."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from crm.ml.needs import OTHER
from crm.models import Opinion
from crm.scores.writing import Maker, Scored, write

Example = tuple[str, str]  # a text, and what it needs
_sources: list[Callable[[], Iterable[Example]]] = []
WINDOW = timedelta(days=90)
SURE = 0.5  # a guess less sure than that counts for nobody
QUOTED = 3


def register_examples(source: Callable[[], Iterable[Example]]) -> None:
    """Apps above know sentences of their own, and say so in `apps.py`."""
    if source not in _sources:
        _sources.append(source)


def examples() -> list[Example]:
    return [example for source in _sources for example in source()]


def refresh(*, as_of: datetime, now: datetime) -> int:
    """Write the score `need` of every customer who said what they need; return how many."""
    rows = (
        Opinion.objects.filter(at__gt=as_of - WINDOW, at__lte=as_of, customer__merged_into=None)
        .exclude(need__in=("", OTHER))
        .order_by("customer_id", "-at", "-pk")
        .values_list("customer_id", "need", "need_corrected", "need_confidence", "text")
    )
    scores = _scores(rows.iterator(chunk_size=5_000))
    return write("need", scores, by=Maker("needs-1", at=now))


def _scores(rows: Iterable[tuple[int, str, str, float, str]]) -> Iterator[Scored]:
    present: int | None = None
    said: dict[str, list[str]] = defaultdict(list)
    for customer, need, corrected, sure, text in rows:
        if customer != present:
            if present is not None and said:
                yield _score(present, said)
            present, said = customer, defaultdict(list)
        if corrected or sure >= SURE:
            said[corrected or need].append(text)
    if present is not None and said:
        yield _score(present, said)


def _score(customer: int, said: dict[str, list[str]]) -> Scored:
    counts = Counter({need: len(texts) for need, texts in said.items()})
    total = counts.total()
    top, most = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    detail = {
        "texts": total,
        "shares": {need: round(n / total, 4) for need, n in counts.most_common()},
        "quotes": [text[:120] for text in said[top][:QUOTED]],
    }
    return Scored(customer, round(most / total, 4), detail, top)
