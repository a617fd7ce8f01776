"""A clock whose file was cut off in a crash runs again at the next start."""

import pytest

from marketing.beat import Scheduler
from marketing.celery import app


def scheduler(path):
    made = Scheduler(app=app, schedule_filename=str(path), lazy=True)
    made.setup_schedule()
    return made


@pytest.fixture
def kept(tmp_path):
    first = scheduler(tmp_path / "beat")
    first.close()
    return tmp_path / "beat"


def test_the_schedule_is_kept_over_a_restart(kept):
    again = scheduler(kept)
    assert "train" in again.schedule
    again.close()


@pytest.mark.parametrize("left", [b"", b"\x80", b"nonsense"])
def test_a_file_that_a_kill_left_is_made_anew(kept, left):
    for path in kept.parent.iterdir():
        if path.suffix in (".dat", ".db", ""):
            path.write_bytes(left)
    again = scheduler(kept)
    assert "train" in again.schedule
    again.close()
    scheduler(kept).close()
