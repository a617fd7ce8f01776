"""`analyse fairness`: whether a decision treats groups alike."""

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from campaigns.ml.fairness import Group
    from campaigns.ml.lift import Share

MOST_GROUPS = 50
FOUR_FIFTHS = 0.8  # of the best rate: what selection procedures are held to in the United States
RATES = {"selection_rate": "selected", "tpr": "right", "fpr": "wrong", "precision": "precise"}
MEASURES = ("demographic_parity_difference", "disparate_impact_ratio", "equalized_odds_difference")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="group,y,p; decided where p is 0.5 or more")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml import fairness

    table = _rows(options.input)
    found = fairness.audit(
        table["group"].to_numpy(str),
        table["y"].to_numpy(float),
        table["p"].to_numpy(float),
        seed=options.seed,
    )
    measures = {name: getattr(found, name) for name in MEASURES}
    ratio = found.disparate_impact_ratio
    return {
        "groups": {name: _told(group) for name, group in found.groups.items()},
        **{name: measure.value for name, measure in measures.items()},
        "intervals": {name: [one.lower, one.upper] for name, one in measures.items()},
        "p_values": dict(found.p_values),
        "alarms": found.alarms,
        "fair": not found.alarms,
        "below_four_fifths": ratio.upper is not None and ratio.upper < FOUR_FIFTHS,
    }


def _rows(path: str) -> pd.DataFrame:
    table = read_table(path, needs=["group", "y", "p"], numbers=["y", "p"])
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    _refuse(path, "group", table["group"].str.strip() == "", "it is blank")
    _refuse(path, "y", ~table["y"].isin([0.0, 1.0]), "it is neither 0 nor 1")
    _refuse(path, "p", ~table["p"].between(0.0, 1.0), "a chance lies between 0 and 1")
    found = table["group"].nunique()
    if not 2 <= found <= MOST_GROUPS:
        raise UnusableInput(f"{path}: column group has {found} values; 2 to {MOST_GROUPS} can be")
    return table


def _told(group: "Group") -> dict[str, Any]:
    from campaigns.ml.lift import wilson

    shares: dict[str, Share] = {name: getattr(group, rate) for name, rate in RATES.items()}
    return {
        "n": group.selected.size,
        **{name: share.rate if share.size else None for name, share in shares.items()},
        "intervals": {
            name: list(wilson(share)) if share.size else None for name, share in shares.items()
        },
    }


def _refuse(path: str, column: str, rows: pd.Series, why: str) -> None:
    if rows.any():
        line = int(np.asarray(rows).argmax()) + 2
        raise UnusableInput(f"{path}: column {column}, line {line}: {why}")


FAIRNESS = Subject("rates by group, and whether they differ", _arguments, _run)
