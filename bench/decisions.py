"""The learning core of decisions: what a policy wins, beside peers, and how fast it decides."""

import json
import sys
import time

import numpy as np
from scipy.special import expit

from bench.peers import bandits
from campaigns.ml.click import Click, Levels
from campaigns.ml.crosses import Crosses
from campaigns.ml.journeys import JourneyPolicy, judge
from campaigns.ml.offpolicy import evaluate
from campaigns.ml.policies import POLICIES, LinUCB, LogisticThompson, LogisticUCB, Thompson, drawn
from tests.campaigns.ml.impressions import Impressions, loss
from tests.campaigns.ml.journey import World as Journeys
from tests.campaigns.ml.logs import Shop
from tests.campaigns.ml.policies.simulator import World, live

WORLDS = (100, 101, 102)
OURS = {
    "logistic_ucb": LogisticUCB(10, 12),
    "logistic_thompson": LogisticThompson(10, 12),
    "linucb": LinUCB(10, 12),
    "thompson_no_context": Thompson(10, 12),
}
PEERS = {
    "vw_squarecb": lambda world, seed: bandits.vowpal_wabbit(world, "--squarecb", seed=seed),
    "vw_squarecb_gamma_30": lambda world, seed: bandits.vowpal_wabbit(
        world, "--squarecb --gamma_scale 30", seed=seed
    ),
    "mabwiser_linucb_0.5": lambda world, seed: bandits.mabwiser(world, 0.5, seed=seed),
    "mabwiser_linucb_1": lambda world, seed: bandits.mabwiser(world, 1.0, seed=seed),
}


def note(text: str) -> None:
    sys.stderr.write(f"  {text}\n")


def gain() -> dict:
    """12 features, 10 actions, 20,000 rounds: share of the gain won, mean over the worlds."""
    worlds = {seed: World.made(seed) for seed in WORLDS}
    found = {}
    for name, policy in OURS.items():
        shares = [live(policy.begin(), world, seed=seed).share() for seed, world in worlds.items()]
        found[name] = round(float(np.mean(shares)), 4)
        note(f"{name} {found[name]}")
    for name, play in PEERS.items():
        try:
            shares = [play(world, seed)[0] for seed, world in worlds.items()]
        except ImportError:
            found[name] = "not installed"
            continue
        found[name] = round(float(np.mean(shares)), 4)
        note(f"{name} {found[name]}")
    rivals = {name: found[name] for name in PEERS if not isinstance(found[name], str)}
    for family in ("vw", "mabwiser"):
        best = max((value for name, value in rivals.items() if name.startswith(family)), default=0)
        if best:
            found[f"regret_over_{family}"] = round((1 - found["logistic_ucb"]) / (1 - best), 3)
    return found


def swap() -> dict:
    """The actions swap after 10,000 rounds: shares won in the thousands of rounds after it."""
    found = {}
    for name in ("logistic_ucb", "linucb"):
        lived = [
            live(OURS[name].begin(), World.made(seed, rounds=14_000, swap=10_000), seed=seed)
            for seed in WORLDS
        ]
        found[name] = {
            f"rounds_{start}_to_{start + 1_000}": round(
                float(np.mean([one.share(10_000 + start, 11_000 + start) for one in lived])), 3
            )
            for start in (0, 1_000, 2_000, 3_000)
        }
    return found


def speed() -> dict:
    """Decisions a second of one process: chances in closed form and the draw, in batches."""
    world = World.made(1)
    actions = np.arange(2_000) % 10
    rewards = np.round(world.chances[np.arange(2_000), actions])
    numbers = np.random.default_rng(0).random(len(world.contexts))
    found = {}
    for name, kind in POLICIES.items():
        policy = kind(10, 12).fit(world.contexts[:2_000], actions, rewards)
        spent = []
        for _ in range(5):
            started = time.process_time()
            drawn(policy.chances(world.contexts, world.eligible), numbers)
            spent.append(time.process_time() - started)
        found[name] = round(len(numbers) / float(np.median(spent)), -3)
    return found


def off_policy(logs: int = 500) -> dict:
    """2,000 decisions a log: how often the interval holds the true value; error beside IPS."""
    shop = Shop(1)
    true = shop.value(shop.candidate)
    found: dict[str, list] = {"ips": [], "snips": [], "dr": []}
    for seed in range(logs):
        log = shop.log(2_000, seed)
        judged = evaluate(log, shop.candidate(log.contexts), rng=np.random.default_rng(seed))
        for name, estimates in found.items():
            estimates.append(getattr(judged, name))
    error = {
        name: float(np.sqrt(np.mean([(one.value - true) ** 2 for one in estimates])))
        for name, estimates in found.items()
    }
    return {
        name: {
            "coverage": np.mean([one.lower <= true <= one.upper for one in estimates]).round(3),
            "error_over_ips": round(error[name] / error["ips"], 3),
        }
        for name, estimates in found.items()
    }


def clicks() -> dict:
    """500,000 rows to learn from, 150,000 to judge by: log loss over that of the true chances."""
    found = {}
    for name, likes, size in (("likes", True, 0.5), ("tables", False, 0.25)):
        world = Impressions.made(650_000, likes=likes, size=size)
        train, test = world.part(0, 500_000), world.part(500_000, None)
        table = {key: values.astype(object) for key, values in train.table.items()}
        levels = Levels().fit(table)
        codes, asked = levels.codes(table), levels.codes(test.table)
        plain = Crosses(levels.sizes, sweeps=0).fit(codes, train.clicks, np.zeros(500_000))
        started = time.process_time()
        fitted = Click().fit(table, train.clicks)
        spent = time.process_time() - started
        chances = fitted.predict(test.table)
        bayes = test.bayes

        def over(chances, bayes=bayes, test=test):
            return round(loss(chances, test.clicks, expected=test.chances) / bayes, 4)

        found[name] = {
            "bayes": round(bayes, 4),
            "ours_over_bayes": over(chances),
            "ours_cpu_s": round(spent, 2),
            "calibration": round(float(chances.mean() / test.chances.mean()), 4),
            "logistic_without_crosses_over_bayes": over(expit(plain.margin(asked))),
            **_boosting(codes, train.clicks, asked, over),
        }
        note(f"{name} {found[name]}")
    return found


def _boosting(codes, clicked, asked, over) -> dict:
    try:
        import lightgbm
    except ImportError:
        return {"lightgbm": "not installed"}
    started = time.process_time()
    data = lightgbm.Dataset(codes.T, clicked, categorical_feature=list(range(len(codes))))
    settings = {"objective": "binary", "num_leaves": 63, "num_threads": 1, "verbosity": -1}
    peer = lightgbm.train(settings, data, num_boost_round=150)
    spent = time.process_time() - started
    return {
        "lightgbm_over_bayes": over(peer.predict(asked.T)),
        "lightgbm_cpu_s": round(spent, 1),
    }


def journeys() -> dict:
    """Share of the best policy's true value, from so many logged episodes; mean of four logs."""
    world = Journeys()
    best = world.value(world.best())
    found = {"myopic_with_the_truth": round(world.value(world.myopic()) / best, 3)}
    for episodes in (500, 2_000, 10_000, 50_000):
        logs = [world.log(episodes, seed) for seed in range(4)]
        for name, myopic in (("ours", False), ("myopic", True)):
            shares = [
                world.value(JourneyPolicy(nothing=0, myopic=myopic).fit(log).choices_) / best
                for log in logs
            ]
            found[f"{name}_{episodes}"] = round(float(np.mean(shares)), 3)
    started = time.process_time()
    judge(logs[0], nothing=0, rng=np.random.default_rng(0))
    return found | {"judged_50000_cpu_s": round(time.process_time() - started, 2)}


def main() -> None:
    figures = {
        "bandit_gain": gain(),
        "after_swap": swap(),
        "decisions_a_cpu_second": speed(),
        "off_policy": off_policy(),
        "clicks": clicks(),
        "journeys": journeys(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
