"""`analyse policy`: what another policy would have brought, from the log of the one that ran."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from campaigns.ml.offpolicy import Log

LOGGED = ("decision", "action", "propensity", "reward")
CUSTOMER = "customer"  # a column of the log by this name says whose decisions belong together
OFF = 1e-3  # by which chances of a decision may miss 1, having been rounded in the file
MOST_CHANCES = 200_000_000  # decisions x actions that fit in memory


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log", required=True, help="decision,action,propensity,reward[,customer],…context"
    )
    parser.add_argument("--candidate", required=True, help="decision,action,probability")
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml.offpolicy import evaluate

    log = _read_log(options.log)
    candidate, unknown = _read_candidate(options, log)
    actions = pd.Index(pd.concat([log["action"], candidate["action"]]).unique()).sort_values()
    chances = _chances(options, log, candidate, actions)
    contexts, left_out = _contexts(log)
    logged = _as_log(log, actions, contexts)
    judged = evaluate(logged, chances, rng=np.random.default_rng(options.seed))
    tried = chances[:, ~actions.isin(log["action"])].sum(axis=0)
    estimates = {
        name: {
            **_told(getattr(judged, name)),
            "effective_sample_size": round(judged.effective_sample_size, 3),
        }
        for name in ("ips", "snips", "dr")
    }
    return {
        **estimates,
        "incumbent": _told(judged.incumbent),
        "gain": _told(judged.gain),
        "effective_sample_size": round(judged.effective_sample_size, 3),
        "mean_weight": judged.mean_weight,
        "unsupported_mass": judged.unsupported,
        "untried_actions": actions[~actions.isin(log["action"])][tried > 0][:20].tolist(),
        "verdict": str(judged.verdict),
        "reasons": list(judged.reasons),
        "decisions": len(log),
        "actions": len(actions),
        "candidate_decisions_not_in_log": unknown,
        "context_left_out": left_out,
    }


def _told(estimate: Any) -> dict[str, float | None]:
    """An end that is nowhere is null: JSON has no infinity."""
    return {name: value if np.isfinite(value) else None for name, value in asdict(estimate).items()}


def _read_log(path: str) -> pd.DataFrame:
    log = read_table(path, needs=LOGGED, numbers=["propensity", "reward"])
    if log.empty:
        raise UnusableInput(f"{path}: it has no decisions")
    _refuse(path, "decision", log["decision"].duplicated(), "it was there before", log)
    _refuse(path, "action", log["action"].str.strip().eq(""), "it is blank", log)
    wrong = ~((log["propensity"] > 0) & (log["propensity"] <= 1))
    _refuse(path, "propensity", wrong, "a chance above 0 and at most 1 is needed", log)
    return log


def _read_candidate(options: argparse.Namespace, log: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Its rows of decisions in the log, and how many decisions are not in the log."""
    path = options.candidate
    table = read_table(path, needs=["decision", "action", "probability"], numbers=["probability"])
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    _refuse(path, "action", table["action"].str.strip().eq(""), "it is blank", table)
    wrong = ~table["probability"].between(0, 1)
    _refuse(path, "probability", wrong, "a chance from 0 to 1 is needed", table)
    twice = table.duplicated(["decision", "action"])
    _refuse(path, "action", twice, "this decision has it twice", table)
    known = table["decision"].isin(log["decision"])
    return table[known], int(table.loc[~known, "decision"].nunique())


def _refuse(path: str, column: str, wrong: pd.Series, why: str, table: pd.DataFrame) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UnusableInput(
            f"{path}: column {column}, line {row + 2}: {str(table[column].iloc[row])!r}: {why}"
        )


def _chances(
    options: argparse.Namespace, log: pd.DataFrame, candidate: pd.DataFrame, actions: pd.Index
) -> np.ndarray:
    """(decisions, actions), rows adding up to one; what the candidate does not name has none."""
    if len(log) * len(actions) > MOST_CHANCES:
        raise UnusableInput(
            f"{options.candidate}: {len(actions)} actions are too many for {len(log)} decisions"
        )
    chances = np.zeros((len(log), len(actions)))
    rows = pd.Index(log["decision"]).get_indexer(candidate["decision"])
    chances[rows, actions.get_indexer(candidate["action"])] = candidate["probability"]
    total = chances.sum(axis=1)
    off = np.abs(total - 1.0) > OFF
    if off.any():
        row = int(off.argmax())
        decision = log["decision"].iloc[row]
        raise UnusableInput(
            f"{options.candidate}: column probability: decision {decision!r} adds up to "
            f"{total[row]:.6g}, not to 1"
            if total[row]
            else f"{options.candidate}: column decision: {decision!r} of the log is missing"
        )
    return np.asarray(chances / total[:, None])


def _as_log(log: pd.DataFrame, actions: pd.Index, contexts: np.ndarray) -> "Log":
    from campaigns.ml.offpolicy import Log

    return Log(
        actions=actions.get_indexer(log["action"]),
        propensities=log["propensity"].to_numpy(),
        rewards=log["reward"].to_numpy(),
        contexts=contexts,
        customers=log[CUSTOMER].to_numpy(str) if CUSTOMER in log else None,
    )


def _contexts(log: pd.DataFrame) -> tuple[np.ndarray, dict[str, str]]:
    """(decisions, d): numbers as they are, blanks as their mean, a column a level of text.

    And which columns say nothing, with the reason.
    """
    from crm.ml.columns import Columns

    names = [name for name in log.columns if name not in (*LOGGED, CUSTOMER)]
    table = {name: log[name].to_numpy(str) for name in names}
    columns = Columns().fit(table, log["reward"].to_numpy())
    found = [np.zeros((len(log), 0))]
    for column in columns.columns:
        codes = column.coded(table[column.name])
        if column.is_numeric:
            found.append(np.where(np.isnan(codes), np.nanmean(codes), codes)[:, None])
        else:
            found.append((codes[:, None] == np.arange(len(column.levels))).astype(float))
    return np.hstack(found), columns.left_out


POLICY = Subject("what another policy would have brought, from a log", _arguments, _run)
