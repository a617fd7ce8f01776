"""Quality of every recommender on the public splits, beside bare peers in the same run.

    python bench/recommendations.py [SPLIT…] [--algorithms NAME…] [--holdout time|chance]

Needs ../shared/data. NDCG@10 over all products, those known left out unless repeats count, and
the paired bootstrap interval of the hybrid over the best single peer. CPU seconds of the fit.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.peers import splits  # noqa: E402
from bench.peers.recommenders import PEERS  # noqa: E402
from recommendations.ml import metrics  # noqa: E402
from recommendations.ml.hybrid import Hybrid  # noqa: E402
from recommendations.ml.ranking import ndcg  # noqa: E402
from recommendations.ml.voices import VOICES  # noqa: E402


def ours(split, names, holdout):
    """(name, function from Interactions to scores) of ours; the hybrid last."""
    for name in names:
        yield name, lambda data, name=name: VOICES[name]().fit(data).score(data)
    hybrid = Hybrid(repeats=split.repeats, by_chance=holdout == "chance")
    yield "hybrid", lambda data: hybrid.fit(data).score(data)


def measured(split, score):
    """(customers asked,) NDCG@10, the lists, and CPU seconds with the fit."""
    started = time.process_time()
    lists = split.lists(score(split.data))
    return ndcg(lists, split.relevant[split.asked]), lists, time.process_time() - started


def beyond(split, lists):
    """What the lists are beyond accurate."""
    rows = split.asked
    found = {
        "coverage": metrics.coverage(lists, split.data.shape[1]),
        "gini": metrics.gini(lists, split.data.shape[1]),
        "novelty": np.nanmean(metrics.novelty(lists, split.data.touched())),
        "similarity": np.nanmean(metrics.similarity(lists, split.data.features)),
    }
    if split.genres is not None:
        history = split.data.touched()[rows]
        found["calibration"] = np.nanmean(metrics.calibration(lists, history, split.genres))
    return {name: round(float(value), 4) for name, value in found.items()}


def table(split, names, holdout):
    """Every method's figure, printed as it comes, and the hybrid's margin."""
    found, quality = {}, {}
    everybody = [("peer", *one) for one in PEERS.items()]
    everybody += [("ours", *one) for one in ours(split, names, holdout)]
    for whose, name, score in everybody:
        if split.repeats and whose == "peer" and "Surprise" in name:
            continue  # amounts are no ratings
        quality[whose, name], lists, seconds = measured(split, score)
        figure = float(quality[whose, name].mean())
        found[f"{whose}: {name}"] = round(figure, 5)
        print(f"  {whose} {name:32} {figure:.4f}  {seconds:7.2f} CPU s", flush=True)
    best = max((key for key in quality if key[0] == "peer"), key=lambda key: quality[key].mean())
    peer, hybrid = quality[best], quality["ours", "hybrid"]
    gap = metrics.difference(hybrid, peer, rng=np.random.default_rng(0))
    share = 100 * gap.mean / peer.mean()
    print(
        f"  hybrid over {best[1]}: {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}], {share:+.1f} %"
    )
    margin = {"percent": round(share, 2), "low": round(gap.low, 5), "high": round(gap.high, 5)}
    figures = beyond(split, lists)
    print(f"  hybrid {figures}", flush=True)
    return found | {"best_peer": best[1], "margin": margin, "beyond": figures}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("splits", nargs="*", default=list(splits.PRODUCTS))
    here = [name for name in VOICES if name != "gru"]  # measured by bench.recurrent
    parser.add_argument("--algorithms", nargs="*", default=here)
    parser.add_argument("--holdout", choices=["time", "chance"], default=None)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if splits.are_absent():
        return
    results = {}
    for name in options.splits:
        split = splits.load(name)
        holdout = options.holdout or ("chance" if name.endswith("random") else "time")
        customers, products = split.data.shape
        print(f"{name} ({holdout}): {customers} customers, {products} products", flush=True)
        results[name] = table(split, options.algorithms, holdout)
    print(json.dumps({"recommendations": results}))


if __name__ == "__main__":
    main()
