"""Stories run in both ways a city can: in one process on the bus inside PostgreSQL, and over Kafka in processes of the services' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.kafka.cluster import Cluster
from infra.wiring import Town
from tests.city import a_city
from tests.conftest import empty

WAYS = [
    "one process",
    pytest.param("many processes", marks=[pytest.mark.kafka, pytest.mark.many]),
]
TOWNS = {"one process": "one_town", "many processes": "many_town"}
WITHOUT_EVENTS = ("test_bad_input",)  # about what services answer: the bus plays no part


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "town" in metafunc.fixturenames:
        about_events = metafunc.module.__name__.rpartition(".")[2] not in WITHOUT_EVENTS
        metafunc.parametrize("town", WAYS if about_events else WAYS[:1], indirect=True)


@pytest.fixture(scope="session")
def many_town(kafka: Cluster, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A second town: every service's web, relay and consume in processes of their own, kept running by the supervisor."""
    with a_city(kafka, postgres_url.replace("{service}", "many_{service}"), tmp_path_factory.mktemp("many")) as city:
        yield city.town


@pytest.fixture
def town(request: pytest.FixtureRequest) -> Town:
    """An empty town on a Monday at noon; move its time with `town.clock.move_to(…)`."""
    return empty(request.getfixturevalue(TOWNS[request.param]))
