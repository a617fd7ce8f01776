"""What outlives a dead sender, and who may read it."""

import os
import signal
import time

import pytest

from campaigns import journal


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def words(left, *ids):
    return {pk: mark.decode() for pk, mark in left.last_words(ids).items()}


def dead(owner="dead", lines=(), tail=b""):
    """The journal that a process killed with -9 leaves."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        kept = journal.Journal(owner)
        for name, pk in lines:
            getattr(kept, name)(pk)
        os.write(kept._file, tail)
        os.write(writing, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


def test_the_last_word_on_each_message_counts():
    dead(lines=[("asked", 1), ("asked", 2), ("accepted", 1), ("asked", 3), ("refused", 3)])
    (left,) = list(journal.abandoned())
    assert left.owner == "dead"
    assert left.is_whole
    assert words(left, 1, 2, 3, 4) == {1: "+", 2: "?", 3: "-"}
    assert words(left, 2) == {2: "?"}


def test_an_answer_and_the_next_question_are_one_line_each():
    kept = journal.Journal("dead")
    kept.asked(1)
    kept.accepted_and_asked(1, 2)
    kept.close(is_settled=False)
    (left,) = list(journal.abandoned())
    assert words(left, 1, 2) == {1: "+", 2: "?"}


def test_a_line_that_was_cut_off_says_nothing():
    dead(lines=[("asked", 12)], tail=b"?13")
    (left,) = list(journal.abandoned())
    assert words(left, 1, 12, 13) == {12: "?"}


def test_the_journal_of_a_living_sender_is_nobodys_to_read():
    kept = journal.Journal("alive")
    assert list(journal.abandoned()) == []
    kept.close(is_settled=False)
    assert [left.owner for left in journal.abandoned()] == ["alive"]


def test_one_that_is_read_is_not_read_by_another():
    dead()
    reading = journal.abandoned()
    next(reading)
    assert list(journal.abandoned()) == []
    reading.close()
    assert len(list(journal.abandoned())) == 1


def test_what_is_settled_leaves_no_file(tmp_path):
    journal.Journal("fine").close(is_settled=True)
    assert list((tmp_path / "journal").iterdir()) == []


def test_after_a_restart_of_the_machine_it_is_not_relied_upon(monkeypatch):
    dead(lines=[("asked", 1)])
    monkeypatch.setattr(journal, "boot_id", lambda: "another")
    (left,) = list(journal.abandoned())
    assert not left.is_whole
