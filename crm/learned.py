"""What was learned, in words: estimators, their measures, and why one serves or does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crm.models import Artifact
from crm.phrasing import Phrases

# Marked for translation here, translated where they are read.
NAMES = {
    "baskets": gettext_noop("What is bought together"),
    "churn_30": gettext_noop("Stays away for 30 days"),
    "churn_90": gettext_noop("Stays away for 90 days"),
    "clusters": gettext_noop("Groups who buy alike"),
    "lifetime": gettext_noop("Value to come"),
    "needs": gettext_noop("What a text needs"),
    "next_order": gettext_noop("Next order"),
    "purchase_30": gettext_noop("Buys within 30 days"),
    "purchase_90": gettext_noop("Buys within 90 days"),
    "sentiment": gettext_noop("How a text feels"),
}
MEASURES = {
    "accuracy": gettext_noop("accuracy"),
    "auc": gettext_noop("rank quality (AUC)"),
    "average_precision": gettext_noop("average precision"),
    "calibration": gettext_noop("distance from each one's taste in categories"),
    "brier": gettext_noop("squared error of the chance (Brier)"),
    "coverage": gettext_noop("share of products shown"),
    "covered": gettext_noop("share within the interval"),
    "cross_validated_forest": gettext_noop("random forest, cross-validated"),
    "cross_validated_naive_bayes": gettext_noop("naive Bayes, cross-validated"),
    "cross_validated_svm": gettext_noop("SVM, cross-validated"),
    "customers": gettext_noop("customers"),
    "diversity": gettext_noop("variety within a list"),
    "ece": gettext_noop("calibration error"),
    "error": gettext_noop("standard error"),
    "f1_neg": gettext_noop("F1, negative"),
    "f1_neu": gettext_noop("F1, neutral"),
    "f1_pos": gettext_noop("F1, positive"),
    "gini": gettext_noop("inequality of what is shown (Gini)"),
    "hit_rate": gettext_noop("hit rate"),
    "k": gettext_noop("groups"),
    "lift_at_10": gettext_noop("lift in the best tenth"),
    "macro_accuracy": gettext_noop("accuracy, mean over kinds"),
    "macro_f1": gettext_noop("F1, mean over kinds"),
    "mae": gettext_noop("mean error"),
    "mrr": gettext_noop("reciprocal rank"),
    "ndcg@10": gettext_noop("list quality (NDCG of ten)"),
    "negative_mae": gettext_noop("mean error, negative"),
    "negative_rmse": gettext_noop("root mean squared error, negative"),
    "novelty": gettext_noop("novelty, bits"),
    "recall@10": gettext_noop("found among ten"),
    "rmse": gettext_noop("root mean squared error"),
    "rules": gettext_noop("rules"),
    "silhouette": gettext_noop("silhouette"),
    "spearman": gettext_noop("rank correlation (Spearman)"),
    "stability": gettext_noop("stability"),
    "total_ratio": gettext_noop("foretold total over actual"),
    "worth": gettext_noop("silhouette times stability"),
}
KINDS = {
    "bg_nbd_gamma_gamma": gettext_noop("BG/NBD and Gamma-Gamma"),
    "blended": gettext_noop("both, blended with boosting"),
    "boosting": gettext_noop("gradient boosting"),
    "forest": gettext_noop("random forest"),
    "logistic": gettext_noop("logistic regression"),
    "rate_so_far": gettext_noop("the rate so far"),
    "svm": gettext_noop("SVM"),
}
REASONS = Phrases(
    gettext_noop("%(measure)s %(ours)s is not above the baseline's %(baseline)s"),
    gettext_noop("%(measure)s %(ours)s is below the champion's %(champion)s"),
    gettext_noop(
        "%(measure)s %(ours)s may be %(loss)s below the baseline's %(baseline)s: "
        "too few customers to tell"
    ),
    gettext_noop(
        "%(measure)s %(ours)s may be %(loss)s below the champion's %(champion)s: "
        "too few customers to tell"
    ),
    gettext_noop("%(measure)s %(ours)s against the baseline's %(baseline)s and no champion"),
    gettext_noop(
        "%(measure)s %(ours)s against the baseline's %(baseline)s and the champion's %(champion)s"
    ),
    gettext_noop("promoted by %(who)s"),
    gettext_noop("won test #%(number)s: preferred by %(wins)s of %(of)s customers"),
    gettext_noop("rolled back from #%(number)s"),
)


@dataclass(frozen=True)
class Measure:
    """One figure of an artifact beside those of its baseline and of the champion then."""

    name: str
    ours: str
    baseline: str
    champion: str


def register_names(names: Mapping[str, str]) -> None:
    """Apps above name their own estimators in `apps.py`, marked with gettext_noop."""
    NAMES.update(names)


def register_kinds(names: Mapping[str, str]) -> None:
    """Kinds of models that apps above blend and compare, in words."""
    KINDS.update(names)


def estimator(name: str) -> str:
    return _(NAMES[name]) if name in NAMES else name.replace("_", " ").capitalize()


def version(name: str) -> str:
    """lifetime#12 -> Value to come #12."""
    slug, mark, number = name.partition("#")
    return f"{estimator(slug)} #{number}" if mark else estimator(slug)


def measure(name: str) -> str:
    return _(MEASURES[name]) if name in MEASURES else name.replace("_", " ")


def kind(name: str) -> str:
    """A kind of model that was compared."""
    return _(KINDS[name]) if name in KINDS else name.replace("_", " ")


def reason(text: str) -> str:
    """Why an artifact serves, or does not."""
    return REASONS.said(text, measure=measure)


def measures(artifact: Artifact) -> list[Measure]:
    """Every figure, in the order of the artifact."""
    columns: list[Mapping[str, Any]] = [artifact.metrics, artifact.baseline_metrics]
    columns.append(artifact.champion_metrics or {})
    return [
        Measure(measure(name), *(figure(column.get(name)) for column in columns))
        for name in artifact.metrics
    ]


def figure(value: Any) -> str:
    """0.5152 -> 0.515, 567.2472 -> 567.2, 13384.0 -> 13,384; a dash where there is none."""
    if not isinstance(value, int | float):
        return "–"
    digits = 0 if value == int(value) and abs(value) > 1 else 1 if abs(value) >= 100 else 3
    return str(number_format(f"{value:.{digits}f}", force_grouping=True))
