"""The recurrent network beside what else reads sequences, and what it adds to the blend.

    python -m bench.recurrent [SPLIT…]

Needs ../shared/data and torch (requirements-neural.txt). NDCG@10 over all products, those known
left out, and the paired bootstrap interval of the blend with the network over the blend without.
"""

import json
import sys
from importlib.util import find_spec

import numpy as np

from bench.peers import splits
from bench.recommendations import measured
from recommendations.ml import metrics
from recommendations.ml.hybrid import Hybrid
from recommendations.ml.voices import VOICES

SPLITS = ("movielens_temporal", "movielens_last", "retail_new")
BESIDE = ("popularity", "ease", "sequential", "linear-transitions", "session-knn", "gru")


def table(split):
    made = {name: VOICES[name]() for name in BESIDE}
    made |= {"hybrid": Hybrid(), "hybrid with gru": Hybrid(recurrent=True)}
    quality, found = {}, {}
    for name, one in made.items():
        quality[name], _, seconds = measured(split, lambda data, one=one: one.fit(data).score(data))
        found[name] = round(float(quality[name].mean()), 5)
        print(f"  {name:20} {found[name]:.4f}  {seconds:7.2f} CPU s", flush=True)
    without = quality["hybrid"]
    gain = metrics.difference(quality["hybrid with gru"], without, rng=np.random.default_rng(0))
    loud = float(made["hybrid with gru"].weights_[-1, -1])
    percent = 100 * gain.mean / without.mean()
    print(f"  gained {gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}], {percent:+.1f} %")
    return found | {
        "gained_percent": round(percent, 2),
        "gained": [round(one, 5) for one in (gain.mean, gain.low, gain.high)],
        "weight": round(loud, 3),
    }


def main():
    if splits.are_absent():
        return
    if find_spec("torch") is None:
        print("skipped: torch is absent")
        print(json.dumps({}))
        return
    results = {}
    for name in sys.argv[1:] or SPLITS:
        print(name, flush=True)
        results[name] = table(splits.load(name))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
