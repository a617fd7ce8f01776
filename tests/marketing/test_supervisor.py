import os
import signal
import subprocess
import sys
import textwrap

import pytest

WAITS = "import time\ntime.sleep(60)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, lambda *a: None)\ntime.sleep(60)"


def supervise(tmp_path, program, *, patience=30):
    """A supervisor of one small program, in a process of its own."""
    (tmp_path / "program.py").write_text(program)
    script = textwrap.dedent(f"""
        import sys
        from marketing import supervisor
        supervisor.PATIENCE = {patience}
        log = lambda text: print(text, flush=True)
        commands = {{"it": supervisor.python({str(tmp_path / "program.py")!r})}}
        keeper = supervisor.Supervisor(commands, log)
        start = keeper._start
        def told(process):
            start(process)
            print("started", process.running.pid, flush=True)
        keeper._start = told
        sys.exit(keeper.run())
    """)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def read_until(process, word):
    for line in process.stdout:
        if word in line:
            return line
    pytest.fail(f"never said {word}")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_stops_everything_and_leaves_nobody(tmp_path):
    process = supervise(tmp_path, WAITS)
    pid = int(read_until(process, "started").split()[1])
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert not is_running(pid)


def test_what_dies_is_started_again(tmp_path):
    process = supervise(tmp_path, WAITS)
    first = int(read_until(process, "started").split()[1])
    os.kill(first, signal.SIGKILL)
    second = int(read_until(process, "started").split()[1])
    assert second != first
    process.terminate()
    assert process.wait(20) == 0


def test_what_dies_at_once_every_time_ends_the_run(tmp_path):
    process = supervise(tmp_path, "raise SystemExit(3)")
    read_until(process, "again and again")
    assert process.wait(20) == 1


def test_what_will_not_stop_is_killed_after_a_while(tmp_path):
    process = supervise(tmp_path, STUBBORN, patience=1)
    pid = int(read_until(process, "started").split()[1])
    # Its signal handler must stand before it is told to stop.
    read = subprocess.run(["sleep", "0.5"], check=True)
    assert read.returncode == 0
    process.terminate()
    assert process.wait(20) == 1
    assert not is_running(pid)
