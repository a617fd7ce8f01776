"""What others win in the same world: a share of the gain, and seconds of CPU for all rounds."""

import time

import numpy as np


def vowpal_wabbit(world, options, *, seed=0):
    """--cb_explore_adf with customer and action crossed, told of each reward at once."""
    from vowpalwabbit import Workspace

    peer = Workspace(
        f"--cb_explore_adf --quiet --random_seed {seed} -q sa --ignore_linear s {options}"
    )
    rng = np.random.default_rng([seed, 2])
    shared = [
        "shared |s b:1 " + " ".join(f"f{at}:{value:.5f}" for at, value in enumerate(row))
        for row in world.contexts
    ]
    actions = [f"|a a{action}" for action in range(world.chances.shape[1])]
    got, started = np.empty(len(shared)), time.process_time()
    for at, line in enumerate(shared):
        chances = np.array(peer.predict([line, *actions]))
        action = rng.choice(len(actions), p=chances / chances.sum())
        got[at] = world.chances[at, action]
        reward = float(rng.random() < got[at])
        told = list(actions)
        told[action] = f"0:{-reward}:{chances[action]:.6f} {actions[action]}"
        peer.learn([line, *told])
    return share(world, got), time.process_time() - started


def mabwiser(world, alpha, *, seed=0):
    """LinUCB with l2_lambda 1, told of each reward at once."""
    from mabwiser.mab import MAB, LearningPolicy

    rng = np.random.default_rng([seed, 2])
    arms = list(range(world.chances.shape[1]))
    peer = MAB(arms, LearningPolicy.LinUCB(alpha=alpha, l2_lambda=1.0), seed=seed)
    rows = np.column_stack([np.ones(len(world.contexts)), world.contexts])
    first = np.resize(arms, 100)
    got, started = np.empty(len(rows)), time.process_time()
    got[:100] = world.chances[np.arange(100), first]
    peer.fit(first, (rng.random(100) < got[:100]).astype(float), rows[:100])
    for at in range(100, len(rows)):
        action = peer.predict(rows[at : at + 1])
        got[at] = world.chances[at, action]
        reward = float(rng.random() < got[at])
        peer.partial_fit([action], [reward], rows[at : at + 1])
    return share(world, got), time.process_time() - started


def share(world, got):
    """Of the gain of the best choice over a uniform one."""
    uniform = world.chances.mean(axis=1)
    return float((got - uniform).sum() / (world.chances.max(axis=1) - uniform).sum())
