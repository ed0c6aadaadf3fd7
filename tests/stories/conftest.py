"""Stories run in both ways a city can: on the bus inside PostgreSQL, and over Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kafka.cluster import Cluster
from infra.topics import topic_names
from infra.wiring import Town, build_town
from services.kit.clock import SetClock
from services.kit.settings import read_settings
from tests.conftest import NOON, empty
from tests.kafka_broker import a_kafka_bus

BUSES = ["local", pytest.param("kafka", marks=pytest.mark.kafka)]
WITHOUT_EVENTS = ("test_bad_input",)  # about what services answer: the bus plays no part


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "town" in metafunc.fixturenames:
        about_events = metafunc.module.__name__.rpartition(".")[2] not in WITHOUT_EVENTS
        metafunc.parametrize("town", BUSES if about_events else ["local"], indirect=True)


@pytest.fixture(scope="session")
def kafka_town(kafka: Cluster, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A second town on the same server, whose events travel over Kafka."""
    a_kafka_bus(kafka, *topic_names()).close()
    var: Path = tmp_path_factory.mktemp("kafka-town")
    settings = read_settings({"VAR": str(var), "KAFKA_BOOTSTRAP": kafka.bootstrap})
    town = build_town(settings, clock=SetClock(NOON), url=postgres_url.replace("{service}", "kafka_{service}"))
    yield town
    town.close()


@pytest.fixture
def town(request: pytest.FixtureRequest) -> Town:
    """An empty town on a Monday at noon; move its time with `town.clock.move_to(…)`."""
    return empty(request.getfixturevalue("one_town" if request.param == "local" else "kafka_town"))
