"""Stories run in every way a city can: in one process on the bus inside PostgreSQL or over Kafka, and in processes of the services' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kafka.cluster import Cluster
from infra.topics import topic_names
from infra.wiring import Town, build_town
from services.kit.clock import SetClock
from services.kit.settings import read_settings
from tests.city import a_city
from tests.conftest import NOON, empty
from tests.kafka_broker import a_kafka_bus

WAYS = [
    "one process",
    pytest.param("kafka", marks=pytest.mark.kafka),
    pytest.param("many processes", marks=[pytest.mark.kafka, pytest.mark.many]),
]
TOWNS = {"one process": "one_town", "kafka": "kafka_town", "many processes": "many_town"}
WITHOUT_EVENTS = ("test_bad_input",)  # about what services answer: the bus plays no part


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "town" in metafunc.fixturenames:
        about_events = metafunc.module.__name__.rpartition(".")[2] not in WITHOUT_EVENTS
        metafunc.parametrize("town", WAYS if about_events else WAYS[:1], indirect=True)


@pytest.fixture(scope="session")
def kafka_town(kafka: Cluster, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A second town on the same server, whose events travel over Kafka."""
    a_kafka_bus(kafka, *topic_names()).close()
    var: Path = tmp_path_factory.mktemp("kafka-town")
    settings = read_settings({"VAR": str(var), "KAFKA_BOOTSTRAP": kafka.bootstrap})
    town = build_town(settings, clock=SetClock(NOON), url=postgres_url.replace("{service}", "kafka_{service}"))
    yield town
    town.close()


@pytest.fixture(scope="session")
def many_town(kafka: Cluster, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A third town: every service's web, relay and consume in processes of their own, kept running by the supervisor."""
    with a_city(kafka, postgres_url.replace("{service}", "many_{service}"), tmp_path_factory.mktemp("many")) as city:
        yield city.town


@pytest.fixture
def town(request: pytest.FixtureRequest) -> Town:
    """An empty town on a Monday at noon; move its time with `town.clock.move_to(…)`."""
    return empty(request.getfixturevalue(TOWNS[request.param]))
