"""Is the new one better? Splits by time, and the rule for promotion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MARGIN = 0.05  # share of a rival's figure that a candidate may lose at worst


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate may serve, in one sentence."""

    promote: bool
    reason: str


@dataclass(frozen=True)
class Gap:
    """How far a candidate is above a rival on the metric, with its interval over customers."""

    mean: float
    low: float
    high: float


def split_by_time(times: np.ndarray, *, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers (earlier, later); later holds about `share` of the rows.

    Rows of the very moment of the cut go to the later part, so nothing that is
    fitted happened at or after anything that is evaluated.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    cut = np.quantile(times, 1 - share)
    return np.flatnonzero(times < cut), np.flatnonzero(times >= cut)


def beats(
    metrics: Mapping[str, float],
    baseline: Mapping[str, float],
    champion: Mapping[str, float] | None,
    *,
    metric: str,
    gaps: Mapping[str, Gap] | None = None,
) -> Verdict:
    """Compare on one metric (higher is better), all measured on the same later time.

    The candidate must be above the baseline and not below the champion. Where `gaps` to
    "baseline" and "champion" are known it must besides be sure not to lose more than MARGIN of
    what the rival reaches: a tie goes to the candidate, which has learned from newer days, but
    luck on a few customers does not.
    """
    ours, theirs = metrics[metric], baseline[metric]
    if ours <= theirs:
        return Verdict(False, f"{metric} {ours:.4f} is not above the baseline's {theirs:.4f}")
    if champion is not None and ours < champion[metric]:
        return Verdict(False, f"{metric} {ours:.4f} is below the champion's {champion[metric]:.4f}")
    rivals = {"baseline": baseline} | ({"champion": champion} if champion is not None else {})
    for name, gap in (gaps or {}).items():
        if gap.low < -MARGIN * rivals[name][metric]:
            return Verdict(
                False,
                f"{metric} {ours:.4f} may be {-gap.low:.4f} below the {name}'s "
                f"{rivals[name][metric]:.4f}: too few customers to tell",
            )
    rival = f"the champion's {champion[metric]:.4f}" if champion else "no champion"
    return Verdict(True, f"{metric} {ours:.4f} against the baseline's {theirs:.4f} and {rival}")


def calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """How far stated confidence and share of right answers lie apart, weighted by frequency."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def f1_by_label(wanted: Sequence[str], said: Sequence[str]) -> dict[str, float]:
    """Harmonic mean of precision and recall of each label that was wanted or said."""
    truth, answer = np.array(wanted), np.array(said)
    found = {}
    for label in sorted({*wanted, *said}):
        both = ((truth == label) & (answer == label)).sum()
        found[label] = float(2 * both / ((truth == label).sum() + (answer == label).sum()))
    return found
