"""`analyse click`: the chance of a click from columns of categories, fitted on one file."""

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

TARGET = "click"
MOST_COLUMNS = 200


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", required=True, help="columns of categories, click 0 or 1")
    parser.add_argument("--test", required=True, help="the same columns; click may be absent")
    parser.add_argument("--output", required=True, help="row,probability; the first row is 0")
    parser.add_argument("--without", action="append", default=[], metavar="COLUMN")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml.click import Click

    train = read_table(options.train, needs=[TARGET, *options.without], numbers=[TARGET])
    _check(options.train, train)
    if train[TARGET].nunique() < 2:
        raise UnusableInput(
            f"{options.train}: column {TARGET} is {train[TARGET].iloc[0]:g} in every row"
        )
    names = [name for name in train.columns if name not in (TARGET, *options.without)]
    if not 0 < len(names) <= MOST_COLUMNS:
        raise UnusableInput(
            f"{options.train}: {len(names)} columns beside {TARGET}; 1 to {MOST_COLUMNS} can be"
        )
    test = read_table(options.test, needs=names, numbers=[TARGET])
    _check(options.test, test)
    asked, known = _texts(test, names), _texts(train, names)
    started = time.process_time()
    fitted = Click(seed=options.seed).fit(known, train[TARGET].to_numpy())
    seconds = time.process_time() - started
    chances = fitted.predict(asked)
    pd.DataFrame({"row": np.arange(len(chances)), "probability": chances}).to_csv(
        options.output, index=False
    )
    unseen = (fitted.levels_.codes(asked) == 0).mean(axis=1)
    return {
        "rows": {"train": len(train), "test": len(test)},
        "fit_cpu_seconds": round(seconds, 3),
        "levels": {name: len(levels) for name, levels in fitted.levels_.known.items()},
        "rare_or_unseen": dict(zip(names, unseen.round(4).tolist(), strict=True)),
        "share_of_crosses": round(float(fitted.mix_), 4),
        **(_quality(test[TARGET].to_numpy(), chances) if TARGET in test else {}),
    }


def _quality(clicks: np.ndarray, chances: np.ndarray) -> dict[str, float | None]:
    """calibration: foretold clicks over those that came, None where none came."""
    from crm.ml import judging

    told = np.clip(chances, 1e-12, 1.0 - 1e-12)
    loss = -(clicks * np.log(told) + (1.0 - clicks) * np.log1p(-told)).mean()
    came = clicks.sum()
    return {
        "log_loss": float(loss),
        "calibration": float(chances.sum() / came) if came else None,
        "auc": judging.auc(clicks.astype(int), chances) if 0 < came < len(clicks) else None,
    }


def _texts(table: pd.DataFrame, names: list[str]) -> dict[str, np.ndarray]:
    return {name: table[name].str.strip().to_numpy(object) for name in names}


def _check(path: str, table: pd.DataFrame) -> None:
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    if TARGET not in table:
        return
    strange = ~table[TARGET].isin([0.0, 1.0])
    if strange.any():
        line = int(strange.to_numpy().argmax()) + 2
        raise UnusableInput(f"{path}: column {TARGET}, line {line}: a click is 0 or 1")


CLICK = Subject("the chance of a click from categories, with their crosses", _arguments, _run)
