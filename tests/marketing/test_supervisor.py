import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

WAITS = "import time\ntime.sleep(600)"
STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *a: None)
pathlib.Path(__file__).with_name("stands").touch()
time.sleep(600)
"""
LONG = 120  # seconds a busy machine may take


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


def until_there(path):
    end = time.monotonic() + LONG
    while not path.exists():
        assert time.monotonic() < end, f"no {path.name}"
        time.sleep(0.02)


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
    assert process.wait(LONG) == 0
    assert not is_running(pid)


def test_what_dies_is_started_again(tmp_path):
    process = supervise(tmp_path, WAITS)
    first = int(read_until(process, "started").split()[1])
    os.kill(first, signal.SIGKILL)
    second = int(read_until(process, "started").split()[1])
    assert second != first
    process.terminate()
    assert process.wait(LONG) == 0


def test_what_dies_at_once_every_time_ends_the_run(tmp_path):
    process = supervise(tmp_path, "raise SystemExit(3)")
    read_until(process, "again and again")
    assert process.wait(LONG) == 1


def test_what_will_not_stop_is_killed_after_a_while(tmp_path):
    process = supervise(tmp_path, STUBBORN, patience=1)
    pid = int(read_until(process, "started").split()[1])
    until_there(tmp_path / "stands")  # or it would stop at once
    process.terminate()
    assert process.wait(LONG) == 1
    assert not is_running(pid)
