"""MovieLens: a folder with ratings.csv and movies.csv (`.gz` too). Films are products."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from crm import bulk, customers
from crm.loaders import parsing
from crm.loading import Columns, Report, UnusableFile, read_rows
from crm.models import Feedback, Product
from crm.segments import touches

SOURCE = "movielens"
CHUNK = 10_000
FILMS = Columns(needed=("movieId", "title", "genres"))
RATINGS = Columns(needed=("userId", "movieId", "rating", "timestamp"))
Rating = tuple[int, str, str, float, datetime]  # line, user, film, stars, when


def load(path: Path, report: Report, *, now: datetime) -> None:
    films = _films(path, report)
    for chunk in bulk.chunks(_ratings(_file(path, "ratings"), report), CHUNK):
        people = customers.resolve_user_ids({r[1] for r in chunk}, source=SOURCE, at=now)
        _write(chunk, people, films, report)


def _file(folder: Path, name: str) -> Path:
    for candidate in (folder / f"{name}.csv", folder / f"{name}.csv.gz"):
        if candidate.exists():
            return candidate
    raise UnusableFile(f"{folder}: no {name}.csv in it")


def _films(folder: Path, report: Report) -> dict[str, int]:
    rows = read_rows(_file(folder, "movies"), report, FILMS)
    Product.objects.bulk_create(
        (
            Product(
                sku=f"ml-{row['movieId']}",
                title_en=row["title"][:200],
                features=row["genres"].split("|"),
                price=0,
            )
            for _, row in rows
        ),
        ignore_conflicts=True,
    )
    return dict(Product.objects.filter(sku__startswith="ml-").values_list("sku", "pk"))


def _ratings(path: Path, report: Report) -> Iterator[Rating]:
    for line, row in read_rows(path, report, RATINGS):
        try:
            stars = float(parsing.number(row, "rating"))
            if not 0.5 <= stars <= 5:
                raise parsing.BadValue(f"rating: {stars} is not between 0.5 and 5")
            at = datetime.fromtimestamp(parsing.whole(row, "timestamp"), UTC)
            user = parsing.text(row, "userId", needed=True)
            film = f"ml-{parsing.text(row, 'movieId', needed=True)}"
            yield line, user, film, stars, at
        except parsing.BadValue as bad:
            report.reject(line, str(bad), row)


def _write(
    chunk: list[Rating], people: dict[str, int], films: dict[str, int], report: Report
) -> None:
    rows: dict[str, Feedback] = {}
    for line, user, film, stars, at in chunk:
        key = f"{user}:{film}"
        if film not in films or key in rows:
            reason = "rated twice in this file" if film in films else f"movieId: no film {film}"
            report.reject(line, reason, [user, film, stars])
            continue
        rows[key] = Feedback(
            customer_id=people[user],
            product_id=films[film],
            kind=Feedback.Kind.RATING,
            score=stars,
            source=SOURCE,
            key=key,
            at=at,
        )
    known = set(
        Feedback.objects.filter(source=SOURCE, key__in=list(rows)).values_list("key", flat=True)
    )
    fresh = [row for key, row in rows.items() if key not in known]
    Feedback.objects.bulk_create(fresh)
    touches.touch({row.customer_id for row in fresh}, "feedback")
    report.created += len(fresh)
    report.unchanged += len(rows) - len(fresh)
