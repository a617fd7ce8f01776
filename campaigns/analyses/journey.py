"""`analyse journey`: what to do at each step, learned from episodes whose rewards came late."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crm.analysis import Subject, UnusableInput, read_table

if TYPE_CHECKING:
    from campaigns.ml.transitions import Episodes

COLUMNS = ("episode", "step", "state", "action", "reward", "next_state")
NOTHINGS = ("nothing", "none", "no_action", "no action", "noop", "wait", "hold", "skip", "0")
MOST_CELLS = 5_000_000  # steps x states x actions


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--episodes", required=True, help=",".join(COLUMNS))
    parser.add_argument("--output", required=True, help="step,state,action")
    parser.add_argument(
        "--nothing", metavar="ACTION", help=f"the action that does nothing; {', '.join(NOTHINGS)}"
    )
    parser.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    from campaigns.ml.journeys import judge

    table = _read(options.episodes)
    steps, states, actions = (
        pd.Index(table[name].unique()).sort_values() for name in ("step", "state", "action")
    )
    if len(steps) * len(states) * len(actions) > MOST_CELLS:
        raise UnusableInput(
            f"{options.episodes}: {len(steps)} steps x {len(states)} states x {len(actions)} "
            "actions are too many to be counted"
        )
    log = _log(table, steps, states, actions)
    nothing = _nothing(options, actions)
    judged = judge(log, nothing=nothing, rng=np.random.default_rng(options.seed))
    choices, support = judged.policy.choices_, judged.policy.support_
    _plan(steps, states, actions, choices).to_csv(options.output, index=False)
    agreeing = choices[log.steps, log.states] == log.actions
    thin = support[log.steps, log.states] == 0
    return {
        **asdict(judged.worth),
        "nothing": asdict(judged.nothing) if judged.nothing else None,
        "myopic": asdict(judged.myopic),
        "logged": float(log.rewards.sum() / (log.episodes.max() + 1)),
        "does_nothing": judged.is_nothing,
        "support": {
            "episodes": int(log.episodes.max()) + 1,
            "decisions": len(table),
            "agreeing_decisions": int(agreeing.sum()),
            "decisions_in_thin_states": int(thin.sum()),
            "pool": float(judged.policy.pool_),
        },
        "steps": len(steps),
        "states": len(states),
        "actions": actions.tolist(),
    }


def _plan(
    steps: pd.Index, states: pd.Index, actions: pd.Index, choices: np.ndarray
) -> pd.DataFrame:
    """A row for every step and state; choices: (steps, states) numbers of actions."""
    return pd.DataFrame(
        {
            "step": np.repeat(steps.to_numpy(), len(states)),
            "state": np.tile(states.to_numpy(object), len(steps)),
            "action": actions.to_numpy(object)[choices.ravel()],
        }
    )


def _read(path: str) -> pd.DataFrame:
    """In the order of episodes and steps, with the line of each row in the file."""
    table = read_table(path, needs=COLUMNS, numbers=["step", "reward"])
    if table.empty:
        raise UnusableInput(f"{path}: it has no rows")
    table = table.assign(line=np.arange(len(table)) + 2)
    for name in ("episode", "state", "action"):
        _refuse(path, name, table[name].str.strip().eq(""), "it is blank", table)
    _refuse(path, "step", table["step"] % 1 != 0, "it is no whole number", table)
    table["step"] = table["step"].astype(int)
    twice = table.duplicated(["episode", "step"])
    _refuse(path, "step", twice, "the episode has this step twice", table)
    table = table.sort_values(["episode", "step"], kind="stable").reset_index(drop=True)
    goes_on = table["episode"].eq(table["episode"].shift(-1))
    elsewhere = goes_on & table["next_state"].ne(table["state"].shift(-1))
    _refuse(path, "next_state", elsewhere, "the next step begins in another state", table)
    return table


def _refuse(path: str, column: str, wrong: pd.Series, why: str, table: pd.DataFrame) -> None:
    if wrong.any():
        row = table.loc[wrong, "line"].idxmin()
        line, value = table["line"][row], str(table[column][row])
        raise UnusableInput(f"{path}: column {column}, line {line}: {value!r}: {why}")


def _log(table: pd.DataFrame, steps: pd.Index, states: pd.Index, actions: pd.Index) -> "Episodes":
    from campaigns.ml.transitions import ENDED, Episodes

    state = states.get_indexer(table["state"])
    # An episode without a further row is over; what its last state was called does not matter.
    goes_on = table["episode"].eq(table["episode"].shift(-1)).to_numpy()
    return Episodes(
        episodes=pd.factorize(table["episode"])[0],
        steps=steps.get_indexer(table["step"]),
        states=state,
        actions=actions.get_indexer(table["action"]),
        rewards=table["reward"].to_numpy(),
        following=np.where(goes_on, np.roll(state, -1), ENDED),
        shape=(len(steps), len(states), len(actions)),
    )


def _nothing(options: argparse.Namespace, actions: pd.Index) -> int | None:
    """The number of the action that does nothing, if there seems to be one."""
    names = actions.tolist()
    if options.nothing is not None:
        if options.nothing not in names:
            raise UnusableInput(f"--nothing: no action {options.nothing!r} in the episodes")
        return int(names.index(options.nothing))
    lowered = [name.strip().lower() for name in names]
    return next((lowered.index(one) for one in NOTHINGS if one in lowered), None)


JOURNEY = Subject("what to do at each step where rewards come late", _arguments, _run)
