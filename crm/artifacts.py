"""Keep trained estimators: save, promote, roll back, load. Bytes are data, never code."""

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from crm.ml.estimator import Estimator, State
from crm.models import Artifact

logger = logging.getLogger(__name__)
E = TypeVar("E", bound=Estimator)


class UnreadableArtifact(Exception):
    """The stored bytes are damaged, or were written by another format."""


class NothingToRollBackTo(Exception):
    """No earlier champion of this name exists."""


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
    data = _pack(estimator)
    artifact = Artifact(
        name=estimator.name,
        sha256=hashlib.sha256(data).hexdigest(),
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
    artifact.file.save(f"{estimator.name}-{artifact.sha256[:12]}.npz", ContentFile(data))
    return artifact


@transaction.atomic
def promote(artifact: Artifact, *, now: datetime, reason: str = "") -> None:
    """Make this the champion; the one before is archived."""
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

    Raises NothingToRollBackTo when there was none.
    """
    present = champion_of(name)
    earlier = Artifact.objects.filter(name=name, status=Artifact.Status.ARCHIVED)
    previous = earlier.exclude(promoted_at=None).order_by("-promoted_at", "-id").first()
    if previous is None:
        raise NothingToRollBackTo(f"{name} has no earlier champion")
    promote(previous, now=now, reason=f"rolled back from #{present.pk if present else '–'}")
    return previous


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
    artifact = champion_of(kind.name)
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
    from pathlib import Path

    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.glob("*/ml/*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=16)
def _load(kind: type[E], file_name: str, sha256: str) -> E:
    try:
        with default_storage.open(file_name) as file:
            data = file.read()
    except OSError as error:
        raise UnreadableArtifact(f"{file_name} cannot be opened: {error}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UnreadableArtifact(f"{file_name} does not match its digest")
    return _unpack(kind, data)


def _pack(estimator: Estimator) -> bytes:
    state = estimator.state()
    header = json.dumps({"format": estimator.format, "settings": state.settings})
    buffer = io.BytesIO()
    np.savez(buffer, __header__=np.array(header), **state.arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _unpack(kind: type[E], data: bytes) -> E:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop("__header__")))
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UnreadableArtifact(f"{kind.name}: not an artifact ({error})") from error
    if header["format"] != kind.format:
        raise UnreadableArtifact(f"{kind.name}: format {header['format']}, not {kind.format}")
    return kind.from_state(State(arrays, header["settings"]))
