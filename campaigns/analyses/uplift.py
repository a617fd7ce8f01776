"""`analyse uplift`: who changes because of the message, and is it worth choosing them?"""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from campaigns.ml.targeting import Effect
    from campaigns.ml.uplift import Trial
    from crm.ml.columns import Columns

NOT_BY_LOT = 0.001  # columns that foretell the treatment better than this often had a hand in it
RAREST = 0.02  # chance of treatment; beyond, one row would speak for more than fifty


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", required=True, help="features, treatment 0/1, outcome")
    parser.add_argument("--test", required=True, help="the same features; the rest may be absent")
    parser.add_argument("--treatment", required=True, metavar="COLUMN", help="0 or 1, drawn by lot")
    parser.add_argument("--outcome", required=True, metavar="COLUMN", help="0/1 or an amount")
    parser.add_argument("--without", action="append", default=[], metavar="COLUMN")
    parser.add_argument("--learner", choices=("t", "x", "dr"), default="dr")
    parser.add_argument("--output", required=True, help="row,uplift; the first row is 0")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml import targeting
    from campaigns.ml.uplift import LEARNERS, NothingToCompare

    train, columns = _trial(options)
    asked = _asked(options, columns)
    test = columns.matrix({name: asked[name].to_numpy(str) for name in columns.names})
    balance = targeting.balance_p(train.matrix, train.levels, train.treatment)
    try:
        if balance < NOT_BY_LOT:
            train = _by_chance(train, options.seed)
        learner = LEARNERS[options.learner](seed=options.seed)
        judged = targeting.judge(learner, train, seed=options.seed)
        uplift = learner.fit(train).predict(test)
    except NothingToCompare as reason:
        raise UnusableInput(f"{options.train}: column {options.treatment}: {reason}") from None
    pd.DataFrame({"row": np.arange(len(uplift)), "uplift": uplift}).to_csv(
        options.output, index=False
    )
    average = judged.average
    return {
        "ate": average.estimate,
        "interval": [average.lower, average.upper],
        "ate_p_value": average.p_value,
        "p_value": judged.p_value,
        "significant": judged.is_significant,
        "target": str(judged.target),
        "fifths": [_told(group) for group in judged.groups],
        "qini": _qini(options, asked, uplift),
        "balance_p": balance,
        "randomised": balance >= NOT_BY_LOT,
        "rows": {"train": len(train), "test": len(test)},
        "left_out": columns.left_out,
    }


def _trial(options: argparse.Namespace) -> tuple["Trial", "Columns"]:
    from campaigns.ml.uplift import Trial
    from crm.ml.columns import Columns

    needs = [options.treatment, options.outcome, *options.without]
    table = read_table(options.train, needs=needs, numbers=[options.treatment, options.outcome])
    if options.treatment == options.outcome:
        raise UnusableInput(f"--outcome: {options.outcome} is the treatment")
    if table.empty:
        raise UnusableInput(f"{options.train}: it has no rows")
    treatment = _treatment(options.train, options.treatment, table)
    outcome = table[options.outcome].to_numpy(float)
    if not np.ptp(outcome):
        raise UnusableInput(
            f"{options.train}: column {options.outcome} is {outcome[0]:g} in every row"
        )
    dropped = {options.treatment, options.outcome, *options.without}
    features = {name: table[name].to_numpy(str) for name in table.columns if name not in dropped}
    columns = Columns().fit(features, outcome)
    if not columns.columns:
        why = "; ".join(f"{name}: {reason}" for name, reason in columns.left_out.items())
        raise UnusableInput(f"{options.train}: no feature is left ({why or 'there is none'})")
    levels = tuple(len(column.levels) for column in columns.columns)
    matrix = columns.matrix(features)
    return Trial.randomised(matrix, levels, treatment, outcome), columns


def _treatment(path: str, name: str, table: pd.DataFrame) -> np.ndarray:
    values = table[name]
    strange = ~values.isin([0.0, 1.0])
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise UnusableInput(
            f"{path}: column {name}, line {row + 2}: {values.iloc[row]:g} is neither 0 nor 1"
        )
    if values.nunique() < 2:
        raise UnusableInput(f"{path}: column {name} is {values.iloc[0]:g} in every row")
    return np.asarray(values, dtype=float)


def _by_chance(trial: "Trial", seed: int) -> "Trial":
    """Not drawn by lot: the chance of treatment is learned, each row's without itself."""
    from campaigns.ml.surfaces import expected
    from campaigns.ml.uplift import check, folds

    check(trial)
    chance = np.zeros(len(trial))
    for kept, held in folds(trial, seed=seed):
        fitted = expected(trial.task(trial.treatment, kept, seed=seed), is_chance=True)
        chance[held] = fitted.of(trial.matrix[held])
    return replace(trial, propensity=np.clip(chance, RAREST, 1 - RAREST))


def _asked(options: argparse.Namespace, columns: "Columns") -> pd.DataFrame:
    both = [options.treatment, options.outcome]
    table = read_table(options.test, needs=columns.names, numbers=both)
    if table.empty:
        raise UnusableInput(f"{options.test}: it has no rows")
    return table


def _qini(options: argparse.Namespace, asked: pd.DataFrame, uplift: np.ndarray) -> float | None:
    """Of the test rows, where they say what was done and came of it, and that is 0 or 1."""
    from campaigns.ml.targeting import qini

    if not {options.treatment, options.outcome} <= set(asked.columns):
        return None
    outcome = asked[options.outcome].to_numpy(float)
    if not np.isin(outcome, (0.0, 1.0)).all():
        return None
    if asked[options.treatment].nunique() < 2:
        return None
    return qini(uplift, _treatment(options.test, options.treatment, asked), outcome)


def _told(group: "Effect") -> dict[str, Any]:
    return {
        "effect": group.estimate,
        "interval": [group.lower, group.upper],
        "rows": group.size,
    }


UPLIFT = Subject("who changes because of a treatment, and whom to target", _arguments, _run)
