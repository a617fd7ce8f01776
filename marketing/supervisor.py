"""Run the web server and the worker (with its scheduler) together, as one command.

Each runs in a session of its own and only the leaders are signalled: a manager that
signals the whole group kills the worker's children in the middle of a task.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

PATIENCE = 30  # seconds a process gets to finish what it is doing
QUIET = 5  # a process that lived shorter than this is started again more slowly


@dataclass
class Process:
    name: str
    command: Sequence[str]
    running: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0


@dataclass
class Supervisor:
    """Keeps processes running until it is told to stop, then waits for them."""

    commands: Mapping[str, Sequence[str]]
    log: Callable[[str], None]
    stopping: bool = False
    processes: list[Process] = field(default_factory=list)

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        self.processes = [Process(name, command) for name, command in self.commands.items()]
        for process in self.processes:
            self._start(process)
        while not self.stopping:
            self._revive()
            time.sleep(0.2)
        return self._wait()

    def _start(self, process: Process) -> None:
        process.running = subprocess.Popen(
            process.command, start_new_session=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        process.started = time.monotonic()

    def _revive(self) -> None:
        for process in self.processes:
            if process.running is None or process.running.poll() is None:
                continue
            lived = time.monotonic() - process.started
            process.failures = process.failures + 1 if lived < QUIET else 0
            if process.failures > 3:
                self.log(f"{process.name} ends at once, again and again; stopping.")
                self.stopping = True
                return
            self.log(f"{process.name} ended with {process.running.returncode}; starting it again.")
            time.sleep(min(process.failures, 5))
            self._start(process)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _wait(self) -> int:
        self.log("Stopping; letting running tasks finish.")
        for process in self.processes:
            if process.running is not None and process.running.poll() is None:
                process.running.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        clean = True
        for process in self.processes:
            try:
                if process.running is not None:
                    process.running.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                clean = False
                self.log(f"{process.name} does not stop; killing it.")
                os.killpg(process.running.pid, signal.SIGKILL)  # type: ignore[union-attr]
        return 0 if clean and all(p.failures <= 3 for p in self.processes) else 1


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
