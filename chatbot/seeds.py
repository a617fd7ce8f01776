"""The examples that the product ships: hand-written sentences, filled with words of trade."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from crm.ml.text import CHINESE

FOLDER = Path(__file__).resolve().parent / "data"
WORDS: dict[str, dict[str, list[str]]] = json.loads(
    (FOLDER / "fillers.json").read_text(encoding="utf-8")
)
SLOT = re.compile(r"\{(\w+?)(2?)\}")
COPIES = {"recommend": 3, "refine": 2, "product_info": 2, "order_status": 2, "inform": 2}


@dataclass(frozen=True)
class Seed:
    """One example sentence with its intent and language, and what a question is about."""

    text: str
    intent: str
    language: str
    template: str = ""
    topic: str = ""

    @property
    def label(self) -> str:
        """What the classifier learns: the topics of an intent apart."""
        return f"{self.intent}/{self.topic}" if self.topic else self.intent


@lru_cache(maxsize=1)
def examples() -> tuple[Seed, ...]:
    """Every shipped example, filled by a fixed seed, each text once."""
    rng = np.random.default_rng(20240615)
    seeds: dict[str, Seed] = {}
    for language in ("zh", "en"):
        for intent, template in templates(language):
            copies = COPIES.get(intent, 2) if "{" in template else 1
            for _ in range(copies):
                text = _fill(template, language, rng)
                seeds.setdefault(text, Seed(text, intent, language, template))
        for topic, question in questions(language):
            seeds.setdefault(question, Seed(question, "faq", language, question, topic))
    return tuple(seeds.values())


def templates(language: str) -> Iterator[tuple[str, str]]:
    """The (intent, sentence) pairs of the data file of a language."""
    return _sections(f"intents.{language}.txt")


def questions(language: str) -> Iterator[tuple[str, str]]:
    """The (topic, question) pairs of what customers of any shop ask."""
    for topic, question in _sections("topics.txt"):
        if (CHINESE.search(question) is not None) == (language == "zh"):
            yield topic, question


def pairs() -> list[tuple[str, str]]:
    """(Chinese, English) words of trade that mean the same."""
    lines = (FOLDER / "pairs.txt").read_text(encoding="utf-8").splitlines()
    return [(zh, en) for zh, _, en in (line.partition("|") for line in lines if line)]


def _sections(file: str) -> Iterator[tuple[str, str]]:
    """(heading, phrase) pairs of a file of headings and phrases between bars."""
    heading = ""
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            heading = line[2:].strip()
        elif line.strip():
            yield from ((heading, part.strip()) for part in line.split("|") if part.strip())


def _fill(template: str, language: str, rng: np.random.Generator) -> str:
    used: dict[str, str] = {}

    def word(match: re.Match[str]) -> str:
        choices = [w for w in WORDS[language][match[1]] if w not in used.values()]
        used[match.group()] = choices[int(rng.integers(len(choices)))]
        return used[match.group()]

    return SLOT.sub(word, template)
