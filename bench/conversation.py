"""Conversation: how well intents are told apart on public data, beside peers of the same run.

`python -m bench.conversation [PART …]` with parts: banking77, few, clinc150, smp2017, crossing,
faq. (Sentiment is in text.py, whole dialogues and loads in chat.py.) Everything goes
through the classifier of `analyse intents` and the shop's question book, with their settings.
Accuracy in percent; "above_…" is [points above the peer, lower and upper end of 95 %].
"with_stronger_encoder": the same with the extra of requirements-encoder.txt, where installed.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from bench.peers import classifiers
from bench.peers.classifiers import gap
from chatbot.ml.intent import IntentClassifier
from crm import encoders
from crm.encoder import encode, is_word
from crm.ml.evaluation import calibration_error
from crm.ml.joined import JOINED, MULTILINGUAL
from crm.ml.text import normalise, tokens_of

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDS = 5
TIMED = 200  # messages, one at a time


def table(name):
    """(texts, intents)"""
    import pandas as pd

    path = DATA / "intents" / f"{name}.csv.gz"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    return rows["text"].tolist(), rows["intent"].tolist()


class Ours:
    """Fitted as `analyse intents` fits, and how long that took."""

    def __init__(self, texts, labels, strangers=(), encoder=MULTILINGUAL):
        begun = time.process_time()
        self.encoder = encoder
        known = (list(strangers), self.encode(list(strangers)))
        self.classifier = IntentClassifier(topics=False).fit(
            texts, labels, self.encode(texts), strangers=known, encoder=encoder
        )
        self.speller = self.classifier.speller(is_word)
        self.train_cpu_seconds = round(time.process_time() - begun, 1)

    def encode(self, texts):
        return encoders.encode_by(self.encoder, texts)

    def ask(self, texts):
        """(names, confidences, chances to be known, ms of CPU for one message)"""
        spelled = [self.speller(text) for text in texts]
        guesses = self.classifier.predict(spelled, self.encode(spelled))
        alone = []
        for text in texts[:TIMED]:
            begun = time.process_time()
            spelled = [self.speller(text)]
            self.classifier.predict(spelled, self.encode(spelled))
            alone.append(1000 * (time.process_time() - begun))
        names, sure, known = (
            np.array([getattr(guess, name) for guess in guesses])
            for name in ("name", "confidence", "known")
        )
        return names, sure, known, round(float(np.median(alone)), 2)


def stronger(texts, labels, strangers=()):
    """The same with the extra encoder; None where it is not installed."""
    if not encoders.is_usable(JOINED):
        sys.stderr.write("  the stronger encoder (requirements-encoder.txt) is not installed\n")
        return None
    return Ours(texts, labels, strangers, JOINED)


def percent(right):
    return round(100 * float(np.mean(right)), 2)


def compared(right, others):
    """others: name -> which rows each peer had right."""
    best = max(others, key=lambda name: np.mean(others[name]))
    return {name: percent(their) for name, their in others.items()} | {
        "best_peer": best,
        "above_best": gap(right, others[best]),
        "above_svm": gap(right, others["tfidf_svm"]),
    }


def peers_right(texts, labels, test, wanted):
    found = {}
    for peer in classifiers.ALL:
        names, scores = peer(texts, labels, test)
        found[peer.__name__] = names[scores.argmax(axis=1)] == np.array(wanted)
    return found


def banking77():
    """As it is, and with 5 and 10 % of the letters of the questions mistyped."""
    return spoiled(*table("banking77.train"), *table("banking77.test"), (0, 0.05, 0.10))


def few():
    """Ten examples an intent."""
    return spoiled(*table("banking77.10shot"), *table("banking77.test"), (0,))


def spoiled(texts, labels, test, wanted, shares):
    """The row of a data set with a test part, and one for each share of mistyped letters."""
    rng = np.random.default_rng(0)
    asked = [mistyped(text, share, rng) for share in shares for text in test]
    truth = np.array(wanted * len(shares))
    others = peers_right(texts, labels, asked, truth)
    parts = [slice(place * len(test), (place + 1) * len(test)) for place in range(len(shares))]
    figures, plain = judged(Ours(texts, labels), asked, truth, parts)
    better = stronger(texts, labels)
    theirs, better_right = judged(better, asked, truth, parts) if better else ({}, None)
    for place, rows in enumerate(parts):
        own = figures["parts"][place]
        own |= compared(plain[rows], {name: each[rows] for name, each in others.items()})
        if better:
            above = {"above_without": gap(better_right[rows], plain[rows])}
            own["with_stronger_encoder"] = theirs["parts"][place] | above
    named = ["clean" if not share else f"mistyped_{share:.0%}" for share in shares]
    figures |= dict(zip(named, figures.pop("parts"), strict=True))
    if better:
        theirs.pop("parts")
        figures["with_stronger_encoder"] = theirs
    return figures


def judged(ours, asked, truth, parts):
    """The figures of a classifier, "parts" for each slice of the questions; which it had right."""
    names, sure, _, milliseconds = ours.ask(asked)
    right = names == truth
    of_parts = [
        {
            "accuracy": percent(right[rows]),
            "ece": round(calibration_error(sure[rows], right[rows].astype(float)), 4),
        }
        for rows in parts
    ]
    times = {"train_cpu_seconds": ours.train_cpu_seconds, "cpu_ms_a_message": milliseconds}
    return times | {"parts": of_parts}, right


def clinc150():
    """All 5,500 questions, a thousand of them about nothing that is known. The peers' threshold
    is where they have most of the validation part right."""
    texts, labels = table("clinc150.train")
    inside, wanted = table("clinc150.test")
    outside, _ = table("clinc150.oos_test")
    truth = np.array(wanted + ["oos"] * len(outside))
    strangers = table("clinc150.oos_train")[0]
    right, figures = in_and_out(Ours(texts, labels, strangers), inside + outside, truth)
    better = stronger(texts, labels, strangers)
    if better:
        theirs, found = in_and_out(better, inside + outside, truth)
        figures["with_stronger_encoder"] = found | {"above_without": gap(theirs, right)}
    return figures | strangers_to_peers(texts, labels, inside + outside, truth, right)


def in_and_out(ours, asked, truth):
    """Which rows are right, strangers told as such; and the figures."""
    names, sure, known, milliseconds = ours.ask(asked)
    right = np.where(known >= ours.classifier.threshold_, names, "oos") == truth
    is_in = truth != "oos"
    return right, {
        "accuracy": percent(right),
        "in_scope_accuracy": percent((names == truth)[is_in]),
        "ece": round(calibration_error(sure[is_in], (names == truth)[is_in].astype(float)), 4),
        "train_cpu_seconds": ours.train_cpu_seconds,
        "cpu_ms_a_message": milliseconds,
        **outsiders(known, is_in),
    }


def strangers_to_peers(texts, labels, test, truth, right):
    """Accuracy and how well strangers are told, of each peer by its best score."""
    checked, told = table("clinc150.val")
    strangers, _ = table("clinc150.oos_val")
    expected = np.array(told + ["oos"] * len(strangers))
    found, figures = {}, {}
    for peer in classifiers.ALL:
        names, scores = peer(texts, labels, checked + strangers + test)
        said, best = names[scores.argmax(axis=1)], scores.max(axis=1)
        number = len(expected)
        cuts = np.quantile(best[:number], np.linspace(0, 0.2, 81))
        hits = [
            (np.where(best[:number] >= cut, said[:number], "oos") == expected).mean()
            for cut in cuts
        ]
        answers = np.where(best[number:] >= cuts[np.argmax(hits)], said[number:], "oos")
        found[peer.__name__] = answers == truth
        figures[f"{peer.__name__}_strangers"] = outsiders(best[number:], truth != "oos")
    return compared(right, found) | figures


def outsiders(known, is_in):
    """AUROC, and the share of strangers found while 95 % of what is in scope pass."""
    from sklearn.metrics import roc_auc_score

    least = np.quantile(known[is_in], 0.05)
    return {
        "auroc": percent(roc_auc_score(is_in, known)),
        "found_at_95_kept": percent(known[~is_in] < least),
    }


def smp2017():
    """Five folds, for there is no split; every text is asked once."""
    texts, labels = (np.array(column, object) for column in table("smp2017"))
    parts = []
    for held_out in folds(labels):
        rest = [column[~held_out].tolist() for column in (texts, labels)]
        test, wanted = texts[held_out].tolist(), labels[held_out].tolist()
        ours = Ours(*rest)
        names, sure, _, milliseconds = ours.ask(test)
        times = (ours.train_cpu_seconds, milliseconds)
        parts.append((names == np.array(wanted), sure, times, peers_right(*rest, test, wanted)))
    right, sure = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    seconds, milliseconds = np.mean([part[2] for part in parts], axis=0)
    others = {name: np.concatenate([part[3][name] for part in parts]) for name in parts[0][3]}
    return {
        "accuracy": percent(right),
        "ece": round(calibration_error(sure, right.astype(float)), 4),
        "train_cpu_seconds": round(float(seconds), 1),
        "cpu_ms_a_message": round(float(milliseconds), 2),
    } | compared(right, others)


def folds(labels, seed=0):
    """Masks of what is held out, a fifth of each label."""
    rng = np.random.default_rng(seed)
    place = np.zeros(len(labels), int)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        place[rows] = (np.arange(len(rows)) + rng.integers(FOLDS)) % FOLDS
    return [place == fold for fold in range(FOLDS)]


def crossing():
    """Trained on English, asked in Chinese: five folds of 300 sentences said in both. A sentence
    that is asked was in training in neither language."""
    (english, labels), (chinese, _) = table("xsid.en"), table("xsid.zh")
    english, chinese, labels = (np.array(c, object) for c in (english, chinese, labels))
    right = {"english": [], "chinese": [], "simple_english": [], "simple_chinese": []}
    for held_out in folds(labels):
        rest = ~np.isin(english, english[held_out])
        texts, known = english[rest].tolist(), labels[rest].tolist()
        ours = Ours(texts, known)
        for name, asked_in in (("english", english), ("chinese", chinese)):
            test, wanted = asked_in[held_out].tolist(), labels[held_out]
            right[name].append(ours.ask(test)[0] == wanted)
            names, scores = classifiers.simple(texts, known, test)
            right[f"simple_{name}"].append(names[scores.argmax(axis=1)] == wanted)
    each = {name: np.concatenate(parts) for name, parts in right.items()}
    return {name: percent(rows) for name, rows in each.items()} | {
        "gap": round(percent(each["english"]) - percent(each["chinese"]), 2),
        "above_simple": gap(each["chinese"], each["simple_chinese"]),
    }


def mistyped(text, share, rng):
    """A letter in so many is replaced, dropped, doubled up with another or changes places."""
    letters, place = list(text), 0
    while place < len(letters):
        if letters[place].isalpha() and rng.random() < share:
            other = chr(ord("a") + rng.integers(26))
            kind = int(rng.integers(4))
            if kind == 0:
                letters[place] = other
            elif kind == 1:
                del letters[place]
                continue
            elif kind == 2:
                letters.insert(place, other)
                place += 1
            elif place + 1 < len(letters):
                letters[place : place + 2] = reversed(letters[place : place + 2])
                place += 1
        place += 1
    return "".join(letters)


def faq():
    """The partner of a question among all questions, itself left out."""
    import pandas as pd

    pairs = pd.read_csv(DATA / "faq" / "lcqmc.zh.csv.gz", dtype=str, keep_default_na=False)
    questions = list(dict.fromkeys(pairs["question"]))
    place = {question: row for row, question in enumerate(questions)}
    partners = {}
    for asked_, answer in pairs[pairs["same"] == "1"][["query", "question"]].to_numpy():
        if asked_ != answer:
            partners.setdefault(asked_, set()).add(place[answer])
    finders = _finders(questions)
    ranks = {name: [] for name in finders}
    for query, right in partners.items():
        for name, points in finders.items():
            scores = points(query)
            if query in place:
                scores[place[query]] = -np.inf
            ranks[name].append(1 + int((scores > scores[sorted(right)].max()).sum()))
    found = {name: np.array(rank) for name, rank in ranks.items()}
    mrr = {name: np.where(rank <= 10, 1 / rank, 0) for name, rank in found.items()}
    return {
        "queries": len(partners),
        "questions": len(questions),
        "recall@1": {name: percent(rank == 1) for name, rank in found.items()},
        "mrr@10": {name: percent(value) for name, value in mrr.items()},
        "above_bm25": gap(found["ours"] == 1, found["bm25"] == 1),
        "above_meaning_alone": gap(found["ours"] == 1, found["meaning"] == 1),
    }


def _finders(questions):
    """Name -> a question's points with every one of the questions."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from chatbot.ml.retrieval import Entry, QuestionBook

    spelled = [normalise(question) for question in questions]
    meanings = encode(spelled)
    book = QuestionBook([Entry(q, q) for q in questions], meanings)
    words = TfidfVectorizer(analyzer=tokens_of)
    rows = words.fit_transform(spelled)
    plain = classifiers.PlainBm25(spelled, tokens_of)
    return {
        "ours": lambda query: book.points(query, encode([normalise(query)])[0]),
        "tfidf": lambda query: (rows @ words.transform([normalise(query)]).T).toarray().ravel(),
        "bm25": lambda query: plain.points(normalise(query)),
        "meaning": lambda query: meanings @ encode([normalise(query)])[0],
    }


PARTS = (banking77, few, clinc150, smp2017, crossing, faq)


def main():
    wanted = sys.argv[1:] or [part.__name__ for part in PARTS]
    unknown = set(wanted) - {part.__name__ for part in PARTS}
    if unknown:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}")
    figures = {}
    if not DATA.exists():
        sys.stderr.write(f"  no public data at {DATA}: nothing is measured\n")
        wanted = []
    for part in PARTS:
        if part.__name__ in wanted:
            figures[part.__name__] = part()
            sys.stderr.write(f"  {part.__name__} {json.dumps(figures[part.__name__])}\n")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
