"""Text: sentiment on public reviews beside peers of the same run, and how fast opinions are read.

Accuracy is on a fifth of the development part held out (sst2: on its own dev part), with
duplicates of a text removed before the split.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from crm.encoder import encode_openings
from crm.ml.aspects import default_rows, read, sides
from crm.ml.bags import Bag
from crm.ml.evaluation import calibration_error
from crm.ml.sentiment import SentimentClassifier

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "sentiment"


def load(name):
    """(texts, labels) to fit on, (texts, labels) to judge on."""
    import pandas as pd

    if name == "sst2.en":
        train, test = (
            pd.read_csv(
                DATA / f"{name}.{part}.csv.gz", dtype=str, keep_default_na=False
            ).drop_duplicates("text")
            for part in ("train", "dev")
        )
        train = train[~train["text"].isin(test["text"])]
    else:
        table = pd.read_csv(DATA / f"{name}.csv.gz", dtype=str, keep_default_na=False)
        table = table.drop_duplicates("text").sample(frac=1, random_state=1)
        cut = int(0.8 * len(table))
        train, test = table[:cut], table[cut:]
    return [part[column].tolist() for part in (train, test) for column in ("text", "label")]


def ours(texts, labels, test, wanted):
    started = time.process_time()
    classifier = SentimentClassifier().fit(texts, labels, encode_openings(texts))
    seconds = time.process_time() - started
    judged = classifier.predict(test, encode_openings(test))
    alone = classifier.predict(test)
    right = np.array([j.label == w for j, w in zip(judged, wanted, strict=True)], float)
    milliseconds = []
    for text in test[:200]:
        begun = time.perf_counter()
        classifier.predict([text], encode_openings([text]))
        milliseconds.append(1000 * (time.perf_counter() - begun))
    return {
        "accuracy": round(float(right.mean()), 4),
        "accuracy_words_alone": round(
            float(np.mean([j.label == w for j, w in zip(alone, wanted, strict=True)])), 4
        ),
        "ece": round(calibration_error(np.array([j.confidence for j in judged]), right), 4),
        "train_cpu_seconds": round(seconds, 1),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 2),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 2),
    }


def peers(texts, labels, test, wanted, *, chinese):
    """The usual machines on words, of the same run; SnowNLP or VADER where installed."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.svm import LinearSVC

    bag = Bag("words", fewest=2)
    seen, unseen = bag.fit_transform(texts), bag.transform(test)
    rare = TfidfTransformer(sublinear_tf=True).fit(seen)
    wanted = np.array(wanted)
    found = {
        "naive_bayes": float((MultinomialNB().fit(seen, labels).predict(unseen) == wanted).mean()),
        "tfidf_svm": float(
            (
                LinearSVC(C=0.5).fit(rare.transform(seen), labels).predict(rare.transform(unseen))
                == wanted
            ).mean()
        ),
    }
    untaught = snownlp if chinese else vader
    said = untaught(test[:2000])
    if said is not None:
        found[untaught.__name__] = float((np.array(said) == wanted[: len(said)]).mean())
    return {name: round(value, 4) for name, value in found.items()}


def snownlp(texts):
    try:
        from snownlp import SnowNLP  # not a requirement of ours
    except ImportError:
        return None
    return ["1" if SnowNLP(text or " ").sentiments >= 0.5 else "0" for text in texts]


def vader(texts):
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    judge = SentimentIntensityAnalyzer()
    return ["1" if judge.polarity_scores(text)["compound"] >= 0 else "0" for text in texts]


def main():
    figures = {}
    if DATA.exists():
        for name in ("waimai.zh", "sst2.en", "shopping.zh"):
            sys.stderr.write(f"  {name}\n")
            parts = load(name)
            figures[name] = ours(*parts) | peers(*parts, chinese=name.endswith("zh"))
    else:
        sys.stderr.write(f"  no public data at {DATA}: accuracy is left out\n")
    known = sides(default_rows())
    texts = [
        "物流慢但是质量不错，客服也没人理",
        "battery drains fast but it looks great, the box was torn",
    ] * 2_000
    started = time.process_time()
    for text in texts:
        read(text, known)
    figures["aspects_per_cpu_second"] = round(len(texts) / (time.process_time() - started))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
