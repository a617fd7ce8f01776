"""Sentence encoders by name: an estimator is asked with the one that it was fitted with."""

from collections.abc import Sequence

import numpy as np

from crm import encoder, english_encoder
from crm.ml.joined import JOINED, MULTILINGUAL, joined
from crm.ml.text import CHINESE


class MissingEncoder(Exception):
    """What was fitted with this encoder cannot be asked here: it is not installed, or broken."""


def strongest() -> str:
    """The name of the best encoder that there is, "" where there is none."""
    return next((name for name in (JOINED, MULTILINGUAL) if is_usable(name)), "")


def is_usable(name: str) -> bool:
    """Whether texts can be encoded by this name here; "" is no encoder, and always there."""
    if name in ("", MULTILINGUAL):
        return not name or encoder.encode([]) is not None
    return name == JOINED and is_usable(MULTILINGUAL) and english_encoder.is_usable()


def encode_by(name: str, texts: Sequence[str]) -> np.ndarray | None:
    """One row a text by the encoder of this name; None where the name is "".

    Raises MissingEncoder.
    """
    if not name:
        return None
    multilingual = encoder.encode(texts) if name in (JOINED, MULTILINGUAL) else None
    english = _english(texts) if name == JOINED else None
    if multilingual is None or (name == JOINED and english is None):
        raise MissingEncoder(f"the sentence encoder {name} is not installed")
    if english is None:
        return multilingual
    return joined(multilingual, english, np.array([_is_english(text) for text in texts], bool))


def _english(texts: Sequence[str]) -> np.ndarray | None:
    """Rows of zeros for what the English encoder cannot read: it is not asked in vain."""
    place = [row for row, text in enumerate(texts) if _is_english(text)]
    rows = english_encoder.encode([texts[row] for row in place])
    if rows is None:
        return None
    whole = np.zeros((len(texts), rows.shape[1]), np.float32)
    whole[place] = rows
    return whole


def _is_english(text: str) -> bool:
    return CHINESE.search(text) is None
