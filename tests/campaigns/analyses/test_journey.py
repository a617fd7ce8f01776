"""`analyse journey`: logged episodes in, an action for every step and state out."""

import json

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from tests.campaigns.ml.journey import STEPS, World

SMALL = (
    "episode,step,state,action,reward,next_state\n"
    "a,1,new,mail,0,warm\na,2,warm,offer,5,gone\nb,1,new,nothing,0,new\nb,2,new,mail,0,\n"
)


@pytest.fixture
def analyse(tmp_path, capsys):
    def run(table, *args):
        path, output = tmp_path / "episodes.csv", tmp_path / "out.csv"
        path.write_text(
            table if isinstance(table, str) else table.to_csv(index=False), encoding="utf-8"
        )
        call_command("analyse", "journey", f"--episodes={path}", f"--output={output}", *args)
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1]), pd.read_csv(
            output, dtype=str
        )

    return run


def as_table(world, log):
    names = [f"{interest}/{fatigue}" for interest, fatigue in world.states]
    return pd.DataFrame(
        {
            "reward": log.rewards,
            "episode": log.episodes,
            "step": log.steps + 1,
            "state": [names[one] for one in log.states],
            "action": [f"a{one}" if one else "nothing" for one in log.actions],
            "next_state": [names[one] if one >= 0 else "left" for one in log.following],
        }
    )


def test_patience_is_learned(analyse):
    world = World()
    table = as_table(world, world.log(10_000)).sample(frac=1, random_state=1)
    report, found = analyse(table)
    names = [f"{interest}/{fatigue}" for interest, fatigue in world.states]
    actions = found.set_index(["step", "state"])["action"]
    choices = np.array(
        [
            [
                int(actions[str(step + 1), name].replace("nothing", "a0")[1:])
                if (str(step + 1), name) in actions
                else 0
                for name in names
            ]
            for step in range(STEPS)
        ]
    )
    assert world.value(choices) >= 0.93 * world.value(world.best())
    assert report["lower"] < report["value"] < report["upper"]
    assert report["myopic"]["value"] < report["value"]
    assert report["nothing"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert not report["does_nothing"]
    assert report["support"]["episodes"] == 10_000
    assert 0 < report["support"]["agreeing_decisions"] < report["support"]["decisions"]


def test_every_step_and_state_has_an_action(analyse):
    report, found = analyse(SMALL)
    assert list(found.columns) == ["step", "state", "action"]
    assert len(found) == 4
    assert set(found["action"]) <= {"mail", "offer", "nothing"}
    assert report["logged"] == 2.5


def test_nothing_can_be_named(analyse):
    assert analyse(SMALL, "--nothing=mail")[0]["nothing"] is not None
    assert analyse(SMALL.replace("nothing", "letter"))[0]["nothing"] is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("episode,step,state,action,reward\n", "column next_state is missing"),
        ("episode,step,state,action,reward,next_state\n", "it has no rows"),
        ("", "not a CSV table"),
        (SMALL.replace("a,1,new", "a,x,new"), "column step, line 2: 'x' is not a number"),
        (
            SMALL.replace("a,1,new", "a,1.5,new"),
            "column step, line 2: '1.5': it is no whole number",
        ),
        (SMALL.replace("b,2", "b,1"), "column step, line 5: '1': the episode has this step twice"),
        (SMALL.replace("offer,5", "offer,NaN"), "column reward, line 3: 'NaN' is not a number"),
        (SMALL.replace("a,2,warm", "a,2,cold"), "column next_state, line 2: 'warm': the next step"),
        (SMALL.replace("b,2,new,mail", "b,2,new,"), "column action, line 5: '': it is blank"),
        (SMALL.replace("a,1,", ",1,"), "column episode, line 2: '': it is blank"),
    ],
)
def test_what_cannot_be_used_is_named(analyse, table, said):
    with pytest.raises(CommandError) as refusal:
        analyse(table)
    assert said in str(refusal.value)


def test_an_unknown_nothing_is_refused(analyse):
    with pytest.raises(CommandError, match="--nothing: no action 'rest'"):
        analyse(SMALL, "--nothing=rest")
