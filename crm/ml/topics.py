"""What texts are about: phrases that hold together, and groups of texts that share them."""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crm.ml.rising import changes
from crm.ml.text import CHINESE, normalise, tokens_of

BREAK = re.compile(r"[^\w\s'-]+")
STOP_ZH = "的 了 是 我 你 他 她 它 们 在 有 和 就 也 都 很 不 还 没 没有 这 那 个 一 一个 到 说 要 去 会 着 看 好 上 吧 吗 呢 啊 哦 给 让 被 把 跟 与 但 但是 不过 可以 非常 比较 真的 太 最 再 又 用 买 东西 收到 感觉 觉得 这个 那个 什么 怎么 想 请问 您 我们 已经 可能 一下 有点 自己 因为 所以 如果 还是 比 想象 起来 两天 天 次 款"
STOP_EN = "a an the and or but if of to in on at for from with by is are was were be been it its it's this that these those i me my we our you your they them he she his her not no so very too just than then there here have has had do does did will would can could should as about after before up out what which who when where how all any more most some such only own same s t d ll m re ve don't didn't can't won't i'm please thanks thank ok hello hi get got one bit made make makes"
STOP = frozenset((*STOP_ZH.split(), *STOP_EN.split()))
TOGETHER = 0.5  # share of a phrase's texts that make it part of a topic
STRENGTH = 1.0  # of the tie between two words (log, against chance) that makes them a phrase


@dataclass(frozen=True)
class Topic:
    """Named by its heaviest phrases; `texts` are places in what was given.

    `p` is the chance of such a rise were there none, corrected for every phrase that was looked
    at; only a topic that was found because it rose has one.
    """

    phrases: tuple[str, ...]
    texts: np.ndarray
    p: float | None = None


def topics(
    texts: Sequence[str], *, count: int, fewest: int = 5, most: int = 2_000, seed: int = 0
) -> list[Topic]:
    """Groups of texts by the phrases they share, the largest first; each text in at most one."""
    rows, phrases = phrase_table(texts, fewest=fewest, most=most)
    if rows.shape[1] < 2:
        return []
    from sklearn.decomposition import NMF  # slow to import, needed here only

    users = np.bincount(rows.indices, minlength=rows.shape[1])
    weighted = rows.multiply(np.log(len(texts) / users) + 1).tocsr()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    weighted = sparse.diags(1 / np.maximum(length, 1e-12)) @ weighted
    kept = min(count, rows.shape[1] - 1, rows.shape[0] - 1)
    factors = NMF(kept, init="nndsvda", max_iter=200, tol=1e-3, random_state=seed)
    loads = factors.fit_transform(weighted)
    best = loads.argmax(axis=1)
    felt = loads.max(axis=1) > 0
    found = []
    for place in range(kept):
        members = np.flatnonzero((best == place) & felt)
        heavy = np.argsort(-factors.components_[place], kind="stable")[:6]
        named = _distinct([phrases[i] for i in heavy if factors.components_[place, i] > 0])
        if len(members) >= fewest and named:
            found.append(Topic(tuple(named[:3]), members))
    return sorted(found, key=lambda topic: -len(topic.texts))


def risen(
    texts: Sequence[str],
    recent: np.ndarray,
    *,
    level: float,
    fewest: int = 5,
    most: int = 2_000,
) -> list[Topic]:
    """Phrases said more often in the recent texts, those that go together as one topic.

    Every phrase is tested: a rise that is spread over large groups of texts is found too.
    """
    rows, phrases = phrase_table(texts, fewest=fewest, most=most)
    if not phrases:
        return []
    columns = rows.tocsc()
    now = np.asarray(rows[recent].sum(axis=0)).ravel().astype(int)
    before = np.asarray(rows[~recent].sum(axis=0)).ravel().astype(int)
    of_now, of_before = int(recent.sum()), int((~recent).sum())
    tested = changes(now, before, of_now=of_now, of_before=of_before)
    rising = [i for i, one in enumerate(tested) if one.p < level and one.now >= fewest]
    rising.sort(key=lambda i: (-tested[i].now, tested[i].p, phrases[i]))
    found: list[tuple[list[int], set[int]]] = []
    for place in rising:
        users = set(columns[:, place].indices.tolist())
        for members, shared in found:
            if len(users & shared) >= TOGETHER * len(users):
                members.append(place)
                break
        else:
            found.append(([place], users))
    return [
        Topic(
            tuple(_distinct([phrases[i] for i in members])[:3]),
            np.array(sorted(users)),
            tested[members[0]].p,
        )
        for members, users in found
    ]


def phrase_table(
    texts: Sequence[str], *, fewest: int, most: int
) -> tuple[sparse.csr_matrix, list[str]]:
    """(texts, phrases) of nought and one: words, and pairs that stand together beyond chance."""
    cut = [_words(text) for text in texts]
    single = Counter(word for words in cut for word in words)
    pairs = Counter(pair for words in cut for pair in zip(words, words[1:], strict=False))
    total = max(single.total(), 1)
    tied = {
        pair
        for pair, n in pairs.items()
        if n >= fewest and "" not in pair
        and np.log(n * total / (single[pair[0]] * single[pair[1]])) >= STRENGTH
    }  # fmt: skip
    said = [_phrases(words, tied) for words in cut]
    users = Counter(phrase for phrases in said for phrase in phrases)
    ranked = sorted(users, key=lambda phrase: (-users[phrase], phrase))
    kept = [p for p in ranked if fewest <= users[p] <= 0.5 * max(len(texts), 1)][:most]
    places = {phrase: place for place, phrase in enumerate(kept)}
    rows = [(r, places[p]) for r, phrases in enumerate(said) for p in phrases if p in places]
    r, c = (np.array(x) for x in zip(*rows, strict=True)) if rows else (np.zeros(0), np.zeros(0))
    shape = (len(texts), len(kept))
    return sparse.csr_matrix((np.ones(len(r)), (r.astype(int), c.astype(int))), shape=shape), kept


def _words(text: str) -> list[str]:
    """Words in order; what says nothing is a gap, so that no phrase reaches over it."""
    words: list[str] = []
    for part in BREAK.split(normalise(text).lower()):
        words += [_worth(word) for word in tokens_of(part)] + [""]
    return words


def _worth(word: str) -> str:
    short = len(word) < 2 and not CHINESE.match(word)
    return "" if word in STOP or word.isdigit() or short else word


def _phrases(words: Sequence[str], tied: set[tuple[str, str]]) -> set[str]:
    found = {word for word in words if len(word) > 1}
    for pair in zip(words, words[1:], strict=False):
        if pair in tied:
            found.add("".join(pair) if CHINESE.match(pair[0]) else " ".join(pair))
    return found


def _distinct(phrases: Sequence[str]) -> list[str]:
    """Without the parts of what is named already, and the whole in place of its part."""
    kept: list[str] = []
    for phrase in sorted(phrases, key=lambda p: -len(p)):
        if not any(phrase in other for other in kept):
            kept.append(phrase)
    return [phrase for phrase in phrases if phrase in kept]
