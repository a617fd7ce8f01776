"""Keep trained estimators: save, promote, roll back, load. Bytes are data, never code."""

import hashlib
import json
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, TypeVar

import numpy as np
from django.core.cache import cache
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from crm import mapped
from crm.ml.estimator import Estimator, State
from crm.models import Artifact
from crm.prepared import Prepared

logger = logging.getLogger(__name__)
E = TypeVar("E", bound=Estimator)


class UnreadableArtifact(Exception):
    """The stored bytes are damaged, or were written by another format."""


class NothingToRollBackTo(Exception):
    """No earlier champion of this name exists."""


class NotPromotable(Exception):
    """It may not serve; the message says why, in the reader's language."""


Guard = Callable[[Artifact], str]
_guards: dict[str, Guard] = {}


def register_guard(prefix: str, guard: Guard) -> None:
    """An app above has a say in what serves: the guard of artifacts whose names begin so.

    It returns why one may not serve, in the reader's language, and nothing where it may.
    """
    _guards[prefix] = guard


def why_not(artifact: Artifact) -> str:
    """Why this may not serve; empty where it may."""
    asked = (guard for prefix, guard in _guards.items() if artifact.name.startswith(prefix))
    return next(filter(None, (guard(artifact) for guard in asked)), "")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where an artifact comes from and how good it was, all measured on later time."""

    metrics: Mapping[str, float]
    baseline_metrics: Mapping[str, float] = field(default_factory=dict)
    champion_metrics: Mapping[str, float] | None = None
    backtest: Mapping[str, Any] = field(default_factory=dict)  # what its page draws
    data_fingerprint: str = ""
    rows: int = 0
    seconds: float = 0.0
    seed: int = 0


def save(
    estimator: Estimator, provenance: Provenance, *, as_of: datetime, now: datetime
) -> Artifact:
    """Store a fitted estimator as a candidate. Nothing serves it before `promote`."""
    with NamedTemporaryFile(suffix=".npz") as file:
        _pack(estimator, file)
        return _store(estimator, file, provenance, as_of=as_of, now=now)


def _store(
    estimator: Estimator, file: IO[bytes], provenance: Provenance, *, as_of: datetime, now: datetime
) -> Artifact:
    artifact = Artifact(
        name=estimator.name,
        sha256=_digest(file),
        format=estimator.format,
        metrics=dict(provenance.metrics),
        baseline_metrics=dict(provenance.baseline_metrics),
        champion_metrics=dict(provenance.champion_metrics)
        if provenance.champion_metrics is not None
        else None,
        backtest=dict(provenance.backtest),
        data_fingerprint=provenance.data_fingerprint,
        code_version=code_version(),
        seed=provenance.seed,
        rows=provenance.rows,
        seconds=provenance.seconds,
        as_of=as_of,
        trained_at=now,
    )
    artifact.file.save(f"{estimator.name}-{artifact.sha256[:12]}.npz", File(file))
    return artifact


@transaction.atomic
def promote(artifact: Artifact, *, now: datetime, reason: str = "") -> None:
    """Make this the champion; the one before is archived. Raises NotPromotable."""
    if reason_against := why_not(artifact):
        raise NotPromotable(reason_against)
    champions = Artifact.objects.select_for_update().filter(
        name=artifact.name, status=Artifact.Status.CHAMPION
    )
    champions.exclude(pk=artifact.pk).update(status=Artifact.Status.ARCHIVED)
    artifact.status = Artifact.Status.CHAMPION
    artifact.promoted_at = now
    artifact.reason = (reason or artifact.reason)[:300]
    artifact.save(update_fields=["status", "promoted_at", "reason"])


@transaction.atomic
def roll_back(name: str, *, now: datetime) -> Artifact:
    """Let the champion before the present one serve again.

    Raises NothingToRollBackTo when there was none, NotPromotable when it may not.
    """
    present = champion_of(name)
    earlier = Artifact.objects.filter(name=name, status=Artifact.Status.ARCHIVED)
    previous = earlier.exclude(promoted_at=None).order_by("-promoted_at", "-id").first()
    if previous is None:
        raise NothingToRollBackTo(f"{name} has no earlier champion")
    promote(previous, now=now, reason=f"rolled back from #{present.pk if present else '–'}")
    return previous


def retire(artifact: Artifact, *, reason: str) -> None:
    """Archive it, so that nothing of its name serves but what stands in where nothing is trained.

    It was never a champion to go back to.
    """
    Artifact.objects.filter(pk=artifact.pk).update(
        status=Artifact.Status.ARCHIVED, promoted_at=None, reason=reason[:300]
    )


# Asked at every request. What its page draws may be long, and is of no use there.
CHAMPION_OF = Prepared(
    lambda name: Artifact.objects.defer(
        "backtest", "metrics", "baseline_metrics", "champion_metrics"
    ).filter(name=name, status=Artifact.Status.CHAMPION),
    name=str,
)


def champion_of(name: str) -> Artifact | None:
    return Artifact.objects.filter(name=name, status=Artifact.Status.CHAMPION).first()


def load(kind: type[E], artifact: Artifact) -> E:
    """Read one artifact. Raises UnreadableArtifact when its bytes or format are wrong."""
    estimator: E = _load(kind, artifact.file.name or "", artifact.sha256)
    return estimator


def load_serving(kind: type[E]) -> E | None:
    """Return the champion, or None when there is none that can be read."""
    artifact = champion_of(kind.name)
    return _readable(kind, artifact) if artifact else None


def load_serving_with_version(kind: type[E]) -> tuple[E, Artifact] | None:
    """Return the champion and its row, for whoever has to say which version answered."""
    artifact: Artifact | None = CHAMPION_OF.first(name=kind.name)
    estimator = _readable(kind, artifact) if artifact else None
    return (estimator, artifact) if estimator is not None and artifact is not None else None


def _readable(kind: type[E], artifact: Artifact) -> E | None:
    try:
        return load(kind, artifact)
    except UnreadableArtifact:
        logger.exception("Cannot read the champion of %s", kind.name)
        return None


@lru_cache(maxsize=1)
def code_version() -> str:
    """A digest of the learning code, so that a change of it shows in every artifact."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.glob("*/ml/**/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=16)
def _load(kind: type[E], file_name: str, sha256: str) -> E:
    try:
        with _on_disk(file_name) as path:
            _check(path, sha256)
            return _unpack(kind, path)
    except OSError as error:
        raise UnreadableArtifact(f"{file_name} cannot be opened: {error}") from error


@contextmanager
def _on_disk(file_name: str) -> Iterator[Path]:
    """The file itself, or a copy of what is stored elsewhere; what is mapped outlives its name."""
    try:
        path = default_storage.path(file_name)
    except NotImplementedError:
        with default_storage.open(file_name) as stored, NamedTemporaryFile() as copy:
            for chunk in stored.chunks():
                copy.write(chunk)
            copy.flush()
            yield Path(copy.name)
    else:
        yield Path(path)


def _check(path: Path, sha256: str) -> None:
    """Compare the digest, once for all processes of a machine for as long as the file is the same.

    Raises UnreadableArtifact.
    """
    about = path.stat()
    seen = f"{socket.gethostname()}:{about.st_dev}:{about.st_ino}:{about.st_mtime_ns}"
    key = f"artifact:{sha256}:{seen}:{about.st_size}"
    if cache.get(key):
        return
    with path.open("rb") as file:
        if _digest(file) != sha256:
            raise UnreadableArtifact(f"{path.name} does not match its digest")
    cache.set(key, True, timeout=None)


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return digest


def _pack(estimator: Estimator, file: IO[bytes]) -> None:
    state = estimator.state()
    header = json.dumps({"format": estimator.format, "settings": state.settings})
    mapped.write(file, {"__header__": np.array(header), **state.arrays})
    file.flush()


def _unpack(kind: type[E], path: Path) -> E:
    try:
        arrays = mapped.read(path)
        header = json.loads(str(arrays.pop("__header__")))
    except (mapped.NotArrays, ValueError, KeyError) as error:
        raise UnreadableArtifact(f"{kind.name}: not an artifact ({error})") from error
    if header["format"] != kind.format:
        raise UnreadableArtifact(f"{kind.name}: format {header['format']}, not {kind.format}")
    return kind.from_state(State(arrays, header["settings"]))
