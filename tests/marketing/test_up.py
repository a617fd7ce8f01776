"""`manage.py up`: training and imports do not hold up what customers wait for."""

import json

import pytest
from celery import Celery
from django.conf import settings

from marketing.celery import app
from marketing.management.commands.up import Command
from marketing.schedule import LONG, SCHEDULE, SHORT, TAKES_LONG


@pytest.fixture
def commands():
    return Command()._commands({"host": "127.0.0.1", "port": 8000})


def served_by(command):
    return command[command.index("-Q") + 1].split(",") if "-Q" in command else []


def queue_of(task):
    return app.amqp.router.route({}, task)["queue"].name


def test_every_queue_has_one_worker_and_one_clock_runs(commands):
    served = [queue for command in commands.values() for queue in served_by(command)]
    assert sorted(served) == sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)
    assert sum("-B" in command for command in commands.values()) == 1


def test_workers_have_names_of_their_own(commands):
    names = [command[command.index("-n") + 1] for command in commands.values() if "-n" in command]
    assert len(names) == len(set(names)) == 2


@pytest.mark.parametrize("task", TAKES_LONG)
def test_what_takes_minutes_stands_in_its_own_queue(task):
    app.loader.import_default_modules()
    assert task in app.tasks, "a route to a task that does not exist"
    assert queue_of(task) == LONG


@pytest.mark.parametrize(
    "task", ["campaigns.tasks.sweep", "chatbot.tasks.answer_waiting", "crm.tasks.dispatch_events"]
)
def test_what_customers_wait_for_stands_in_the_other(task):
    assert queue_of(task) == SHORT


def test_a_message_reaches_its_queue_and_no_other(tmp_path, monkeypatch):
    """The broker made of files, as it is: a queue is the end of a name."""
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # it goes before what an app is given
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
    sender = Celery("sender", broker="filesystem://", set_as_current=False)
    sender.conf.update(
        broker_transport_options=folders | {"control_folder": str(tmp_path / "control")},
        task_queues=settings.CELERY_TASK_QUEUES,
        task_routes=settings.CELERY_TASK_ROUTES,
        task_default_queue=SHORT,
    )
    sender.send_task("marketing.tasks.train_all")
    sender.send_task("campaigns.tasks.sweep")
    found = {
        path.name.split(".")[1]: json.loads(path.read_text())["headers"]["task"]
        for path in tmp_path.glob("*.msg")
    }
    assert found == {LONG: "marketing.tasks.train_all", SHORT: "campaigns.tasks.sweep"}


def test_what_waits_behind_an_import_does_not_pile_up():
    entries = [entry for entry in SCHEDULE.values() if entry["task"] in TAKES_LONG]
    often = [entry for entry in entries if isinstance(entry["schedule"], float)]
    assert often
    for entry in often:
        assert entry["options"]["expires"] <= entry["schedule"]
