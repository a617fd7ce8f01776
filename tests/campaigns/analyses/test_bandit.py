"""`analyse bandit`: rounds in, actions out, one by one; rewards come when they come."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

START = {"start": True, "actions": 3, "dim": 2}
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def play(monkeypatch, capsys):
    def run(*lines, args=()):
        text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        monkeypatch.setattr(sys, "stdin", io.StringIO(text + "\n"))
        call_command("analyse", "bandit", *args)
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def rounds(count, *, seed=0, **more):
    rng = np.random.default_rng(seed)
    return [{"t": t, "context": rng.normal(size=2).tolist(), **more} for t in range(count)]


def taught(policy_reward, *, size=400):
    """Rounds each followed by its reward; the reward follows the first feature for action 1."""
    lines = [START]
    for one in rounds(size):
        lines += [one, {"t": one["t"], "reward": policy_reward}]
    return lines


def test_one_line_a_round_in_order(play):
    found = play(START, *rounds(5), {"end": True})
    assert [one["t"] for one in found] == [0, 1, 2, 3, 4]
    assert all(set(one) == {"t", "action", "propensity"} for one in found)
    assert all(0 < one["propensity"] <= 1 and 0 <= one["action"] < 3 for one in found)


def test_only_eligible_actions_are_chosen(play):
    found = play(START, *rounds(40, eligible=[0, 2]), {"end": True})
    assert {one["action"] for one in found} == {0, 2}


def test_nothing_after_the_end_is_read(play):
    assert play(START, {"end": True}, "rubbish") == []


def test_the_end_of_the_input_is_an_end_too(play):
    assert len(play(START, *rounds(2))) == 2


def test_the_same_seed_chooses_alike(play):
    lines = [START, *rounds(50)]
    assert play(*lines, args=("--seed=4",)) == play(*lines, args=("--seed=4",))
    assert play(*lines, args=("--seed=4",)) != play(*lines, args=("--seed=5",))


def test_weights_are_the_chances(play):
    found = play(
        START, *rounds(30), args=("--policy=weighted", "--weights", "0", "1", "0", "--explore=.3")
    )
    by_action = {one["action"]: one["propensity"] for one in found}
    assert by_action[1] == pytest.approx(0.8)


@pytest.mark.parametrize("reward", [1, 250.0, -3])
def test_any_rewards_are_learned_from(play, reward):
    assert len(play(*taught(reward), {"end": True})) == 400


def test_rewards_that_come_late_steer_the_choice(play):
    lines = [{"start": True, "actions": 2, "dim": 0}]
    first = [{"t": f"a{t}", "context": []} for t in range(60)]
    told = play(*lines, *first)
    rewards = [{"t": one["t"], "reward": int(one["action"] == 1)} for one in told]
    late = [{"t": f"b{t}", "context": []} for t in range(50)]
    found = play(*lines, *first, *rewards, *late)[60:]
    assert np.mean([one["action"] == 1 for one in found]) > 0.9
    assert max(one["propensity"] for one in found) == pytest.approx(0.998)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "it is empty"),
        (("{",), "line 1: not JSON"),
        (([1],), "line 1: not a JSON object"),
        (({"actions": 3, "dim": 2},), "first line"),
        (({"start": True, "actions": 0, "dim": 2},), "actions is 0"),
        (({"start": True, "actions": 3, "dim": "2"},), "dim is '2'"),
        (({"start": True, "actions": 1000, "dim": 1000},), "too many"),
        ((START, {"t": 1, "context": [1]}), "line 2: context has 1 numbers; 2 were announced"),
        ((START, {"t": 1, "context": [1, "x"]}), "context is not made of numbers"),
        ((START, '{"t": 1, "context": [1, NaN]}'), "context is not made of numbers"),
        ((START, {"t": 1, "context": [1, 1e300]}), "from -1e"),
        ((START, {"t": None, "context": [1, 2]}), "t is None"),
        ((START, {"t": 1, "context": [1, 2], "eligible": []}), "at least one action"),
        ((START, {"t": 1, "context": [1, 2], "eligible": [3]}), "3 is no action from 0 to 2"),
        ((START, {"t": 1, "context": [1, 2], "eligible": [-1]}), "-1 is no action"),
        ((START, *rounds(1), *rounds(1)), "t 0 was there before"),
        ((START, {"t": 9, "reward": 1}), "line 2: t 9 is no round so far"),
        ((START, *rounds(1), {"t": 0, "reward": "much"}), "reward is not made of numbers"),
        ((START, *rounds(1), {"t": 0, "reward": 1}, {"t": 0, "reward": 1}), "had its reward"),
        ((START, {"t": 1}), "neither a context nor a reward"),
    ],
)
def test_what_cannot_be_is_named_with_its_line(play, lines, said):
    with pytest.raises(CommandError) as refusal:
        play(*lines)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--explore=0",), "--explore"),
        (("--explore=1.5",), "--explore"),
        (("--policy=weighted",), "--weights"),
        (("--weights", "1"), "--weights"),
        (("--policy=weighted", "--weights", "1", "2"), "--weights: 3 numbers"),
    ],
)
def test_arguments_that_cannot_be(play, args, said):
    with pytest.raises(CommandError, match=said):
        play(START, args=args)


def test_a_reward_beyond_one_is_refused_where_shares_were_asked_for(play):
    with pytest.raises(CommandError, match="line 3: rewards: 5 is no share"):
        play(START, *rounds(1), {"t": 0, "reward": 5}, args=("--policy=logistic-ucb",))


def test_each_answer_comes_before_the_next_round_is_asked():
    """As a program talks to it: through pipes, one line at a time."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "analyse", "bandit"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdin.write(json.dumps(START) + "\n")
        for one in rounds(3):
            process.stdin.write(json.dumps(one) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["t"] == one["t"]
        process.stdin.write('{"end": true}\n')
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(timeout=60) == 0
