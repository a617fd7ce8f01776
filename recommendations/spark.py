"""Factors learned on Apache Spark, where one machine is too small; served by the same code.

`SPARK_MASTER` (`spark://host:7077`, `yarn`, `local[2]`) turns it on. Needs pyspark and Java 17:
requirements-scale.txt. The driver is a process of its own: its Java goes when the training is done.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy import sparse

ROOT = Path(__file__).resolve().parent.parent


class NoSpark(Exception):
    """SPARK_MASTER is set, but pyspark is not installed."""


class SparkFailed(Exception):
    """The driver ended without factors; the message is what it said last."""


class SparkFactoriser:
    """Alternating least squares of Spark's MLlib on implicit feedback, as a `Factoriser`."""

    def __init__(self, master: str, *, blocks: int = 8, memory: str = "2g") -> None:
        if importlib.util.find_spec("pyspark") is None:
            raise NoSpark("SPARK_MASTER is set, but pyspark is not installed")
        self.master = master
        self.blocks = blocks
        self.memory = memory

    def __call__(
        self,
        confidence: "sparse.csr_matrix",
        *,
        factors: int,
        l2: float,
        iterations: int,
        seed: int,
    ) -> "np.ndarray":
        """(products, factors) float32. `confidence`: (customers, products), 1 + c where chosen."""
        import numpy as np
        from scipy import sparse

        settings = {
            **vars(self),
            "factors": factors,
            "l2": l2,
            "iterations": iterations,
            "seed": seed,
        }
        with TemporaryDirectory() as folder:
            sparse.save_npz(f"{folder}/confidence.npz", confidence, compressed=False)
            self._drive(folder, json.dumps(settings))
            learned: np.ndarray = np.load(f"{folder}/factors.npy", allow_pickle=False)
        return learned

    def _drive(self, folder: str, settings: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "recommendations.sparkdriver", folder, settings],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SparkFailed("\n".join(done.stderr.strip().splitlines()[-5:]))
