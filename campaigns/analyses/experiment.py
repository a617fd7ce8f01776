"""`manage.py analyse experiment`: somebody's own A/B/n test, judged as a campaign's is."""

import argparse
from typing import Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

ALWAYS, FIXED, GROUPS = "always", "fixed", "o-brien-fleming"
CONTROLS = ("control", "holdout", "baseline", "a", "0")  # which arm is the control, by its name
MOST_VARIANTS = 50


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="variant,unit[,pre],outcome")
    parser.add_argument("--metric", choices=["conversion", "revenue"], default="conversion")
    parser.add_argument(
        "--control", help=f"the control's name; else one of {', '.join(CONTROLS)}, else the first"
    )
    parser.add_argument(
        "--shares", nargs="*", default=[], metavar="VARIANT=SHARE", help="planned sizes; alike"
    )
    parser.add_argument(
        "--planned", type=int, help="units an arm, settled beforehand, where looking daily is best"
    )
    parser.add_argument(
        "--design",
        choices=[ALWAYS, FIXED, GROUPS],
        default=ALWAYS,
        help="what the verdict goes by: any look, one look at the end, or a few planned looks",
    )
    parser.add_argument(
        "--looks",
        nargs="*",
        type=float,
        default=[],
        metavar="FRACTION",
        help=f"of {GROUPS}: parts of the planned units at every look so far, this one last",
    )


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml import experiment
    from crm.ml.sequences import PLANNED

    if options.planned is not None and options.planned < 1:
        raise UnusableInput("--planned: at least one unit")
    units, left_out = _units(options)
    arms = {
        str(name): experiment.Arm(
            part["outcome"].to_numpy(), part["pre"].to_numpy() if "pre" in part else None
        )
        for name, part in units.groupby("variant", sort=False)
    }
    control = _control(list(arms), options)
    plan = experiment.Plan(
        shares=_shares(list(arms), options.shares),
        units=options.planned or PLANNED,
        looks=_looks(options),
    )
    try:
        judged = experiment.judge(
            arms,
            control=control,
            is_share=options.metric == "conversion",
            plan=plan,
        )
    except ValueError as reason:
        raise UnusableInput(f"--looks: {reason}") from None
    common = {
        "srm_p": judged.sample_ratio_p,
        "cuped_variance_reduction": judged.variance_reduction,
        "units_left_out": left_out,
    }
    return {
        name: {"units": arm.size, "mean": float(arm.outcome.mean())}
        | _told(judged.findings.get(name))
        | common
        for name, arm in arms.items()
    }


def _units(options: argparse.Namespace) -> tuple[pd.DataFrame, int]:
    """One row a unit, and how many were left out because they were in several variants."""
    path = options.input
    table = read_table(path, needs=["variant", "unit", "outcome"], numbers=["outcome", "pre"])
    for column in ("variant", "unit"):
        blank = table[column].str.strip() == ""
        if blank.any():
            line = int(blank.to_numpy().argmax()) + 2
            raise UnusableInput(f"{path}: column {column}, line {line}: it is blank")
    found = table["variant"].nunique()
    if not 2 <= found <= MOST_VARIANTS:
        raise UnusableInput(
            f"{path}: column variant has {found} values; 2 to {MOST_VARIANTS} can be"
        )
    several = table.groupby("unit")["variant"].transform("nunique") > 1
    left_out = int(table.loc[several, "unit"].nunique())
    joined = {"variant": "first", "outcome": "sum"} | ({"pre": "first"} if "pre" in table else {})
    units = table[~several].groupby("unit", sort=False).agg(joined)
    if options.metric == "conversion":
        if not table["outcome"].isin([0.0, 1.0]).all():
            line = int((~table["outcome"].isin([0.0, 1.0])).to_numpy().argmax()) + 2
            raise UnusableInput(f"{path}: column outcome, line {line}: a conversion is 0 or 1")
        units["outcome"] = np.minimum(units["outcome"], 1.0)  # twice is once
    if units["variant"].nunique() < found:
        raise UnusableInput(f"{path}: a variant has no unit that is in it alone")
    return units, left_out


def _looks(options: argparse.Namespace) -> tuple[float, ...] | None:
    """Parts of the planned units at each look; None where any look may be had."""
    if options.design == GROUPS and not options.looks:
        raise UnusableInput(f"--looks: {GROUPS} needs the parts of the planned units at each look")
    if options.design != GROUPS and options.looks:
        raise UnusableInput(f"--looks: only {GROUPS} has planned looks")
    return {ALWAYS: None, FIXED: (1.0,), GROUPS: tuple(options.looks)}[options.design]


def _control(names: list[str], options: argparse.Namespace) -> str:
    if options.control is not None:
        if options.control not in names:
            raise UnusableInput(f"--control: no variant {options.control!r}")
        return str(options.control)
    by_name = {name.strip().lower(): name for name in names}
    return next((by_name[one] for one in CONTROLS if one in by_name), names[0])


def _shares(names: list[str], given: list[str]) -> dict[str, float] | None:
    shares = {}
    for one in given:
        name, _, share = one.rpartition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            raise UnusableInput(f"--shares: {one!r} is not VARIANT=SHARE") from None
    if given and (set(shares) != set(names) or not min(shares.values()) > 0):
        raise UnusableInput(f"--shares: one share above 0 each for {', '.join(names)}")
    return shares or None


def _told(finding: Any) -> dict[str, Any]:
    """The control is compared with nobody."""
    seen = finding.difference if finding else None
    return {
        "lift": seen.estimate if seen else None,
        "interval": [seen.lower, seen.upper] if seen else None,
        "p_value": seen.p_value if seen else None,
        "p_adjusted": finding.p_adjusted if finding else None,
        "always_valid_interval": (
            [finding.low, finding.high] if finding and finding.low is not None else None
        ),
        "always_valid_p": finding.always_p if finding else None,
        "verdict": finding.verdict if finding else "control",
    }


EXPERIMENT = Subject("an A/B/n test: lift, intervals at any look, verdict", _arguments, _run)
