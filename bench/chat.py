"""The chat under load: open sockets, messages that arrive whether or not earlier ones are answered.

    python -m bench.chat [--sockets 1000] [--rate 100] [--seconds 20] [--reconnects 500] [--only embedded|servers]

Servers of our own on a small demo store with trained models: the embedded default (one process, half the
load), and, where DATABASE_URL and REDIS_URL name PostgreSQL and Redis, two processes there. Every latency
counts from the moment when the message was due. A bare Channels consumer that echoes is the peer.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.chats.servers import ECHO, ROOT, database, production, serving
from bench.chats.visitors import Load, echoes


def measure(options: argparse.Namespace, url: str, redis: str, *, share: float) -> dict[str, Any]:
    count, rate = int(options.sockets * share), options.rate * share
    with tempfile.TemporaryDirectory() as folder, database(url) as database_url:
        servers = {"DATABASE_URL": database_url, "REDIS_URL": redis, "CELERY_BROKER_URL": redis}
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        if not url:  # the embedded default is no production: it needs no broker
            servers = {"DATABASE_URL": "", "REDIS_URL": "", "CELERY_BROKER_URL": "", "DEBUG": "1"}
        env = {**production(), **os.environ, **servers, **threads, "VAR_DIR": folder}
        for command in (
            ["migrate", "-v0"],
            ["demo", "--customers", "200"],
            ["train", "intents", "recommender"],
        ):
            done = [sys.executable, "manage.py", *command]
            subprocess.run(done, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        script = [sys.executable, "-m", "bench.chats.turns"]
        alone = json.loads(subprocess.check_output(script, cwd=ROOT, env=env).splitlines()[-1])
        (Path(folder) / "echoing.py").write_text(ECHO)
        with serving("echoing:application", folder, env) as (addresses, pids):
            shorter = min(options.seconds, 5)
            echo = asyncio.run(echoes(addresses[0], pids, count, rate, shorter))
        with serving("marketing.asgi:application", folder, env, 2 if url else 1) as (
            addresses,
            pids,
        ):
            load = Load(addresses, pids)
            found = asyncio.run(
                load.run(count, rate, options.seconds, int(options.reconnects * share))
            )
    ratio = found["answer_p95_ms"] / echo["echo_p95_ms"]
    return {
        **found,
        **alone,
        **echo,
        "answer_p95_to_echo": round(ratio, 1),
        "load_average": os.getloadavg()[0],
    }


def main() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--reconnects", type=int, default=500)
    parser.add_argument("--only", choices=("embedded", "servers"))
    options = parser.parse_args()
    found = {}
    url, redis = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    if options.only != "embedded" and url.startswith("postgres") and redis:
        found["servers"] = measure(options, url, redis, share=1.0)
    if options.only != "servers":
        found["embedded"] = measure(options, "", "", share=0.5)
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
