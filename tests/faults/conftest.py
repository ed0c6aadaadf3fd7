"""A city in many processes on a broker of its own, for tests that need no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.test_workers import City
from tests.kafka_broker import a_cluster


@pytest.fixture(scope="session")
def apart(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Databases and topics made, no process running."""
    with a_cluster() as cluster:
        environment = {
            "DATABASE_URL": postgres_url.replace("{service}", "parted_{service}"), "VAR": str(tmp_path_factory.mktemp("var")),
            "SECRET_KEYS": "a key that all processes of the city share", "KAFKA_BOOTSTRAP": cluster.bootstrap,
            "KAFKA_PARTITIONS": "4", "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1",
        }  # fmt: skip
        city = City(environment, cluster)
        city.run("migrate")
        city.run("topics", "apply")
        yield city
