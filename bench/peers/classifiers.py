"""What others would take to tell intents apart: fitted on the same rows, asked the same rows.

Each peer is a function (texts, labels, test) -> (names, scores): the labels in the order of the
columns, and (test rows, labels) scores that grow with how sure it is.
"""

import numpy as np
from scipy import sparse

from crm.encoder import encode
from crm.ml.text import normalise, tokens_of

ROUNDS = 2_000  # of the bootstrap


def naive_bayes(texts, labels, test):
    """Multinomial, on counts of words."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    counts = CountVectorizer(analyzer=_words)
    model = MultinomialNB(alpha=0.1).fit(counts.fit_transform(texts), labels)
    return model.classes_, model.predict_proba(counts.transform(test))


def tfidf_svm(texts, labels, test):
    """A linear SVM on words, their pairs and runs of characters."""
    from sklearn.svm import LinearSVC

    seen, unseen = _tfidf(texts, test)
    model = LinearSVC(C=1.0).fit(seen, labels)
    return model.classes_, _columns(model.decision_function(unseen))


def simple(texts, labels, test):
    """The simple baseline: logistic regression on the encoder's numbers and TF-IDF."""
    from sklearn.linear_model import LogisticRegression

    seen, unseen = _tfidf(texts, test)
    rows = [sparse.hstack([lexical, 3.0 * encode(part)], format="csr")
            for lexical, part in ((seen, texts), (unseen, test))]  # fmt: skip
    model = LogisticRegression(C=10.0, max_iter=40).fit(rows[0], labels)
    return model.classes_, model.predict_proba(rows[1])


ALL = (naive_bayes, tfidf_svm, simple)


def gap(ours, theirs, seed=0):
    """How far ours is above theirs, row by row, with a bootstrap 95 % interval, in points."""
    difference = 100 * (np.asarray(ours, float) - np.asarray(theirs, float))
    rng = np.random.default_rng(seed)
    means = [
        difference[rng.integers(len(difference), size=len(difference))].mean()
        for _ in range(ROUNDS)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return [round(float(value), 2) for value in (difference.mean(), low, high)]


class PlainBm25:
    """Okapi BM25 with its usual settings (k1 1.5, b .75)."""

    def __init__(self, texts, words):
        from sklearn.feature_extraction.text import CountVectorizer

        self.vectorizer = CountVectorizer(analyzer=words)
        counts = self.vectorizer.fit_transform(texts).tocoo()
        number = counts.shape[0]
        lengths = np.bincount(counts.row, counts.data, number)
        seen = np.bincount(counts.col, minlength=counts.shape[1])
        idf = np.log(1 + (number - seen + 0.5) / (seen + 0.5))
        norm = 1.5 * (0.25 + 0.75 * lengths / lengths.mean())
        data = idf[counts.col] * counts.data * 2.5 / (counts.data + norm[counts.row])
        self.table = sparse.csr_matrix((data, (counts.row, counts.col)), counts.shape)

    def points(self, text):
        asked = self.vectorizer.transform([text])
        return np.asarray((self.table @ asked.T).todense()).ravel()


def _words(text):
    return tokens_of(normalise(text))


def _tfidf(texts, test):
    from sklearn.feature_extraction.text import TfidfVectorizer

    views = (
        TfidfVectorizer(analyzer=_words_and_pairs, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2),
    )
    seen = sparse.hstack([view.fit_transform(texts) for view in views], format="csr")
    return seen, sparse.hstack([view.transform(test) for view in views], format="csr")


def _words_and_pairs(text):
    words = _words(text)
    return words + [f"{a} {b}" for a, b in zip(words, words[1:], strict=False)]


def _columns(scores):
    """Of two labels there is one score only."""
    return scores if scores.ndim == 2 else np.column_stack([-scores, scores])
