"""Algorithms that need what is not always installed."""

from importlib.util import find_spec

import pytest

NEEDS_TORCH = pytest.mark.skipif(
    find_spec("torch") is None, reason="torch is an extra: requirements-neural.txt"
)


def algorithms(*names):
    """Parameters of a test over algorithms; those of an extra are skipped where it is absent."""
    marks = [pytest.mark.scale, NEEDS_TORCH]
    return [pytest.param(name, marks=marks if name == "gru" else ()) for name in names]
