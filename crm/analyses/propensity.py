"""The chance of a label in any table: fitted on one file, judged and explained on another."""

import argparse
import json
from typing import Any

import numpy as np
import pandas as pd
from django.utils import translation
from django.utils.translation import gettext as _

from crm.analysis import Subject, UnusableInput, read_table
from crm.ml import judging

YES = ("yes", "1", "1.0", "true", "y", "t", "是")
REASONS = 5  # told by name; the others are added up
ALONE = 0.8  # a single column that ranks so well may know the answer
LEAVES, FINE_LEAVES, FINE_FROM = 8, 31, 20_000  # bigger trees where there are rows for them
LATER = 0.3  # of the training rows in their order, to show what a split by time says


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", required=True, help="any table, in order of time if it has one")
    parser.add_argument("--test", required=True, help="the same columns")
    parser.add_argument("--target", required=True, help="the column to foretell, of two values")
    parser.add_argument("--without", action="append", default=[], metavar="COLUMN")
    parser.add_argument("--output", help="probability,reasons,because for every row of the test")
    parser.add_argument(
        "--language", choices=("en", "zh-hans"), default="en", help="of the words in `because`"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--split-by-time",
        action="store_true",
        help="also judge on the last rows of the training file, beside random ones",
    )


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from crm.ml.columns import Columns

    train = read_table(options.train, needs=[options.target, *options.without])
    test = read_table(options.test, needs=list(train.columns))
    positive = _positive(options.train, options.target, train[options.target])
    target, truth = (
        _labels(path, options.target, table[options.target], positive, train)
        for path, table in ((options.train, train), (options.test, test))
    )
    dropped = {options.target, *options.without}
    table = {name: train[name].to_numpy(str) for name in train.columns if name not in dropped}
    columns = Columns().fit(table, target)
    matrix = columns.matrix(table)
    asked = columns.matrix({name: test[name].to_numpy(str) for name in columns.names})
    fitted = _fitted(options, columns, matrix, target)
    chance = fitted.predict(asked)
    if options.output:
        with translation.override(options.language):
            _write(options.output, columns, fitted, asked, test)
    return {
        "rows": len(test),
        "positive": positive,
        **judging.quality(truth, chance),
        "members": dict(zip(fitted.members, fitted.weights_.round(4).tolist(), strict=True)),
        "left_out": columns.left_out,
        "suspicious_columns": _suspicious(columns, matrix, target),
        "drift": _drift(columns, matrix, asked, target, truth),
        "beyond_what_was_seen": round(float(fitted.beyond(asked).mean()), 4),
        **(_both_splits(options, columns, matrix, target) if options.split_by_time else {}),
    }


def _fitted(
    options: argparse.Namespace, columns: Any, matrix: np.ndarray, target: np.ndarray
) -> Any:
    from crm.ml.propensity import NothingToLearn, Propensity

    levels = [len(column.levels) for column in columns.columns]
    leaves = FINE_LEAVES if len(target) >= FINE_FROM else LEAVES
    try:
        return Propensity(leaves=leaves, seed=options.seed).fit(
            matrix, target, levels=levels, in_order=True
        )
    except NothingToLearn as reason:
        raise UnusableInput(f"{options.train}: column {options.target}: {reason}") from None


def _positive(path: str, name: str, values: pd.Series) -> str:
    """The value that counts as yes: one that says so, else the rarer one."""
    counts = values.value_counts()
    if len(counts) == 1:
        raise UnusableInput(f"{path}: column {name} is {counts.index[0]!r} in every row")
    if len(counts) != 2:
        raise UnusableInput(f"{path}: column {name} has {len(counts)} values; two needed")
    said = [value for value in counts.index if value.strip().lower() in YES]
    return str(said[0] if len(said) == 1 else counts.index[-1])


def _labels(
    path: str, name: str, values: pd.Series, positive: str, train: pd.DataFrame
) -> np.ndarray:
    known = set(train[name])
    strange = ~values.isin(known)
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise UnusableInput(
            f"{path}: column {name}, line {row + 2}: {values.iloc[row]!r} is not in the training"
        )
    return np.asarray(values.eq(positive), dtype=int)


def _suspicious(columns: Any, matrix: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Columns that alone rank so well that they may be known only afterwards, with their AUC."""
    found = {}
    for name, column in zip(columns.names, matrix.T, strict=True):
        filled = np.where(np.isnan(column), np.nanmin(column) - 1.0, column)
        alone = judging.auc(target, filled)
        if max(alone, 1.0 - alone) >= ALONE:
            found[name] = round(max(alone, 1.0 - alone), 4)
    return found


def _drift(
    columns: Any, matrix: np.ndarray, asked: np.ndarray, target: np.ndarray, truth: np.ndarray
) -> dict[str, Any]:
    """How far training and test lie apart: by column, and how often the label is a yes."""
    index = {
        column.name: round(
            judging.stability(matrix[:, at], asked[:, at], levels=len(column.levels)), 4
        )
        for at, column in enumerate(columns.columns)
    }
    moved = sorted(name for name, value in index.items() if value > judging.DRIFTED)
    report: dict[str, Any] = {
        "label_rate": {
            "train": round(float(target.mean()), 4),
            "test": round(float(truth.mean()), 4),
        },
        "stability_index": index,
        "drifted": moved,
    }
    if moved:
        report["warning"] = (
            f"training and test differ in {', '.join(moved)}: figures of a random split would "
            "flatter; trust those of later time"
        )
    return report


def _both_splits(
    options: argparse.Namespace, columns: Any, matrix: np.ndarray, target: np.ndarray
) -> dict[str, Any]:
    """The same share of the training rows held back twice: chosen at random, and the last ones."""
    order = np.arange(len(target))
    later = order >= len(target) * (1 - LATER)
    rng = np.random.default_rng(options.seed)
    found = {}
    for name, held in (("random_split", rng.permutation(later)), ("time_split", later)):
        fitted = _fitted(options, columns, matrix[~held], target[~held])
        found[name] = judging.quality(target[held], fitted.predict(matrix[held]))
    return found


def _write(path: str, columns: Any, fitted: Any, asked: np.ndarray, test: pd.DataFrame) -> None:
    told, bases = fitted.contributions(asked), fitted.bases(asked)
    best = np.argsort(-np.abs(told), axis=1)[:, :REASONS]
    values = {name: test[name].tolist() for name in columns.names}
    reasons, because = [], []
    for row, (shares, places) in enumerate(zip(told, best.tolist(), strict=True)):
        named = [
            {
                "column": columns.names[place],
                "value": values[columns.names[place]][row],
                "log_odds": round(float(shares[place]), 12),
            }
            for place in places
        ]
        because.append(_in_words(named))
        rest = float(shares.sum()) - sum(one["log_odds"] for one in named)
        reasons.append(
            json.dumps(
                {"base": float(bases[row]), "reasons": named, "others": rest}, ensure_ascii=False
            )
        )
    found = {"probability": fitted.predict(asked), "reasons": reasons, "because": because}
    pd.DataFrame(found).to_csv(path, index=False)


def _in_words(named: list[dict[str, Any]]) -> str:
    """The weightiest reasons as a sentence; what weighs nothing is no reason."""
    told = []
    for one in named:
        fact = {"fact": _("%(what)s is %(value)s") % {"what": one["column"], "value": one["value"]}}
        if one["log_odds"] > 0:
            told.append(_("likelier: %(fact)s") % fact)
        elif one["log_odds"] < 0:
            told.append(_("less likely: %(fact)s") % fact)
    return _("; ").join(told)


PROPENSITY = Subject("chances of a label, calibrated and explained", _arguments, _run)
