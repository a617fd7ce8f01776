"""Journeys that run, with their graphs read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from campaigns.journeys import graph as graphs
from campaigns.journeys.graph import Graph
from campaigns.models import Journey, JourneyVersion


@dataclass(frozen=True)
class Running:
    journey: Journey
    version: JourneyVersion
    graph: Graph


def of_all(journeys: Iterable[Journey]) -> list[Running]:
    """Each of these, which come with their version."""
    return [Running(one, one.version, graph_of(one.version)) for one in journeys if one.version]


def graph_of(version: JourneyVersion) -> Graph:
    return _read(json.dumps(version.graph))


@lru_cache(maxsize=256)
def _read(said: str) -> Graph:
    return graphs.parse(json.loads(said))
