"""Words from a message: one spelling, its language, its tokens."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

CHINESE = re.compile(r"[\u3400-\u9fff]")
LATIN_WORD = re.compile(r"[a-zà-öø-ÿ]+(?:'[a-z]+)?", re.IGNORECASE)
TOKEN = re.compile(r"[a-zà-öø-ÿ]+(?:'[a-z]+)?|\d+(?:\.\d+)?|[\u3400-\u9fff]+", re.IGNORECASE)
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
BLANKS = re.compile(r"\s+")


@lru_cache(maxsize=1024)  # a message is asked for by whoever reads it
def normalise(text: str) -> str:
    """One spelling for what looks the same: full-width, traditional and invisible characters."""
    text = simplified(unicodedata.normalize("NFKC", text))
    text = INVISIBLE.sub("", text).replace("’", "'").replace("‘", "'")
    text = "".join(c if c.isprintable() else " " for c in text)
    return BLANKS.sub(" ", text).strip()


def simplified(text: str) -> str:
    """Traditional Chinese characters as simplified ones."""
    return str(_converter().convert(text)) if CHINESE.search(text) else text


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC  # its dictionary takes a moment to load

    return OpenCC("t2s")


def language_of(text: str, *, names: tuple[str, ...] = (), before: str = "") -> str:
    """Return "zh" or "en". `names` (of products, of brands) belong to no language.

    Where nothing is left to judge by, the answer is the language spoken `before`.
    """
    rest = re.sub(
        r"\S*\d\S*" if not CHINESE.search(text) else r"[a-zA-Z]*\d+[a-zA-Z\d]*", " ", text.lower()
    )
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(name.lower(), " ")
    chinese = len(CHINESE.findall(rest))
    latin = [word for word in LATIN_WORD.findall(rest) if len(word) > 1 or word in ("a", "i")]
    if not chinese and not latin:
        if before:
            return before
        chinese = len(CHINESE.findall(text))
        return "zh" if chinese else "en"
    return "zh" if chinese > 1.5 * len(latin) or (chinese and not latin) else "en"


def tokens_of(text: str) -> list[str]:
    """Words: Chinese cut by rjieba, everything else at blanks and punctuation."""
    tokens: list[str] = []
    for run in TOKEN.findall(text.lower()):
        tokens.extend(cut(run) if CHINESE.match(run) else [run])
    return tokens


@lru_cache(maxsize=4096)
def cut(run: str) -> tuple[str, ...]:
    """The words of a run of Chinese characters."""
    import rjieba  # its dictionary takes a moment to load

    return tuple(word for word in rjieba.cut(run) if word.strip())


def clauses_of(text: str) -> list[str]:
    """Parts of a message that may each want something of their own."""
    parts = re.split(
        r"[。;；!！?？\n]+"
        r"|[,，]\s*(?:另外|还有|顺便|对了|而且|然后|同时|再|also|and|then|plus|btw|by the way)"
        r"|\b(?:and also|by the way|btw|also)\b|(?:另外|顺便|对了)|[,，]|\.(?=\s)",
        text,
        flags=re.IGNORECASE,
    )
    return [part.strip(" ,，.、") for part in parts if len(part.strip(" ,，.、")) > 1]
