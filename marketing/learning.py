"""All that can be trained and analysed, collected from the apps."""

from argparse import Namespace
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from crm.analysis import Subject
from crm.training import Order, Trainer, on_one_thread

# In this order: what comes later may read the scores and segments of what came before.
TRAINED_IN = ("crm.trainers", "recommendations.training", "chatbot.training", "campaigns.training")
ANALYSED_IN = (
    "crm.analyses",
    "recommendations.analysis",
    "chatbot.analysis",
    "campaigns.analyses",
)


def trainers() -> dict[str, Trainer]:
    return _collected(TRAINED_IN, "TRAINERS")


def subjects() -> dict[str, Subject]:
    return _collected(ANALYSED_IN, "SUBJECTS")


def train(name: str, order: Order) -> dict[str, Any]:
    """Run one trainer. Raises KeyError for an unknown name, TooLittleData where it refuses."""
    trainer = trainers()[name]
    with on_one_thread():
        return trainer(order)


def analyse(subject: str, options: Namespace) -> dict[str, Any] | None:
    """Run one subject of the analyst's bench. Raises UnusableInput."""
    with on_one_thread():
        return subjects()[subject].run(options)


def _collected(modules: tuple[str, ...], table: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in modules:
        if find_spec(name) is not None:
            entries: Mapping[str, Any] = getattr(import_module(name), table)
            found.update(entries)
    return found
