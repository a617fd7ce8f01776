"""From `manage.py up` on an empty folder to /readyz 200, the second start, and the memory.

Memory is the proportional set size of web, worker and scheduler with their children.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PORT = 8791


def start(folder: str) -> tuple[subprocess.Popen, float]:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(PORT)],
        env=os.environ | {"VAR_DIR": folder},
        stderr=subprocess.DEVNULL,
    )
    while time.perf_counter() - began < 240:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=2):
                return process, time.perf_counter() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    process.kill()
    raise SystemExit("never ready")


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def memory_mb(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def stop(process: subprocess.Popen) -> float:
    began = time.perf_counter()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        process, first = start(folder)
        for _ in range(20):  # pages and lists, so that what loads lazily is loaded
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/").read()
        time.sleep(3)
        memory = memory_mb(descendants(process.pid))
        stop(process)
        process, second = start(folder)
        stopped = stop(process)
    print(
        json.dumps(
            {
                "first_start_seconds": round(first, 1),
                "second_start_seconds": round(second, 1),
                "stop_seconds": round(stopped, 1),
                "web_worker_scheduler_mb": round(memory),
            }
        )
    )


if __name__ == "__main__":
    main()
