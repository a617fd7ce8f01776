"""Two sentence encodings side by side, so that one cosine tells of both."""

import numpy as np

MULTILINGUAL = "use3"  # names stand in artifacts: whoever changes what they mean renames them
JOINED = "use3+minilm"
WIDTH, ENGLISH_WIDTH = 512, 384
WIDTHS = {MULTILINGUAL: WIDTH, JOINED: WIDTH + ENGLISH_WIDTH}
WORTH = 0.7  # of the second encoding in the cosine of two English texts


def joined(
    multilingual: np.ndarray, english: np.ndarray, is_read: np.ndarray, worth: float = WORTH
) -> np.ndarray:
    """(rows, both widths) of unit length, from encodings of the same texts.

    is_read: (rows,) whether the second encoder can read the text. Where it cannot, the first
    stands alone and whole: such texts are as near to each other as they were.
    """
    share = np.where(is_read, worth, 0.0)[:, None]
    parts = [_unit(multilingual) * np.sqrt(1 - share), _unit(english) * np.sqrt(share)]
    return np.hstack(parts).astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
